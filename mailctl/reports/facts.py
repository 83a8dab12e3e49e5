"""Reports as JSON: `json` is a list of objects, `jsonl` one object a line. verify-1.schema.json describes both.

Promise: within version 1 of the schema keys are added at most; none is taken away, and none changes its meaning.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from mailctl.domains.findings import Finding, Report
from mailctl.reports import Run

SCHEMA = "verify-1.schema.json"
# Inside of strings only: JSON has none of these outside, and escapes those below U+0020 itself.
_UNSHOWN = re.compile("[\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def write(reports: Sequence[Report], run: Run) -> str:
    """One document."""
    del run  # the facts are the same for every run
    return dumped([report_facts(report) for report in reports], indent=2) + "\n"


def write_lines(reports: Sequence[Report], run: Run) -> str:
    """One line for each domain."""
    del run
    return "".join(dumped(report_facts(report)) + "\n" for report in reports)


def dumped(value: Any, indent: int | None = None) -> str:
    """JSON in which what would steer a terminal, or is no character, is escaped; other characters stand as they are."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _UNSHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def report_facts(report: Report) -> dict[str, Any]:
    """A report as plain data."""
    facts: dict[str, Any] = {
        "domain": report.domain,
        "verdict": report.verdict.value,
        "seconds": report.seconds,
        "findings": [finding_facts(finding) for finding in report.findings],
    }
    if report.gone is not None:
        facts["gone"] = [finding_facts(finding) for finding in report.gone]
    return facts


def finding_facts(finding: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    return {
        "id": finding.id,
        "area": finding.area,
        "severity": finding.severity.value,
        "message": finding.message,
        "reference": finding.reference,
        "expected": finding.expected,
        "evidence": [
            {"question": e.question, "answer": e.answer, "server": e.server, "ttl": e.ttl}
            for e in finding.evidence
        ],
        "fix": finding.fix,
    }
