"""From what the zone says to what it should say: a plan of RRsets, each with its reason.

Promise: pure; nothing that others put into the zone is removed; the SPF record is edited and never doubled; a
DMARC policy is never weakened, a key never replaced and mail never taken away unless the caller forces it.
Where the DNS did not answer, the action is `unknown`, and nothing is planned on a guess.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mailctl.domains.desired import ELSEWHERE, MailDomain, Purpose, Wanted, wanted
from mailctl.standards import dmarc, dmarc_edit, spf, spf_edit
from mailctl.standards.dns import Answer, Record, RRsetChange, Status, rdata_text, record_rdata

Question = tuple[str, str]
Seen = Mapping[Question, Answer]
POLICIES = ("none", "quarantine", "reject")


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"
    KEEP = "keep"
    FOREIGN = "foreign"  # somebody else's, left alone
    CONFLICT = "conflict"  # cannot be planned: a person has to decide
    UNKNOWN = "unknown"  # the DNS did not answer


WRITES = (Action.CREATE, Action.CHANGE, Action.DELETE)


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """One RRset, or the part of one that is ours. `danger` is "" or what may be lost."""

    action: Action
    purpose: Purpose
    name: str
    rdtype: str
    before: tuple[str, ...]  # our values, as seen
    after: tuple[str, ...]  # our values, as wanted
    reason: str
    zone: str | None  # None: the domain's own; "": outside what mailctl can write
    ttl: int = 3600
    foreign: tuple[str, ...] = ()  # values of the same RRset that are left alone
    seen_ttl: int = 3600
    danger: str = ""

    @property
    def writes(self) -> bool:
        return self.action in WRITES


@dataclass(frozen=True, slots=True)
class ZonePlan:
    domain: str
    changes: tuple[ZoneChange, ...]

    @property
    def pending(self) -> tuple[ZoneChange, ...]:
        """What this tool would write."""
        return tuple(c for c in self.changes if c.writes and c.zone != ELSEWHERE)

    @property
    def elsewhere(self) -> tuple[ZoneChange, ...]:
        """What is wrong in zones that others keep (PTR, a host name in another domain)."""
        return tuple(c for c in self.changes if c.writes and c.zone == ELSEWHERE)

    @property
    def spf(self) -> tuple[ZoneChange, ...]:
        """The SPF records, those of the return path and of the HELO name too."""
        purposes = (Purpose.SPF, Purpose.RETURN_PATH_SPF, Purpose.HELO_SPF)
        return tuple(c for c in self.changes if c.purpose in purposes and c.action is not Action.FOREIGN)

    def having(self, action: Action) -> tuple[ZoneChange, ...]:
        return tuple(c for c in self.changes if c.action is action)

    def records(self) -> tuple[Record, ...]:
        """Every record set that the zone should have of ours, whole: with what others put into it."""
        ours = (c for c in self.changes if c.zone != ELSEWHERE and c.action in (*WRITES, Action.KEEP))
        return records_of(ours)

    @property
    def dangers(self) -> tuple[ZoneChange, ...]:
        return tuple(c for c in self.pending if c.danger)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What became of a wish: our values there, our values wanted."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    reason: str = ""
    danger: str = ""
    conflict: str = ""


def questions(domain: MailDomain) -> tuple[Question, ...]:
    """What has to be asked before a plan can be made."""
    wishes = wanted(domain)
    beside = ((wish.name, "TXT") for wish in wishes if wish.rdtype == "CNAME")
    return tuple(dict.fromkeys([*((wish.name, wish.rdtype) for wish in wishes), *beside]))


def plan_zone(domain: MailDomain, seen: Seen, *, weaken_dmarc: bool = False) -> ZonePlan:
    """The plan for one domain. `seen` holds an answer for each of `questions(domain)`.

    `weaken_dmarc` says that the domain's policy was asked for in so many words, so that a stronger one that is
    published now is lowered (as a dangerous change) instead of kept.
    """
    changes: list[ZoneChange] = []
    for wish in wanted(domain):
        changes.extend(_plan_wish(domain, wish, seen, weaken_dmarc))
    return ZonePlan(domain.name, tuple(changes))


def _plan_wish(domain: MailDomain, wish: Wanted, seen: Seen, weaken: bool) -> list[ZoneChange]:
    answer = seen[wish.name, wish.rdtype]

    def change(action: Action, before: tuple[str, ...], after: tuple[str, ...], reason: str) -> ZoneChange:
        return ZoneChange(
            action, wish.purpose, wish.name, wish.rdtype, before, after, reason, wish.zone, wish.ttl
        )

    if not answer.known:
        said = f"{answer.status}{f': {answer.detail}' if answer.detail else ''} from {answer.server or 'DNS'}"
        return [change(Action.UNKNOWN, (), wish.values, f"the DNS did not answer ({said})")]
    values = tuple(sorted(rdata_text(record) for record in answer.records))
    if wish.purpose is Purpose.DMARC and answer.chain and sum(map(dmarc.is_record, values)) == 1:
        # A DMARC service keeps the record, and an alias leads to it: theirs to change, and good enough.
        reason = f"an alias leads to {answer.chain[-1]}: whoever keeps that keeps the policy"
        return [replace(change(Action.KEEP, values, values, reason), zone=ELSEWHERE)]
    if obstacle := _in_the_way(wish, answer, seen):
        return [change(Action.CONFLICT, answer.chain, wish.values, obstacle)]
    settled = _settle(domain, wish, values, weaken)
    foreign = tuple(v for v in values if v not in settled.before)
    if settled.conflict:
        return [change(Action.CONFLICT, settled.before, settled.after, settled.conflict)]
    action = (
        Action.KEEP
        if set(settled.before) == set(settled.after)
        else Action.CHANGE
        if settled.before
        else Action.CREATE
    )
    mine = ZoneChange(
        action, wish.purpose, wish.name, wish.rdtype, settled.before, settled.after,
        settled.reason or wish.why, wish.zone, wish.ttl, foreign, answer.ttl or wish.ttl, settled.danger,
    )  # fmt: skip
    return [mine, *(change(Action.FOREIGN, (v,), (v,), "not mailctl's: left alone") for v in foreign)]


def _in_the_way(wish: Wanted, answer: Answer, seen: Seen) -> str:
    """Why the wish cannot stand where it is to stand: a CNAME stands alone at its name (RFC 1034 §3.6.2)."""
    if wish.zone == ELSEWHERE:
        return ""  # nothing is written there, and RFC 2317 leads to a PTR by a CNAME
    if wish.rdtype != "CNAME" and answer.chain:
        return f"{wish.name} is an alias of {answer.chain[-1]}: nothing else can stand beside a CNAME"
    beside = seen.get((wish.name, "TXT")) if wish.rdtype == "CNAME" else None
    if beside is not None and beside.records and not beside.chain:
        return f"{wish.name} has a TXT record, and a CNAME stands alone: take it out first"
    return ""


def _settle(domain: MailDomain, wish: Wanted, values: tuple[str, ...], weaken: bool) -> _Settled:
    match wish.purpose:
        case Purpose.SPF:
            return _settle_spf(domain, values, "~all")
        case Purpose.RETURN_PATH_SPF | Purpose.HELO_SPF:
            return _settle_spf(domain, values, "-all")
        case Purpose.DMARC:
            return _settle_dmarc(domain, values, weaken)
        case _:
            return _settle_exact(wish, values)


def _settle_spf(domain: MailDomain, values: tuple[str, ...], default: str) -> _Settled:
    records = spf.select(values)
    if len(records) > 1:
        return _Settled(
            records,
            records,
            conflict=f"{len(records)} SPF records, where RFC 7208 §4.5 allows one: merge them first",
        )
    current = records[0] if records else None
    try:
        edited = spf_edit.authorise(current, domain.addresses, default=default)
    except spf.SpfSyntaxError as error:
        return _Settled(records, records, conflict=f"the SPF record cannot be read ({error}): mend it first")
    return _Settled(records, (edited,))


def _settle_dmarc(domain: MailDomain, values: tuple[str, ...], weaken: bool) -> _Settled:
    records = tuple(value for value in values if dmarc.is_record(value))
    if len(records) > 1:
        return _Settled(
            records,
            records,
            conflict=f"{len(records)} DMARC records, which RFC 9989 §4.10 treats as none: keep one",
        )
    if not records:
        return _Settled((), (_new_dmarc(domain),))
    current = dmarc.parse(records[0])
    present = current.policy or dmarc.Disposition.NONE
    wish = dmarc.Disposition(domain.dmarc_policy or present)
    weaker = POLICIES.index(wish) < POLICIES.index(present)
    if weaker and not weaken:
        return _Settled(records, records, reason=f"p={present} is there, and stronger than p={wish}: kept")
    edited = dmarc_edit.with_policy(records[0], wish, report_address=domain.report_address)
    if dmarc.parse(edited).policy is not wish:
        problems = "; ".join(current.problems)
        return _Settled(records, records, conflict=f"the DMARC record is broken ({problems}): mend it first")
    return _Settled(
        records, (edited,), danger=f"the DMARC policy is weakened from {present} to {wish}" if weaker else ""
    )


def _new_dmarc(domain: MailDomain) -> str:
    return dmarc_edit.new_record(domain.dmarc_policy or "none", report_address=domain.report_address)


_DANGERS = {
    Purpose.MX: "mail for {name} goes to {before} now, and would be taken away from there",
    Purpose.DKIM: "another key is published at this selector, and may be in use",
    Purpose.DKIM_DELEGATION: "another record stands at this selector, and may be in use",
    Purpose.RETURN_PATH_MX: "{name} leads to {before} now",
    Purpose.HOST_ADDRESS: "{name} leads to {before} now, and may serve something else there",
}


def _settle_exact(wish: Wanted, values: tuple[str, ...]) -> _Settled:
    ours = tuple(value for value in values if value in wish.values)
    if ours and wish.purpose in (Purpose.HOST_ADDRESS, Purpose.PTR):
        return _Settled(ours, wish.values)  # the name is the host's already; what else it has is left alone
    if not values or set(values) == set(wish.values):
        return _Settled(values, wish.values)
    before = ", ".join(value.partition(" ")[2] or value for value in values)
    danger = _DANGERS.get(wish.purpose, "").format(name=wish.name, before=before)
    return _Settled(values, wish.values, danger=danger)


def retirement(name: str, values: tuple[str, ...], foreign: tuple[str, ...], zone: str) -> ZoneChange:
    """The removal of a retired key's TXT values at `name`; `foreign` values there stay."""
    return ZoneChange(
        Action.DELETE, Purpose.DKIM, name, "TXT", values, (), "its key is retired", zone, foreign=foreign
    )


