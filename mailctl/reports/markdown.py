"""Reports as Markdown, for the summary of a CI job or a comment on a pull request.

Promise: nothing from outside is read as Markdown or HTML, mentions nobody, and links nowhere: it stands in code spans,
or with every character of syntax escaped.
"""

import re
from collections.abc import Sequence

from mailctl.domains.findings import Finding, Report, Severity
from mailctl.reports import Run, worst_first
from mailctl.terminal import visible

MARKS = {
    Severity.ERROR: "❌",
    Severity.WARNING: "⚠️",
    Severity.UNKNOWN: "❔",
    Severity.INFO: "ℹ️",
    Severity.OK: "✅",
}
_SYNTAX = re.compile(r"([\\`*_{}\[\]()#+!|<>~&-])")


def write(reports: Sequence[Report], run: Run) -> str:
    """A table of the domains, then each domain that has something to say."""
    ordered = worst_first(reports)
    head = [
        "# Mail domains",
        "",
        "| domain | verdict | errors | warnings | unknown |",
        "| --- | --- | --: | --: | --: |",
    ]
    rows = [_row(report) for report in ordered]
    parts = [line for report in ordered for line in _domain(report, run)]
    about = " · ".join(filter(None, (f"mailctl {run.version}" if run.version else "", run.when)))
    return "\n".join([*head, *rows, *parts, *(["", f"*{about}*"] if about else [])]) + "\n"


def _row(report: Report) -> str:
    counts = [
        sum(f.severity is s for f in report.findings)
        for s in (Severity.ERROR, Severity.WARNING, Severity.UNKNOWN)
    ]
    verdict = f"{MARKS[report.verdict]} {report.verdict.value}"
    return f"| {code(report.domain)} | {verdict} | {' | '.join(map(str, counts))} |"


def _domain(report: Report, run: Run) -> list[str]:
    shown = [f for f in report.findings if run.everything or f.severity is not Severity.OK]
    gone = [f"- ✅ gone: **{f.id}** {text(f.message)}" for f in report.gone or ()]
    if not shown and not gone:
        return []
    lines = ["", f"## {text(report.domain)}", ""]
    for finding in shown:
        lines += _finding(finding)
    fine = dict.fromkeys(f.id for f in report.findings if f.severity is Severity.OK)
    if fine and not run.everything:
        lines.append(f"- {MARKS[Severity.OK]} {', '.join(fine)}")
    return lines + gone


def _finding(finding: Finding) -> list[str]:
    reference = f" ({text(finding.reference)})" if finding.reference else ""
    lines = [
        f"- {MARKS[finding.severity]} {finding.severity.value} **{finding.id}** {text(finding.message)}{reference}"
    ]
    if finding.severity in (Severity.OK, Severity.INFO):
        return lines
    for proof in finding.evidence:
        source = f" (from {code(proof.server)}, TTL {proof.ttl})" if proof.server else ""
        lines.append(f"  - seen: {code(proof.question)}: {code(proof.answer)}{source}")
    if finding.expected:
        lines.append(f"  - expected: {code(finding.expected)}")
    if finding.fix:
        fence = _fence(finding.fix, 3)
        lines += [
            "  - fix:",
            "",
            f"    {fence}text",
            *(f"    {visible(line)}" for line in finding.fix.splitlines()),
        ]
        lines += [f"    {fence}", ""]
    return lines


def text(value: str) -> str:
    """Text of a sentence: characters of syntax escaped, one line, nobody mentioned and nothing linked."""
    line = " ".join(visible(value).split())
    escaped = _SYNTAX.sub(r"\\\1", line)
    # GitHub links @names, #numbers and bare addresses; a zero-width joiner in between keeps them text.
    return escaped.replace("@", "@\u2060").replace("://", ":\u2060//").replace("www.", "www\u2060.")


def code(value: str) -> str:
    """A code span that its content cannot end (CommonMark §6.1)."""
    line = " ".join(visible(value).split()) or " "
    fence = _fence(line, 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _fence(value: str, least: int) -> str:
    """Backticks, one more than stand together anywhere in `value`."""
    longest = max((len(run) for run in re.findall(r"`+", value)), default=0)
    return "`" * max(least, longest + 1)
