"""What it costs to start: `mailctl --help` beside a bare Typer application, and what `verify` loads."""

import sys
import tempfile
from pathlib import Path

from bench.measure import ROOT, Row, alone, child_environment, compare, interleaved, milliseconds

COMMANDS = {
    "python": ["-c", "pass"],
    "bare": ["-m", "bench.bare", "--help"],
    "help": ["-m", "mailctl", "--help"],
    "verify --help": ["-m", "mailctl", "verify", "--help"],
    "setup --help": ["-m", "mailctl", "setup", "--help"],
    # Nobody listens there, so this is a start and no more: it ends in "unknown".
    "verify": ["-m", "mailctl", "verify", "shop.example", "--nameserver", "127.0.0.1:9", "--format", "jsonl"],
    "verify's imports": ["-c", "import mailctl.cli, mailctl.commands.verify, mailctl.verifying"],
}  # fmt: skip


def rows(rounds: int) -> list[Row]:
    """At least 15 rounds, since one costs little and a start is the noisiest thing here."""
    with tempfile.TemporaryDirectory() as folder:
        environment = child_environment() | {"MAILCTL_STATE_DIR": str(Path(folder) / "state")}
        environment |= {"PYTHONPATH": str(ROOT)}
        subjects = {
            name: milliseconds([sys.executable, *words], environment, ends=3 if name == "verify" else 0)
            for name, words in COMMANDS.items()
        }
        interleaved(subjects, 2)  # compiles, warms the page cache
        seen = interleaved(subjects, max(rounds, 15))
    return [
        compare("mailctl --help", "ms", seen, "help", "bare", peer="bare Typer --help", target="≤ 1.5"),
        compare("mailctl verify --help", "ms", seen, "verify --help", "bare", peer="bare Typer --help"),
        compare("mailctl setup --help", "ms", seen, "setup --help", "bare", peer="bare Typer --help"),
        compare(
            "mailctl verify, nobody to ask", "ms", seen, "verify", "verify's imports", peer="its own imports"
        ),
        alone("python -c pass", "ms", seen, "python"),
    ]


if __name__ == "__main__":
    for row in rows(15):
        print(f"{row.name}: {row.ours:.0f} ms" + (f", {row.ratio:.2f} × {row.peer}" if row.ratio else ""))