def rrset_changes(changes: Iterable[ZoneChange]) -> tuple[RRsetChange, ...]:
    """The changes as whole RRsets: what is foreign stands on both sides, and so is kept."""
    return tuple(
        RRsetChange(
            c.name,
            c.rdtype,
            _records(c, (*c.foreign, *c.before), c.seen_ttl),
            _records(c, (*c.foreign, *c.after), c.ttl),
        )
        for c in changes
    )


def records_of(changes: Iterable[ZoneChange]) -> tuple[Record, ...]:
    """The record sets of these changes, whole, as they shall stand."""
    return tuple(record for change in rrset_changes(changes) for record in change.after)


def _records(change: ZoneChange, values: Iterable[str], ttl: int) -> tuple[Record, ...]:
    return tuple(sorted(Record(change.name, change.rdtype, value, ttl) for value in values))


def planned_zone(plan: ZonePlan) -> tuple[Record, ...]:
    """Every RRset that the plan speaks of, as it will stand once the plan is carried out."""
    records: dict[tuple[str, str, str], Record] = {}
    for c in plan.changes:
        for value in (*c.after, *c.foreign):
            records.setdefault((c.name, c.rdtype, value), Record(c.name, c.rdtype, value, c.ttl))
    return tuple(records.values())


def answer_from(records: Iterable[Record], question: Question, server: str) -> Answer:
    """An `Answer` made of records that a provider's interface listed; a CNAME among them is its chain."""
    name, rdtype = question
    records = tuple(records)
    mine = [r for r in records if (r.name, r.rdtype) == question]
    alias = tuple(r.value for r in records if r.name == name and r.rdtype == "CNAME" != rdtype)
    status = Status.ANSWER if mine else Status.NODATA
    found = tuple(record_rdata(r) for r in mine)
    return Answer(name, rdtype, status, found, mine[0].ttl if mine else 0, server, chain=alias)
