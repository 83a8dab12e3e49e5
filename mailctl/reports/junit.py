"""JUnit XML as Jenkins, GitLab and their kin read it: a suite for each domain, a case for each finding.

Promise: it validates against the schema of Jenkins' xUnit plugin; characters that XML 1.0 cannot hold are replaced.
A case fails where the run would (`--fail-on`); what nobody answered is an `error`; a lesser warning passes and is told.
"""

import re
from collections import Counter
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from mailctl.domains.findings import ORDER, Finding, Report, Severity
from mailctl.reports import Run, worst_first

# XML 1.0 §2.2: everything but these can stand in a document.
_FORBIDDEN = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def write(reports: Sequence[Report], run: Run) -> str:
    """One document."""
    suites = "".join(_suite(report, run) for report in worst_first(reports))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="mailctl verify">\n{suites}</testsuites>\n'
    )


def _suite(report: Report, run: Run) -> str:
    kinds = Counter(_kind(finding, run) for finding in report.findings)
    place = f" file={_attribute(run.inventory)}" if run.inventory else ""
    head = (
        f'  <testsuite name={_attribute(report.domain)}{place} tests="{len(report.findings)}"'
        f' failures="{kinds["failure"]}" errors="{kinds["error"]}" skipped="0" time="{report.seconds:.3f}">\n'
    )
    return head + "".join(_case(report, finding, run) for finding in report.findings) + "  </testsuite>\n"


def _kind(finding: Finding, run: Run) -> str:
    """Which element a case has: failure, error, system-out, or none."""
    if finding.severity is Severity.UNKNOWN:
        return "error"
    if finding.severity is Severity.OK:
        return ""
    return "failure" if ORDER.index(finding.severity) <= ORDER.index(run.fail_on) else "system-out"


def _case(report: Report, finding: Finding, run: Run) -> str:
    about = finding.evidence[0].question if finding.evidence else ""
    name = f"{finding.id}: {about}" if about else finding.id
    head = f"    <testcase classname={_attribute(f'{report.domain}.{finding.area}')} name={_attribute(name)}"
    kind = _kind(finding, run)
    if not kind:
        return f'{head} time="0"/>\n'
    body = escape(_plain(_told(report, finding)))
    if kind == "system-out":
        return f'{head} time="0">\n      <system-out>{body}</system-out>\n    </testcase>\n'
    word = f"<{kind} type={_attribute(finding.severity.value)} message={_attribute(finding.message)}>"
    return f'{head} time="0">\n      {word}{body}</{kind}>\n    </testcase>\n'


def _told(report: Report, finding: Finding) -> str:
    parts = [f"{report.domain}: {finding.severity.value}: {finding.message}"]
    parts += [f"seen: {e.question}: {e.answer}" for e in finding.evidence]
    parts += [f"expected: {finding.expected}"] if finding.expected else []
    parts += [f"fix: {finding.fix}"] if finding.fix else []
    parts += [f"reference: {finding.reference}"] if finding.reference else []
    return "\n".join(parts)


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _attribute(text: str) -> str:
    return quoteattr(_plain(text))
