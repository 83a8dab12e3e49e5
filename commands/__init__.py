"""One verb a module: parse, one call into the core, print. mailctl/cli.py loads them by name."""
