"""SARIF 2.1.0 as GitHub's code scanning takes it: rules from the catalogue, results at lines of the inventory.

Promise: each result has a physical location (GitHub refuses a whole file for one without) and a fingerprint that stays
the same from run to run. What is fine is no result; what is unknown is a `note`, since nothing was found to be wrong.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from mailctl.domains.baseline import fingerprint
from mailctl.domains.checks.catalogue import Entry, catalogue
from mailctl.domains.findings import Finding, Report, Severity
from mailctl.reports import Run, worst_first
from mailctl.reports.facts import dumped

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.UNKNOWN: "note",
    Severity.INFO: "note",
}
RESULTS = 25_000  # GitHub takes no more in one run; the worst domains come first


def write(reports: Sequence[Report], run: Run) -> str:
    """One SARIF log with one run."""
    pairs = [(r, f) for r in worst_first(reports) for f in r.findings if f.severity in LEVELS][:RESULTS]
    ids = sorted({finding.id for _, finding in pairs})
    places = {identifier: place for place, identifier in enumerate(ids)}
    seen: Counter[str] = Counter()
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mailctl",
                        "semanticVersion": run.version,
                        "rules": [_rule(catalogue()[identifier]) for identifier in ids],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(report, finding, run, places, seen) for report, finding in pairs],
            }
        ],
    }
    return dumped(log, indent=2) + "\n"


def _rule(entry: Entry) -> dict[str, Any]:
    """A kind of finding, with the help that GitHub shows beside it."""
    parts = [
        entry.why,
        entry.fix and f"What to do: {entry.fix}",
        entry.reference and f"Reference: {entry.reference}",
    ]
    return {
        "id": entry.id,
        "name": "".join(word.capitalize() for word in entry.id.replace(".", "-").split("-")),
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.why},
        "help": {"text": "\n\n".join(filter(None, parts))},
        "defaultConfiguration": {"level": LEVELS.get(entry.severity, "none")},
        "properties": {"tags": ["mail", entry.id.partition(".")[0]]},
    }


def _result(
    report: Report, finding: Finding, run: Run, places: dict[str, int], seen: "Counter[str]"
) -> dict[str, Any]:
    mark = fingerprint(report.domain, finding)
    seen[mark] += 1
    return {
        "ruleId": finding.id,
        "ruleIndex": places[finding.id],
        "level": LEVELS[finding.severity],
        "message": {"text": _text(report, finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(run.inventory or report.domain)},
                    "region": {"startLine": max(report.line, 1)},
                },
                "logicalLocations": [{"name": report.domain, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {
            # The one that GitHub reads; the number tells results apart that agree in everything else.
            "primaryLocationLineHash": f"{mark}:{seen[mark]}",
            "mailctl/v1": f"{mark}:{seen[mark]}",
        },
        "properties": {"severity": finding.severity.value, "domain": report.domain},
    }


def _text(report: Report, finding: Finding) -> str:
    parts = [f"{report.domain}: {finding.message}"]
    parts += [f"seen: {e.question}: {e.answer}" for e in finding.evidence]
    parts += [f"expected: {finding.expected}"] if finding.expected else []
    parts += [f"fix: {finding.fix}"] if finding.fix else []
    return "\n".join(parts)


def _uri(path: str) -> str:
    """A path as a relative reference (RFC 3986 §4.2), or as a file URI where it is absolute."""
    pure = PurePath(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix(), safe="/")
