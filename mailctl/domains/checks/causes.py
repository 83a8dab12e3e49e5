"""One finding for one cause: what several checks say of the same thing is said once, by the one whose thing it is.

Promise: pure. Nothing is taken out unless what stays names the same cause, so no finding here can turn a bad domain
into a clean one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mailctl.domains.findings import Finding, Severity
from mailctl.standards.dns import Status

MOST_ALIKE = 10  # findings with one id in one report
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
# A record that is not as planned, and what other checks see of that.
_SAME = (
    ("spf.", "spf.address-does-not-pass"),
    ("spf.helo-", "spf.helo-"),
    ("dkim.", "dkim.ed25519-only"),
    ("dns.host-address-", "ptr.helo-"),
)
# What follows from a record that is at fault.
_CONSEQUENCES = (
    "spf.address-does-not-pass", "spf.evaluation-unknown", "dmarc.not-in-force", "dmarc.evaluation-unknown",
)  # fmt: skip
# Two areas that look at the same record: where the first says what is wrong with it, the second need not.
_IMPLIED = (("spf.parked-sends", "mx.null-but-sends"),)


def merge(found: Mapping[str, Sequence[Finding]]) -> list[Finding]:
    """All findings of one domain, by who made them (an area, or PLANNED), with each cause named once."""
    ended = _ends(found.get("domain", ()))
    if ended:
        return ended
    if any(f.id == "domain.unfinished" for f in found.get("domain", ())) and _nothing_known(found):
        return list(found["domain"])
    general = [f for key, findings in found.items() if key != PLANNED for f in findings]
    told = _once(_beside_plan(list(found.get(PLANNED, ())), general))
    ids = {finding.id for finding in told}
    implied = {second for first, second in _IMPLIED if first in ids}
    return _shortened([finding for finding in told if finding.id not in implied])


def _shortened(findings: list[Finding]) -> list[Finding]:
    """Of many findings with one id the first few, the last of which counts the rest: a zone can make any number."""
    alike = Counter(finding.id for finding in findings)
    seen, kept = Counter[str](), list[Finding]()
    for finding in findings:
        seen[finding.id] += 1
        rest = alike[finding.id] - MOST_ALIKE
        if rest > 0 and seen[finding.id] == MOST_ALIKE:
            finding = replace(finding, message=f"{finding.message}; and {rest} more like this")
        if seen[finding.id] <= MOST_ALIKE:
            kept.append(finding)
    return kept


def _ends(findings: Iterable[Finding]) -> list[Finding]:
    """What the domain check says where it makes all others pointless: there is no such domain, or nobody knows."""
    return [
        f for f in findings if f.severity in _PROBLEMS and not f.id.endswith((".unfinished", ".check-failed"))
    ]


def _nothing_known(found: Mapping[str, Sequence[Finding]]) -> bool:
    """Whether no check learned anything at all."""
    return all(f.severity is Severity.UNKNOWN for findings in found.values() for f in findings)


def ends_all(findings: Iterable[Finding]) -> bool:
    """Whether the other checks need not go on, after what the domain check found."""
    return bool(_ends(findings))


def _beside_plan(planned: list[Finding], general: list[Finding]) -> list[Finding]:
    """What was found by comparing with the plan, and of the rest what that does not say already."""
    planned = [
        p for p in planned if not (p.id.endswith("conflict") and any(_explains(g, p) for g in general))
    ]
    general = [g for g in general if not any(_says(p, g) for p in planned)]
    # Our mail does not pass because the record is at fault: that is said by whoever found the fault.
    faulty = {g.area for g in general if g.severity in (Severity.ERROR, Severity.UNKNOWN)}
    return [p for p in planned if p.id not in _CONSEQUENCES or p.area not in faulty] + general


def _explains(general: Finding, conflict: Finding) -> bool:
    """Whether a check says in detail why the plan cannot be carried out at this record."""
    return (
        general.severity is Severity.ERROR
        and general.area == conflict.area
        and _same_question(general, conflict)
    )


def _says(planned: Finding, general: Finding) -> bool:
    """Whether a finding on a planned record says what a check says of the same record."""
    if planned.severity in _PROBLEMS and any(
        planned.id.startswith(ours) and general.id.startswith(theirs) for ours, theirs in _SAME
    ):
        return True
    if planned.area != general.area or not _same_question(planned, general):
        return False
    if planned.severity not in _PROBLEMS:
        return general.severity is Severity.OK
    return planned.area in _WHOLE or general.severity is Severity.OK or general.id.endswith(".missing")


def _same_question(one: Finding, other: Finding) -> bool:
    return bool(one.evidence and other.evidence) and one.evidence[0].question == other.evidence[0].question


def _once(findings: list[Finding]) -> list[Finding]:
    """Of several findings that rest on the same silence, the one of the area whose question it is.

    What is bogus is a fault of the zone: it is said once, for however many records nobody sees for it.
    """
    speakers: dict[str, str] = {}  # who speaks of an unanswered question
    for finding in findings:
        for question in unanswered(finding):
            if finding.area == _owner(question):
                speakers[question] = finding.area
            speakers.setdefault(question, finding.area)
    kept, said = [], {e.question for f in findings if f.id == "dnssec.bogus" for e in f.evidence}
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
