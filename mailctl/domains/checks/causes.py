"""One finding for one cause: what several checks say of the same thing is said once, by the one whose thing it is.

Promise: pure. Nothing is taken out unless what stays names the same cause, so no finding here can turn a bad domain
into a clean one.
"""

from collections.abc import Iterable, Mapping, Sequence

from mailctl.domains.findings import Finding, Severity
from mailctl.standards.dns import Status

PLANNED = "planned"  # the key of what was found by comparing with the plan of setup

_FAULTS = (Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS)
_PROBLEMS = (Severity.ERROR, Severity.WARNING, Severity.UNKNOWN)
# Whose question it is: the first rule that fits the question's name and type. "" fits all.
_OWNERS = (
    ("_dmarc.", "", "dmarc"),
    ("._domainkey.", "", "dkim"),
    ("_mta-sts.", "", "mtasts"),
    ("_smtp._tls.", "", "tlsrpt"),
    ("._bimi.", "", "bimi"),
    ("", "TLSA", "dane"),
    ("", "PTR", "ptr"),
    ("", "MX", "mx"),
    ("", "SOA", "ns"),
    ("", "NS", "ns"),
    ("", "DS", "dnssec"),
    ("", "DNSKEY", "dnssec"),
    ("", "CAA", "tls"),
    ("", "TXT", "spf"),
    ("", "A", "mx"),
    ("", "AAAA", "mx"),
)  # fmt: skip
# A record that is published whole: where it is not as planned, what else is wrong with it has the same cause.
_WHOLE = ("dkim", "ptr")


def merge(found: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    """All findings of one domain, by who made them (an area, or PLANNED), with each cause named once."""
    ended = _ends(found.get("domain", ()))
    if ended:
        return ended
    planned = list(found.get(PLANNED, ()))
    general = [f for key, findings in found.items() if key != PLANNED for f in findings]
    kept = [*planned, *(f for f in general if not any(_says(p, f) for p in planned))]
    return _once(kept)


def _ends(findings: Iterable[Finding]) -> list[Finding]:
    """What the domain check says where it makes all others pointless: there is no such domain, or nobody knows."""
    return [
        f for f in findings if f.severity in _PROBLEMS and not f.id.endswith((".unfinished", ".check-failed"))
    ]


def ends_all(findings: Iterable[Finding]) -> bool:
    """Whether the other checks need not go on, after what the domain check found."""
    return bool(_ends(findings))


def _says(planned: Finding, general: Finding) -> bool:
    """Whether a finding on a planned record says what a check of the same area says of the same record."""
    if planned.area != general.area or not _same_question(planned, general):
        return False
    if planned.severity not in _PROBLEMS:
        return general.severity is Severity.OK
    return planned.area in _WHOLE or general.severity is Severity.OK or general.id.endswith(".missing")


def _same_question(one: Finding, other: Finding) -> bool:
    return bool(one.evidence and other.evidence) and one.evidence[0].question == other.evidence[0].question


def _once(findings: list[Finding]) -> list[Finding]:
    """Of several findings that rest on the same silence, the one of the area whose question it is."""
    speakers: dict[str, str] = {}  # who speaks of an unanswered question
    for finding in findings:
        for question in unanswered(finding):
            if finding.area == _owner(question):
                speakers[question] = finding.area
            speakers.setdefault(question, finding.area)
    kept, said = [], set[str]()
    for finding in findings:
        asked = unanswered(finding)
        news = [q for q in asked if speakers[q] == finding.area and q not in said]
        if news or not asked:
            kept.append(finding)
            said.update(news)
    return kept


def unanswered(finding: Finding) -> list[str]:
    """The questions without an answer that an `unknown` finding rests on; none for one that rests on anything else."""
    if finding.severity is not Severity.UNKNOWN:
        return []
    return [e.question for e in finding.evidence if e.answer.partition(" ")[0] in _FAULTS]


def _owner(question: str) -> str:
    """The area whose question it is."""
    name, _, rdtype = f".{question}".rpartition(" ")
    return next((area for part, kind, area in _OWNERS if part in name and kind in ("", rdtype)), "")
