"""Look at a zone, publish a plan in it, read it back, and wait until every authoritative server has it.

Promise: what is published are whole RRsets with what was seen as the prerequisite, so a zone that changed since the
plan is refused; success is only what was read back; `wait` asks the authoritative servers, never a cache.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mailctl.domains.desired import ELSEWHERE, MailDomain
from mailctl.domains.zone_plan import Question, Seen, ZoneChange, answer_from, questions, rrset_changes
from mailctl.edges.publisher import Publisher, PublishError
from mailctl.edges.resolver import DnsClient
from mailctl.errors import Undetermined
from mailctl.standards.dns import Answer, Lookup, RRsetChange, Status, rdata_text


async def look(lookup: Lookup, wanted: Iterable[Question]) -> dict[Question, Answer]:
    """Ask all questions at once."""
    asked = tuple(wanted)
    answers = await asyncio.gather(*(lookup(name, rdtype) for name, rdtype in asked))
    return dict(zip(asked, answers, strict=True))


async def see(domain: MailDomain, lookup: Lookup, publisher: Publisher | None, zone: str) -> Seen:
    """What the plan for `domain` starts from: the provider's own list where there is one, else the DNS."""
    seen = await look(lookup, questions(domain))
    if publisher is None:
        return seen
    for where in filter(None, {zone, domain.delegation_zone}):
        mine = [q for q in seen if in_zone(q[0], where)]
        listed = await publisher.list(where, mine)
        seen.update({q: answer_from(listed, q, publisher.name) for q in mine})
    return seen


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
    wanted = {*change.after, *change.foreign}
    have = sum(_values(answer) == wanted for answer in answers if answer.known)
    silent = [f"{answer.server}: {answer.detail or answer.status}" for answer in answers if not answer.known]
    return Sighting(change.name, change.rdtype, have, len(answers), ", ".join(silent))


def _values(answer: Answer) -> set[str]:
    return {rdata_text(r) for r in answer.records} if answer.status is Status.ANSWER else set()


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
