"""One page for people who are not at a terminal: an admin sends it to a client, who reads it on a phone or prints it.

Promise: self-contained (no script, no font, no picture, nothing from elsewhere, and a policy in the page that says so);
everything from outside is escaped; light and dark as the reader's device is; the worst first.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape

from mailctl.domains.checks.catalogue import catalogue
from mailctl.domains.findings import Finding, Report, Severity
from mailctl.reports import Run, worst_first
from mailctl.reports.html_style import STYLE
from mailctl.terminal import visible

WORDS = {
    Severity.ERROR: ("✕", "Error", "Errors"),
    Severity.WARNING: ("!", "Warning", "Warnings"),
    Severity.UNKNOWN: ("?", "Unknown", "Unknown"),
    Severity.INFO: ("i", "Worth knowing", "Worth knowing"),
    Severity.OK: ("✓", "Good", "Good"),
}


def write(reports: Sequence[Report], run: Run) -> str:
    """The whole document."""
    ordered = worst_first(reports)
    title = (
        f"Mail report: {ordered[0].domain}" if len(ordered) == 1 else f"Mail report: {len(ordered)} domains"
    )
    contents = _contents(ordered) if len(ordered) > 1 else ""
    domains = "".join(_domain(report, number) for number, report in enumerate(ordered))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{_text(title)}</h1>\n{_summary(ordered)}{_when(run)}</header>\n"
        f"<main>\n{contents}{domains}</main>\n{_footer(run)}</body>\n</html>\n"
    )


def _text(value: str) -> str:
    return escape(visible(value), quote=True)


def _when(run: Run) -> str:
    return f'<p class="when">Checked {_text(run.when)}</p>\n' if run.when else ""


def _summary(reports: Sequence[Report]) -> str:
    """How many of what, as tiles."""
    counts = Counter(finding.severity for report in reports for finding in report.findings)
    tiles = "".join(
        f'<li class="{severity.value}"><b>{counts[severity]}</b> {_word(severity, counts[severity])}</li>'
        for severity in Severity
        if counts[severity]
    )
    return f'<ul class="tiles">{tiles}</ul>\n'


def _word(severity: Severity, count: int) -> str:
    _, one, many = WORDS[severity]
    return one if count == 1 else many


def _contents(reports: Sequence[Report]) -> str:
    rows = "".join(
        f'<tr><td><a href="#d{number}">{_text(report.domain)}</a></td><td>{_pill(report.verdict)}</td>'
        f"<td>{_text(_counted(report) or 'nothing to do')}</td></tr>\n"
        for number, report in enumerate(reports)
    )
    head = "<thead><tr><th>Domain</th><th>Verdict</th><th>To do</th></tr></thead>"
    return f'<table class="contents">\n{head}\n<tbody>\n{rows}</tbody>\n</table>\n'


def _counted(report: Report) -> str:
    counts = Counter(finding.severity for finding in report.findings)
    told = (Severity.ERROR, Severity.WARNING, Severity.UNKNOWN)
    return ", ".join(f"{counts[s]} {_word(s, counts[s]).lower()}" for s in told if counts[s])


def _pill(severity: Severity) -> str:
    sign, word, _ = WORDS[severity]
    return f'<span class="pill {severity.value}"><span aria-hidden="true">{sign}</span> {word}</span>'


def _domain(report: Report, number: int) -> str:
    told = [f for f in report.findings if f.severity not in (Severity.OK, Severity.INFO)]
    worth = [f for f in report.findings if f.severity is Severity.INFO]
    fine = [f for f in report.findings if f.severity is Severity.OK]
    parts = "".join(map(_finding, told))
    parts += _list("Worth knowing", worth, Severity.INFO) + _list("Good", fine, Severity.OK)
    if report.gone is not None:
        parts += _list("Gone since the baseline", report.gone, Severity.OK)
    verdict = f": {_counted(report)}" if _counted(report) else " is in order"
    return (
        f'<section class="domain" id="d{number}">\n<h2>{_text(report.domain)}</h2>\n'
        f'<p class="verdict">{_pill(report.verdict)} {_text(report.domain)}{verdict}.</p>\n'
        f"{parts}</section>\n"
    )


def _finding(finding: Finding) -> str:
    """A card: what, why it matters, what was seen, what was expected, what to do."""
    entry = catalogue().get(finding.id)
    title = entry.title if entry else finding.message
    why = f'<p class="why">{_text(entry.why)}</p>\n' if entry else ""
    seen = "".join(
        f"<dt>Seen</dt><dd><code>{_text(e.question)}</code> <samp>{_text(e.answer)}</samp>"
        f"{_source(e.server, e.ttl)}</dd>\n"
        for e in finding.evidence
    )
    expected = (
        f"<dt>Expected</dt><dd><samp>{_text(finding.expected)}</samp></dd>\n" if finding.expected else ""
    )
    fix = f"<dt>What to do</dt><dd><pre>{_text(finding.fix)}</pre></dd>\n" if finding.fix else ""
    facts = f"<dl>\n{seen}{expected}{fix}</dl>\n" if seen or expected or fix else ""
    return (
        f'<article class="{finding.severity.value}">\n<h3>{_pill(finding.severity)} {_text(title)}</h3>\n'
        f'<p class="message">{_text(finding.message)}</p>\n{why}{facts}'
        f'<p class="id">{_text(" · ".join(filter(None, (finding.id, finding.reference))))}</p>\n</article>\n'
    )


def _source(server: str, ttl: int) -> str:
    return f" <small>from {_text(server)}, kept for up to {ttl} s</small>" if server else ""


def _list(title: str, findings: Sequence[Finding], severity: Severity) -> str:
    if not findings:
        return ""
    sign = f'<span aria-hidden="true">{WORDS[severity][0]}</span>'
    items = "".join(f"<li>{sign} {_text(f.message)} <small>{_text(f.id)}</small></li>\n" for f in findings)
    return f'<h3 class="plain">{title}</h3>\n<ul class="plain {severity.value}">\n{items}</ul>\n'


def _footer(run: Run) -> str:
    made = f"Made by mailctl {_text(run.version)}. " if run.version else ""
    return (
        f"<footer><p>{made}“Unknown” means that a server did not answer: it says nothing about the domain. "
        "Every other statement rests on an answer that is shown with it.</p></footer>\n"
    )
