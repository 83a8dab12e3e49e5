"""Data, not code: starter e-mails."""
