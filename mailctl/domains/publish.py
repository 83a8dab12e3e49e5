"""Look at a zone, publish a plan in it, read it back, and wait until every authoritative server has it.

Promise: what is published are whole RRsets with what was seen as the prerequisite, so a zone that changed since the
plan is refused; success is only what was read back; `wait` asks the authoritative servers, never a cache.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from mailctl.domains.desired import ELSEWHERE, MailDomain
from mailctl.domains.zone_plan import Question, Seen, ZoneChange, answer_from, questions, rrset_changes
from mailctl.edges.publisher import Publisher, PublishError
from mailctl.edges.resolver import DnsClient
from mailctl.errors import BadInput, Undetermined
from mailctl.standards.dns import Answer, Lookup, Record, RRsetChange, rdata_text


async def look(lookup: Lookup, wanted: Iterable[Question]) -> dict[Question, Answer]:
    """Ask all questions at once."""
    asked = tuple(wanted)
    answers = await asyncio.gather(*(lookup(name, rdtype) for name, rdtype in asked))
    return dict(zip(asked, answers, strict=True))


async def find_zone(resolver: DnsClient, name: str, configured: str | None) -> str:
    """The zone to publish `name` in: dns.zone, or found by its SOA record.

    Raises `BadInput` where dns.zone does not hold the name, `Undetermined` where the DNS does not say.
    """
    if configured is None:
        return await resolver.zone_cut(name)
    if not in_zone(name, configured):
        raise BadInput(
            f"{name} is not in {configured}, the zone that dns.zone names",
            hint="leave dns.zone out, and the zone is found by its SOA record",
        )
    return configured


@dataclass(frozen=True, slots=True)
class Sight:
    """What a plan starts from, and which of its zones a person has to write."""

    seen: Seen
    by_hand: frozenset[str]


async def see(domain: MailDomain, resolver: DnsClient, publisher: Publisher | None, zone: str) -> Sight:
    """What the plan for `domain` starts from: the provider's own list where there is one, else the authoritative
    servers.

    A domain that delegates its keys is a client's: where the publisher does not hold its zone, the client writes it.

    A resolver is asked only for what lies outside of these zones: it would remember that a record was not there,
    and go on saying so for as long as the SOA record allows after it was published (RFC 2308 §5).
    """
    asked = questions(domain)
    zones = tuple(filter(None, (zone, domain.delegation_zone)))
    held: dict[str, list[Question]] = {}
    for question in asked:
        inner = max((where for where in zones if in_zone(question[0], where)), key=len, default=ELSEWHERE)
        held.setdefault(inner, []).append(question)
    seen = await look(resolver, held.pop(ELSEWHERE, ()))
    by_hand = set()
    for where, mine in held.items():
        theirs = domain.delegation_zone is not None and where == zone
        listed = await _list(publisher, where, mine, may_lack=theirs)
        if publisher is None or listed is None:
            by_hand.add(where)
            answers = await asyncio.gather(*(ask_zone(resolver, where, q) for q in mine))
            seen.update(zip(mine, answers, strict=True))
        else:
            seen.update({q: await _beyond(resolver, answer_from(listed, q, publisher.name)) for q in mine})
    return Sight({question: seen[question] for question in asked}, frozenset(by_hand))


async def _beyond(resolver: DnsClient, listed: Answer) -> Answer:
    """What an alias that the provider holds leads to; only the DNS knows that."""
    if not listed.chain or listed.rdtype == "CNAME":
        return listed
    return replace(await resolver(listed.name, listed.rdtype), chain=listed.chain)


async def _list(
    publisher: Publisher | None, zone: str, asked: Collection[Question], *, may_lack: bool
) -> tuple[Record, ...] | None:
    """What the publisher holds at these names; None where nobody, or not this one, can write the zone."""
    if publisher is None:
        return None
    try:
        return await publisher.list(zone, [*asked, *((name, "CNAME") for name, _ in asked)])
    except PublishError as error:
        if error.temporary or not may_lack:
            raise
        return None


async def ask_zone(resolver: DnsClient, zone: str, question: Question) -> Answer:
    """What the first server of the zone that knows says; the resolver's word where none of them can be reached."""
    for answer in await resolver.ask_authoritative(zone, *question):
        if answer.known:
            return answer
    return await resolver(*question)


def in_zone(name: str, zone: str) -> bool:
    return name == zone or name.endswith(f".{zone}")


def zone_of(change: ZoneChange, zone: str) -> str:
    return change.zone or zone


async def publish(changes: Iterable[ZoneChange], publisher: Publisher, zone: str) -> tuple[RRsetChange, ...]:
    """Write every change into its zone and read it back. Raises `PublishError`, with what differs."""
    written: list[RRsetChange] = []
    by_zone: dict[str, list[ZoneChange]] = {}
    for change in changes:
        if change.writes and change.zone != ELSEWHERE:
            by_zone.setdefault(zone_of(change, zone), []).append(change)
    for where, mine in by_zone.items():
        rrsets = rrset_changes(mine)
        await publisher.apply(where, rrsets)
        listed = await publisher.list(where, [(r.name, r.rdtype) for r in rrsets])
        wrong = [
            f"{r.name} {r.rdtype}"
            for r in rrsets
            if {x.value for x in listed if (x.name, x.rdtype) == (r.name, r.rdtype)}
            != {x.value for x in r.after}
        ]
        if wrong:
            raise PublishError(
                f"{publisher.name} took the changes to {where}, but does not show them all",
                details=wrong,
                hint="look at the zone, then run the same command again",
            )
        written.extend(rrsets)
    return tuple(written)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One RRset at the authoritative servers: how many of them have it as planned."""

    name: str
    rdtype: str
    have: int
    servers: int
    note: str = ""

    @property
    def complete(self) -> bool:
        return 0 < self.servers == self.have


async def sight(resolver: DnsClient, change: ZoneChange, zone: str) -> Sighting:
    """Ask each authoritative server of its zone for one change."""
    answers = await resolver.ask_authoritative(zone_of(change, zone), change.name, change.rdtype)
    have = sum(_shows(answer, change) for answer in answers if answer.known)
    silent = [f"{answer.server}: {answer.detail or answer.status}" for answer in answers if not answer.known]
    return Sighting(change.name, change.rdtype, have, len(answers), ", ".join(silent))


def _shows(answer: Answer, change: ZoneChange) -> bool:
    """Whether our values are there, and those that they replace are gone. What others add meanwhile is theirs."""
    values = {rdata_text(record) for record in answer.records}
    return values >= set(change.after) and not values & (set(change.before) - set(change.after))


async def wait(
    resolver: DnsClient,
    changes: Sequence[ZoneChange],
    zone: str,
    *,
    seconds: float,
    progress: Callable[[Collection[Sighting]], None],
    pause: float = 1.0,
) -> tuple[Sighting, ...]:
    """Ask until every server has every change, or `seconds` are over; the last sightings."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        sightings = tuple(await asyncio.gather(*(sight(resolver, change, zone) for change in changes)))
        progress(sightings)
        if all(s.complete for s in sightings) or loop.time() + pause > deadline:
            return sightings
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 15.0)


def must_be_seen(name: str, sightings: Collection[Sighting]) -> None:
    """Raises `Undetermined` with every record set that is not everywhere yet."""
    unseen = [s for s in sightings if not s.complete]
    if unseen:
        raise Undetermined(
            f"{len(unseen)} record sets of {name} are not yet at every authoritative server",
            details=[
                f"{s.name} {s.rdtype}: at {s.have} of {s.servers} servers {s.note}".rstrip() for s in unseen
            ],
            hint="run the same command again: it goes on from here",
        )
