"""The reference in docs/reference/, made from what the code itself says: nothing in it is written twice.

Promise: the same text for the same code, whatever the machine, its date and its settings. `python -m
scripts.reference` writes it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.reference_commands import commands
from scripts.reference_dns import dns_records
from scripts.reference_findings import findings
from scripts.reference_host import host_parameters
from scripts.reference_settings import exit_codes, settings

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands,
    "settings.md": settings,
    "exit-codes.md": exit_codes,
    "dns-records.md": dns_records,
    "host.md": host_parameters,
    "findings.md": findings,
}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
