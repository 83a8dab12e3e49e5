"""Failpoints kill the process that reaches them, at the hit that was named, and nobody else."""

import os
import signal
import subprocess
import sys

import pytest

from mailctl.failpoints import failpoint

SCRIPT = "from mailctl.failpoints import failpoint as f\nfor n in range(3): f('a.b'); print(n, flush=True)"


@pytest.mark.parametrize(("value", "lines"), [("a.b", 0), ("a.b:1", 0), ("a.b:3", 2)])
def test_it_dies_there(value: str, lines: int) -> None:
    environment = {**os.environ, "MAILCTL_FAILPOINT": value}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(done.stdout.split()) == lines


@pytest.mark.parametrize("value", ["", "a", "a.b:4", "x.y"])
def test_it_lives_on(value: str) -> None:
    environment = {**os.environ, "MAILCTL_FAILPOINT": value}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=False)
    assert (done.returncode, len(done.stdout.split())) == (0, 3)


def test_unset_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILCTL_FAILPOINT", raising=False)
    failpoint("a.b")
    assert "MAILCTL_FAILPOINT" not in os.environ
