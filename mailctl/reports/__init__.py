"""How the reports of `verify` are written: a format a module, each a pure function from `Report`s to text.

Promise: `FORMATS` is the one list of formats; a format's module is imported when it is asked for. Text from outside (a
TXT record, an SMTP greeting) is escaped for where it goes: no format lets a zone write markup, commands or control
characters.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from mailctl.domains.findings import Report, Severity


@dataclass(frozen=True, slots=True)
class Run:
    """What a report says of the run as a whole. `inventory` is its path as a reader of the report sees it, or ""."""

    version: str = ""
    when: str = ""  # ISO 8601
    inventory: str = ""
    fail_on: Severity = Severity.ERROR
    everything: bool = False  # show in full what is fine, too


Writer = Callable[[Sequence[Report], Run], str]


class Format(NamedTuple):
    """A format: where its writer is, what it is for, and whether what it writes is Rich markup for a terminal."""

    module: str
    purpose: str
    function: str = "write"
    markup: bool = False

    def load(self) -> Writer:
        return cast(Writer, getattr(importlib.import_module(self.module), self.function))


FORMATS: Mapping[str, Format] = {
    "text": Format("mailctl.reports.text", "for people, at a terminal or in a log", markup=True),
    "json": Format("mailctl.reports.facts", "one JSON list, by a schema with a version"),
    "jsonl": Format(
        "mailctl.reports.facts", "one JSON object a line, each as soon as it is known", "write_lines"
    ),
    "sarif": Format("mailctl.reports.sarif", "SARIF 2.1.0, for GitHub code scanning and others"),
    "junit": Format("mailctl.reports.junit", "JUnit XML, for GitLab, Jenkins and others"),
    "github": Format("mailctl.reports.github", "annotations of a GitHub Actions run"),
    "markdown": Format("mailctl.reports.markdown", "for a pull request or a summary"),
}
# Not a --format: a page is written to a file, by --report.
HTML = Format("mailctl.reports.html", "one self-contained page")


def worst_first(reports: Sequence[Report]) -> list[Report]:
    """The domains that need somebody most at the top, then by name."""
    order = tuple(Severity)
    return sorted(
        reports,
        key=lambda r: ([-sum(f.severity is s for f in r.findings) for s in order[:3]], r.domain),
    )
