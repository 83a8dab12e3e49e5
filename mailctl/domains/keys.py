"""DKIM keys of one domain as an operator handles them: facts, rotation, retirement.

Promise: a rotation is a setup with a new pair, so it is planned, refused, published, seen and applied by the same
code; a key is retired only when its overlap has passed, or by force, and only our own value is taken out of the zone.
"""

from dataclasses import dataclass
from datetime import datetime

from mailctl.domains import registry, rotation
from mailctl.domains.desired import key_place
from mailctl.domains.publish import ask_zone, find_zone, publish
from mailctl.domains.request import Request
from mailctl.domains.setup import Proposal, overlap, propose
from mailctl.domains.wiring import Wiring
from mailctl.domains.zone_plan import ZoneChange, answer_from, retirement
from mailctl.errors import Refused, Undetermined
from mailctl.standards.dns import rdata_text
from mailctl.store.tables import DkimKey, KeyState


def facts(w: Wiring, name: str) -> list[dict[str, str]]:
    """The keys of a stored domain, oldest first, retired ones too."""
    return [
        {
            "selector": row.selector,
            "algorithm": row.algorithm.value,
            "state": row.state.value,
            "since": f"{_since(row):%Y-%m-%d %H:%M:%S}Z",
            "public_text": row.public_text,
        }
        for row in w.store.keys.list(w.store.domains.need(name))
    ]


def _since(row: DkimKey) -> datetime:
    stamps = (row.retired_at, row.retiring_at, row.activated_at, row.published_at, row.created_at)
    return next(stamp for stamp in stamps if stamp is not None)


async def propose_rotation(w: Wiring, name: str, *, with_host: bool) -> Proposal:
    """A new pair, or the one that an interrupted rotation left. Raises `Refused` during an overlap."""
    domain = w.store.domains.need(name)
    step = rotation.next_step(registry.key_rows(w, domain.name), now=w.now(), overlap=overlap(w), rotate=True)
    if step.step in (rotation.Step.OVERLAP, rotation.Step.RETIRE):
        when = f" until {step.until:%Y-%m-%d %H:%M} UTC" if step.until else ""
        raise Refused(
            f"{domain.name} was rotated a short time ago: {', '.join(step.selectors)} stay published{when}",
            hint=f"then: mailctl dkim retire {domain.name}, and rotate again",
        )
    return await propose(w, Request(domain.name), with_host=with_host, rotate=True)


def overlap_ends(w: Wiring, name: str) -> datetime | None:
    """When the keys that are retiring may go; None if there are none."""
    return rotation.next_step(registry.key_rows(w, name), now=w.now(), overlap=overlap(w)).until


@dataclass(frozen=True, slots=True)
class Retirement:
    """The keys to take out, and the records that publish them."""

    domain: str
    zone: str
    selectors: tuple[str, ...]
    changes: tuple[ZoneChange, ...]


async def propose_retirement(w: Wiring, name: str, *, force: bool) -> Retirement:
    """What may be retired now. Raises `Refused` while an overlap lasts, unless forced."""
    domain = w.store.domains.need(name)
    rows = registry.key_rows(w, domain.name)
    retiring = tuple(row for row in rows if row.state is KeyState.RETIRING)
    step = rotation.next_step(rows, now=w.now(), overlap=overlap(w))
    if step.step is rotation.Step.OVERLAP and not force:
        raise Refused(
            f"mail signed by {', '.join(step.selectors)} may still be on its way",
            details=[
                f"the overlap of {w.settings.dkim.overlap_days} days ends {step.until:%Y-%m-%d %H:%M} UTC"
            ],
            hint="wait, or say --force",
        )
    chosen = tuple(r for r in retiring if force or r.selector in step.selectors)
    zone = await find_zone(w.resolver, domain.name, w.settings.dns.zone)
    delegation_zone = w.settings.dkim.delegation_zone if domain.delegated else None
    changes = []
    for row in chosen:
        at, where = key_place(domain.name, row.selector, delegation_zone)
        changes += await _removal(w, at, where or zone, row)
    return Retirement(domain.name, zone, tuple(row.selector for row in chosen), tuple(changes))


async def _removal(w: Wiring, name: str, zone: str, row: DkimKey) -> list[ZoneChange]:
    question = (name, "TXT")
    if w.publisher is None:
        answer = await ask_zone(w.resolver, zone, question)
    else:
        answer = answer_from(await w.publisher.list(zone, [question]), question, w.publisher.name)
    if not answer.known:
        raise Undetermined(f"{name} TXT could not be read: {answer.status}", hint="try again later")
    values = tuple(rdata_text(record) for record in answer.records)
    if row.public_text not in values:
        return []  # somebody took it out already
    return [retirement(name, (row.public_text,), tuple(v for v in values if v != row.public_text), zone)]


async def retire(w: Wiring, plan: Retirement) -> None:
    """Take the records out, then say in the store that the keys are gone, then remove their files.

    By hand, the records have to be gone already. Raises `Refused` where they are not.
    """
    if plan.changes and w.publisher is None:
        raise Refused(
            "the zone still has the records of these keys",
            details=[f"{c.name} {c.rdtype}" for c in plan.changes],
            hint="take them out of the zone, then run this again",
        )
    if w.publisher is not None:
        await publish(plan.changes, w.publisher, plan.zone)
    registry.retire(w, plan.domain, plan.selectors)
