"""One outside system a module (DNS, providers, SMTP, this host), each with its twin in memory."""
