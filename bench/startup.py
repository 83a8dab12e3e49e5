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
    "verify": ["-m", "mailctl", "verify"],
    # The DNS half of verify without the store: what a start would cost if no database were opened.
    "dns half": [
        "-c", "import mailctl.cli, mailctl.edges.resolver, mailctl.standards.dmarc, mailctl.standards.spf_check, "
        "mailctl.domains.findings, rich.table",
    ],
}  # fmt: skip


def rows(rounds: int) -> list[Row]:
    """At least 15 rounds, since one costs little and a start is the noisiest thing here."""
    with tempfile.TemporaryDirectory() as folder:
        environment = child_environment() | {"MAILCTL_STATE_DIR": str(Path(folder) / "state")}
        environment |= {"PYTHONPATH": str(ROOT), "MAILCTL_DNS__NAMESERVERS": "127.0.0.1:9"}
        subjects = {
            name: milliseconds([sys.executable, *words], environment) for name, words in COMMANDS.items()
        }
        interleaved(subjects, 2)  # compiles, makes the database, warms the page cache
        seen = interleaved(subjects, max(rounds, 15))
    return [
        compare("mailctl --help", "ms", seen, "help", "bare", peer="bare Typer --help", target="≤ 1.5"),
        compare("mailctl verify --help", "ms", seen, "verify --help", "bare", peer="bare Typer --help"),
        compare("mailctl setup --help", "ms", seen, "setup --help", "bare", peer="bare Typer --help"),
        compare("mailctl verify, no domains", "ms", seen, "verify", "dns half", peer="its DNS half alone"),
        alone("python -c pass", "ms", seen, "python"),
    ]


if __name__ == "__main__":
    for row in rows(15):
        print(f"{row.name}: {row.ours:.0f} ms" + (f", {row.ratio:.2f} × {row.peer}" if row.ratio else ""))
