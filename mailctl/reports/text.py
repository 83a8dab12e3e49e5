"""Reports for people at a terminal, as Rich markup: the worst first, and readable without any colour.

Promise: every value from outside goes through `terminal.safe`. What is fine takes one line a domain, and so does what
is merely worth knowing where there are several domains, unless everything was asked for.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from os.path import commonprefix

from mailctl.domains.findings import Finding, Report, Severity
from mailctl.reports import Run, worst_first
from mailctl.terminal import safe

MARKS = {
    Severity.OK: "green",
    Severity.INFO: "cyan",
    Severity.WARNING: "yellow",
    Severity.UNKNOWN: "magenta",
    Severity.ERROR: "bold red",
}
SHOWN = 76  # characters of a value in text; --json has all of it
SHARED = 24  # characters shown of what two long values have in common before they differ
INDENT = " " * 11
WIDEST = 30  # characters of the column of ids


def write(reports: Sequence[Report], run: Run) -> str:
    """All domains, and how many findings there are of each severity."""
    brief = len(reports) > 1
    lines = [
        line
        for report in worst_first(reports)
        for line in report_lines(report, everything=run.everything, brief=brief)
    ]
    lines.append(counted(finding for report in reports for finding in report.findings) or "[green]clean[/]")
    gone = sum(len(report.gone or ()) for report in reports)
    if gone:
        lines[-1] += f"; {gone} gone since the baseline"
    return "".join(f"{line}\n" for line in lines)


def report_lines(report: Report, *, everything: bool = False, brief: bool = False) -> Iterator[str]:
    """One domain: its findings, the worst first; `brief` puts what is worth knowing on one line."""
    yield f"[bold]{safe(report.domain)}[/]"
    short = () if everything else (Severity.INFO, Severity.OK) if brief else (Severity.OK,)
    shown = [finding for finding in report.findings if finding.severity not in short]
    width = min(max((len(finding.id) for finding in shown), default=0), WIDEST)
    for finding in shown:
        yield from finding_lines(finding, width, everything=everything)
    for severity in short:
        listed = dict.fromkeys(f.id for f in report.findings if f.severity is severity)
        if listed:
            yield f"  [{MARKS[severity]}]{severity.value:8}[/] {', '.join(listed)}"
    for finding in report.gone or ():
        yield f"  [green]gone[/]     [bold]{finding.id}[/] {safe(finding.message)}"
    if not report.findings and report.gone is not None:
        yield "  [dim]nothing new since the baseline[/]"


def finding_lines(finding: Finding, width: int = 0, *, everything: bool = False) -> Iterator[str]:
    """One finding: what, where it is written, what was seen, what was expected, what to do.

    `width` is that of the column of ids.
    """
    style = MARKS[finding.severity]
    yield (
        f"  [{style}]{finding.severity.value:8}[/] [bold]{finding.id:{width}}[/] {safe(finding.message)}"
        f" [dim]{finding.reference}[/]"
    )
    if finding.severity in (Severity.OK, Severity.INFO) and not everything:
        return
    for proof in finding.evidence:
        source = f" [dim]from {safe(proof.server)}, ttl {proof.ttl}[/]" if proof.server else ""
        seen = contrast([proof.answer], [finding.expected] if finding.expected else [])[0]
        yield f"{INDENT}seen      {_asked(finding, proof.question)}{seen}{source}"
    if finding.expected:
        yield f"{INDENT}expected  {contrast([finding.expected], [e.answer for e in finding.evidence])[0]}"
    for number, line in enumerate(finding.fix.splitlines()):
        yield f"{INDENT}{'          ' if number else 'fix       '}{safe(line)}"


def _asked(finding: Finding, question: str) -> str:
    """The question, where there are several or the message does not name it."""
    return "" if len(finding.evidence) == 1 and question in finding.message else f"{safe(question)}: "


def counted(findings: Iterable[Finding]) -> str:
    """`2 error, 1 warning, 5 ok`, the worst first."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity if counts[severity])


def short(value: str) -> str:
    """`value` safe for a terminal, on one line, cut to a length that fits one."""
    line = value.replace("\n", "\\n")
    return safe(line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…")


def contrast(values: Sequence[str], other: Sequence[str]) -> list[str]:
    """`values` cut for a terminal so that where they differ from `other` is seen, with their lengths."""
    shown = []
    for value in values:
        shared = max((len(commonprefix([value, one])) for one in other), default=0)  # noqa: RUF071
        if len(value) <= SHOWN or shared < SHOWN - SHARED or value in other:
            shown.append(short(value))
        else:
            start = shared - SHARED
            part = short(value[start:] or "")
            shown.append(f"{safe(value[:20])}…{part} [dim]({len(value)} characters)[/]")
    return shown
