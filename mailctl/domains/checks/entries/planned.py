"""Findings on what `setup` planned for a domain of the store: each record of ours against what is there.

One table for purposes and one for states make the ids `area.state` and `area.detail-state`. Those that an area's own
table has already (`spf.missing`, `dkim.ok` …) mean the same there and here, and are left out of `ENTRIES`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.desired import Purpose
from mailctl.domains.findings import Severity


class Record(NamedTuple):
    """A record that setup plans: what it is called, what it is for, and its clause."""

    title: str
    why: str
    reference: str


class State(NamedTuple):
    """What was seen of it: `title` takes the record's name."""

    severity: Severity
    title: str
    why: str
    fix: str


RECORDS: Mapping[Purpose, Record] = {
    Purpose.SPF: Record(
        "The domain's SPF record", "It lets this host send as the domain.", "RFC 7208 §3"
    ),
    Purpose.RETURN_PATH_SPF: Record(
        "The SPF record of the return path",
        "Receivers evaluate SPF for the domain of the envelope sender, and DMARC aligns it with the From.",
        "RFC 7208 §2.4",
    ),
    Purpose.HELO_SPF: Record(
        "The SPF record of the host's name",
        "Bounces have no sender, so receivers evaluate SPF for the name in HELO.",
        "RFC 7208 §2.3",
    ),
    Purpose.RETURN_PATH_MX: Record(
        "The MX record of the return path", "It brings bounces back to the host that sent the mail.", "RFC 5321 §5.1"
    ),
    Purpose.MX: Record("The domain's MX record", "It brings the domain's mail to this host.", "RFC 5321 §5.1"),
    Purpose.DKIM: Record(
        "A DKIM key", "Receivers verify the signature of every message with it.", "RFC 6376 §3.6.2"
    ),
    Purpose.DKIM_DELEGATION: Record(
        "The CNAME that delegates a DKIM key",
        "It leads receivers to a key that is kept, and rotated, in another zone.",
        "RFC 6376 §3.6.2",
    ),
    Purpose.DMARC: Record(
        "The DMARC record", "It says what receivers shall do with mail that does not pass.", "RFC 9989 §4.7"
    ),
    Purpose.HOST_ADDRESS: Record(
        "The address of the host's name",
        "Receivers check that the name in HELO leads back to the sender.",
        "RFC 5321 §2.3.5",
    ),
    Purpose.PTR: Record(
        "The PTR record of a sending address",
        "Large receivers refuse mail from an address without one.",
        "RFC 1912 §2.1",
    ),
}  # fmt: skip
STATES: Mapping[str, State] = {
    "ok": State(
        Severity.OK, "{record} is as planned", "The DNS shows the very value that setup publishes.", ""
    ),
    "missing": State(
        Severity.ERROR,
        "{record} is missing",
        "The DNS answered, and the record that setup plans is not in the answer.",
        "Publish what the finding shows: mailctl dns apply DOMAIN, or by hand.",
    ),
    "wrong": State(
        Severity.ERROR,
        "{record} is not what was planned",
        "There is a record of ours with another value: somebody changed it, or a web form cut it short.",
        "Publish what the finding shows: mailctl dns apply DOMAIN, or by hand.",
    ),
    "conflict": State(
        Severity.ERROR,
        "{record} needs a decision",
        "What is there contradicts itself or our plan (two SPF records, one that cannot be read, a CNAME in the way), "
        "and no program can know which of them was meant.",
        "Mend it by hand as the message says.",
    ),
    "propagating": State(
        Severity.WARNING,
        "{record} is not everywhere yet",
        "Every authoritative server has the record; the resolver still remembers the answer from before.",
        "Wait for the TTL of the old answer: mailctl verify DOMAIN --watch does.",
    ),
    "unknown": State(
        Severity.UNKNOWN,
        "{record} could not be looked at",
        "No server answered the question, so the record may be right or wrong.",
        "Try again later or with another resolver (--nameserver).",
    ),
}
# These stand in the tables of their areas, with the same meaning.
SHARED = frozenset(
    f"{area}.{state}" for area in ("spf", "dkim", "dmarc", "ptr") for state in ("ok", "missing", "unknown")
)


def finding_id(purpose: Purpose, state: str) -> str:
    """`spf.missing`, `spf.return-path-wrong`, `dkim.ok` …"""
    area, _, detail = purpose.value.partition(".")
    return f"{area}.{detail}-{state}" if detail else f"{area}.{state}"


def _entry(purpose: Purpose, state: str) -> Entry:
    record, seen = RECORDS[purpose], STATES[state]
    return Entry(
        finding_id(purpose, state),
        seen.severity,
        seen.title.format(record=record.title),
        f"{record.why} {seen.why}",
        seen.fix,
        record.reference,
    )


EVALUATIONS = (
    Entry(
        "spf.address-passes",
        Severity.OK,
        "Mail from a sending address passes SPF",
        "Receivers that evaluate SPF for the return path get `pass` for this address.",
        reference="RFC 7208 §4",
    ),
    Entry(
        "spf.address-does-not-pass",
        Severity.ERROR,
        "Mail from a sending address does not pass SPF",
        "Receivers evaluate SPF for the return path and get something else than `pass`; the message names the term "
        "that decided.",
        "mailctl dns apply DOMAIN, or put the address into the record by hand.",
        "RFC 7208 §4",
    ),
    Entry(
        "spf.evaluation-unknown",
        Severity.UNKNOWN,
        "SPF could not be evaluated",
        "A server did not answer on the way through the record, so receivers may get a temperror too.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 7208 §2.6.6",
    ),
    Entry(
        "dmarc.aligned",
        Severity.OK,
        "Mail of this host passes DMARC",
        "A message whose SPF and DKIM pass gets `dmarc=pass`: their domains are aligned with the From.",
        reference="RFC 9989 §5.4",
    ),
    Entry(
        "dmarc.not-in-force",
        Severity.ERROR,
        "Mail of this host does not pass DMARC",
        "Even a message whose SPF and DKIM pass does not get `dmarc=pass`; the message says why.",
        "mailctl dns apply DOMAIN, or mend the record by hand.",
        "RFC 9989 §5.4",
    ),
    Entry(
        "dmarc.evaluation-unknown",
        Severity.UNKNOWN,
        "DMARC could not be evaluated",
        "A server did not answer on the way to the policy.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dns.zone-unknown",
        Severity.UNKNOWN,
        "The zone of the domain could not be found",
        "No server said where the zone of the domain begins, so nothing that setup planned could be compared.",
        "Check the name and the name servers, or set dns.zone in mailctl.toml.",
        "RFC 1034 §4.2",
    ),
)
ENTRIES = (
    *(
        entry
        for entry in (_entry(purpose, state) for purpose in RECORDS for state in STATES)
        if entry.id not in SHARED
    ),
    *EVALUATIONS,
)
