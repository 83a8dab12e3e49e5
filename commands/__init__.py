"""One verb a module: parse, one call into the core, print. Loaded by name from mailctl/cli.py, imported by nobody."""
