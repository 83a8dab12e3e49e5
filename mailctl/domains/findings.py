"""Findings: what a check saw, as data. Checks never print; commands and reports format these.

Promise: an id never changes its meaning; `error` and `warning` rest on evidence, and a question that nobody
answered is `unknown` (verifier.md, "Verdicts").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailctl.standards.dns import Answer, Status, rdata_text


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    UNKNOWN = "unknown"
    INFO = "info"
    OK = "ok"


ORDER = tuple(Severity)  # the worst first


@dataclass(frozen=True, slots=True)
class Evidence:
    """One question, what was answered, by whom, and for how many seconds it may be cached."""

    question: str
    answer: str
    server: str = ""
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so, with its proof. `fix` can be pasted or done as it stands."""

    id: str  # "area.kebab-case"
    severity: Severity
    message: str
    reference: str = ""  # the standard's clause
    expected: str = ""
    evidence: tuple[Evidence, ...] = ()
    fix: str = ""
    elsewhere: bool = False  # to be mended in a zone that others keep

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]


def evidence(answer: Answer) -> Evidence:
    """What was asked and answered, in one line."""
    if answer.status is Status.ANSWER:
        said = " | ".join(rdata_text(record) for record in answer.records)
    else:
        said = answer.status.value + (f" ({answer.detail})" if answer.detail else "")
    return Evidence(f"{answer.name} {answer.rdtype}", said, answer.server, answer.ttl)


def worst(findings: Iterable[Finding]) -> Severity:
    """The severity that counts for all of them; `ok` where there are none."""
    return min((finding.severity for finding in findings), key=ORDER.index, default=Severity.OK)


def sort(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, and within a severity in the order they were found."""
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.severity)))
