"""One outside system a module (DNS, DNS providers, SMTP, this host, the clock), each with its in-memory twin."""
