"""Annotations of a GitHub Actions run: workflow commands on stdout, each at a line of the inventory.

Promise: a message cannot end its command or begin another one: what GitHub reads as syntax is escaped as its toolkit
does. A run shows ten annotations of each kind; the worst domains come first, and the last line counts them all.
"""

from collections import Counter
from collections.abc import Sequence

from mailctl.domains.findings import Finding, Report, Severity
from mailctl.reports import Run, worst_first
from mailctl.terminal import visible

COMMANDS = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.UNKNOWN: "warning",
    Severity.INFO: "notice",
}


def write(reports: Sequence[Report], run: Run) -> str:
    """A command for each finding that is not fine, and a line that counts."""
    ordered = [(r, f) for r in worst_first(reports) for f in r.findings if f.severity in COMMANDS]
    lines = [_command(report, finding, run) for report, finding in ordered]
    counts = Counter(finding.severity for _, finding in ordered)
    told = ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity if counts[severity])
    lines.append(
        f"mailctl verify: {len(reports)} {'domain' if len(reports) == 1 else 'domains'}, {told or 'clean'}"
    )
    return "".join(f"{line}\n" for line in lines)


def _command(report: Report, finding: Finding, run: Run) -> str:
    where = {"file": run.inventory, "line": str(max(report.line, 1))} if run.inventory else {}
    word = " (unknown)" if finding.severity is Severity.UNKNOWN else ""
    properties = {**where, "title": f"{finding.id}{word}: {report.domain}"}
    told = ",".join(f"{key}={escape_property(value)}" for key, value in properties.items())
    return f"::{COMMANDS[finding.severity]} {told}::{escape_data(visible(_message(report, finding)))}"


def _message(report: Report, finding: Finding) -> str:
    parts = [f"{report.domain}: {finding.message}"]
    parts += [f"fix: {finding.fix}"] if finding.fix else []
    return "\n".join(parts)


def escape_data(text: str) -> str:
    """Text behind the second `::` of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Text of a property: what ends it is escaped, too."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")
