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
SAID = 4_000  # characters of an answer that are kept as evidence; a zone can hold 64 kB of text a record


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
    if len(said) > SAID:
        said = f"{said[:SAID]}… ({len(said)} characters)"
    return Evidence(f"{answer.name} {answer.rdtype}", said, answer.server, answer.ttl)


def worst(findings: Iterable[Finding]) -> Severity:
    """The severity that counts for all of them; `ok` where there are none."""
    return min((finding.severity for finding in findings), key=ORDER.index, default=Severity.OK)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one domain, the worst first.

    `seconds` is how long that took, `line` where the domain stands in the inventory (0: nowhere). `gone` is what a
    baseline had and is no more; None where nothing was compared.
    """

    domain: str
    findings: tuple[Finding, ...]
    seconds: float = 0.0
    line: int = 0
    gone: tuple[Finding, ...] | None = None

    @property
    def verdict(self) -> Severity:
        """The worst severity; `ok` where there is nothing but `info`, which asks for nothing."""
        found = worst(self.findings)
        return Severity.OK if found is Severity.INFO else found


def sort(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, and within a severity in the order they were found."""
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.severity)))
