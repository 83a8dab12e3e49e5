"""mailctl: self-hosted transactional e-mail, set up and proven from the command line."""

__version__ = "0.1.0"
