"""The life of DKIM keys: planned → published → active → retiring → retired, one safe step after another.

Promise: `next_step` is pure and looks only at what the store says, so an interrupted rotation goes on where it was.
A key signs only after every authoritative server was seen to have it; the old one stays published until `overlap`
has passed since it signed last, so that mail in a queue still verifies (RFC 6376 §3.1, M3AAWG key rotation).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from mailctl.domains.desired import DELEGATED_SLOTS


class KeyRow(Protocol):
    """What this module reads of store.tables.DkimKey."""

    @property
    def selector(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def retiring_at(self) -> datetime | None: ...


class Step(StrEnum):
    CREATE = "create"  # make a new pair, state planned
    PUBLISH = "publish"  # put what is planned into the zone; when seen, state published
    ACTIVATE = "activate"  # sign with what is published; what signed before is retiring
    RETIRE = "retire"  # take what is retiring and past its overlap out of the zone
    OVERLAP = "overlap"  # wait: something is retiring, and mail signed by it may be under way
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Next:
    step: Step
    selectors: tuple[str, ...] = ()
    until: datetime | None = None  # OVERLAP: when RETIRE may be done


def next_step(keys: Iterable[KeyRow], *, now: datetime, overlap: timedelta, rotate: bool = False) -> Next:
    """What is to be done now. `rotate` asks for a new pair where an active one signs and none is under way."""
    keys = tuple(keys)

    def having(state: str) -> tuple[str, ...]:
        return tuple(key.selector for key in keys if key.state == state)

    if planned := having("planned"):
        return Next(Step.PUBLISH, planned)
    if published := having("published"):
        return Next(Step.ACTIVATE, published)
    if not having("active"):
        return Next(Step.CREATE)
    ends = [(k.selector, k.retiring_at + overlap) for k in keys if k.state == "retiring" and k.retiring_at]
    due = tuple(selector for selector, end in ends if end <= now)
    if due:
        return Next(Step.RETIRE, due)
    if rotate and not ends:
        return Next(Step.CREATE)
    if ends:
        return Next(Step.OVERLAP, tuple(s for s, _ in ends), max(end for _, end in ends))
    return Next(Step.DONE)


def new_selectors(
    used: Collection[str], held: Collection[str], today: date, *, delegated: bool
) -> dict[str, str]:
    """Selector → algorithm of the pair to make: by date, or the delegated slot that no living key holds.

    `used` are the selectors that ever had a key, `held` those at which one may still be found. A delegated domain has
    two names, one in use and one for the next key, so it signs with RSA alone: two keys at one selector are undefined
    (RFC 6376 §3.6.2.2). ValueError where no name is free.
    """
    if delegated:
        free = [slot for slot in DELEGATED_SLOTS if slot not in held]
        if not free:
            raise ValueError("both delegated selectors hold a key, or resolvers may still hold one for them")
        return {free[0]: "rsa"}
    for suffix in ("", *"bcdefghijklmnopqrstuvwxyz"):
        stem = f"mc{today:%Y%m%d}{suffix}"
        pair = {f"{stem}-rsa": "rsa", f"{stem}-ed": "ed25519"}
        if not pair.keys() & set(used):
            return pair
    raise ValueError("26 rotations in one day: wait until tomorrow")
