"""What `verify` has loaded before it asks its first question: nothing that it may not need."""

import subprocess
import sys

# The database and the keys for those who set up here, Rich for a terminal, the cryptography for a key that was found.
LATER = {"sqlmodel", "sqlalchemy", "alembic", "dkim", "dns", "jinja2", "tomlkit", "rich", "cryptography"}


def test_the_checks_load_nothing_that_can_wait() -> None:
    code = "import sys, mailctl.cli, mailctl.commands.verify, mailctl.verifying; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "mailctl.domains.checks.engine" in loaded
    assert loaded & LATER == set()
