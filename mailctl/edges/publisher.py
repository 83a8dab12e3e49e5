"""What can write a zone: the contract of every publisher, and its twin in memory.

Promise of every publisher: `apply` writes whole RRsets and refuses (`ZoneChanged`, naming the RRset) a zone
in which one of them is not as `RRsetChange.before` saw it; any other failure is a `PublishError`, which says
whether the same again may work. Where the provider allows it a plan is applied as a whole or not at all;
where not, the error lists what was done. Credentials are in no message and no repr.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from mailctl.errors import PublishError as PublishError
from mailctl.errors import ZoneChanged
from mailctl.standards.dns import Record, RRsetChange, rrset
from mailctl.standards.zone import stale


class Publisher(Protocol):
    """`name` is for people: "rfc2136 192.0.2.53:53", "lexicon cloudflare"."""

    @property
    def name(self) -> str: ...

    async def list(self, zone: str, names: Collection[tuple[str, str]]) -> tuple[Record, ...]:
        """The records of the RRsets (name, type) as the provider holds them, sorted."""

    async def apply(self, zone: str, changes: Sequence[RRsetChange]) -> None:
        """Make each RRset what `after` says; an empty `after` removes it."""


class MemoryPublisher:
    """The twin: zones as a mapping of name to records; `fault`, where set, is raised by the next call."""

    def __init__(self, zones: Mapping[str, Iterable[Record]]) -> None:
        self.zones: dict[str, set[Record]] = {zone: set(records) for zone, records in zones.items()}
        self.applied: list[tuple[str, tuple[RRsetChange, ...]]] = []
        self.fault: PublishError | None = None

    @property
    def name(self) -> str:
        return "memory"

    async def list(self, zone: str, names: Collection[tuple[str, str]]) -> tuple[Record, ...]:
        records = self._zone(zone)
        return tuple(sorted(r for r in records if (r.name, r.rdtype) in names))

    async def apply(self, zone: str, changes: Sequence[RRsetChange]) -> None:
        records = self._zone(zone)
        if reasons := stale(records, changes):
            raise ZoneChanged(zone, reasons)
        for change in changes:
            records.difference_update(rrset(records, change.name, change.rdtype))
            records.update(change.after)
        self.applied.append((zone, tuple(changes)))

    @property
    def records(self) -> tuple[Record, ...]:
        """Everything in every zone, sorted."""
        return tuple(sorted(record for records in self.zones.values() for record in records))

    def _zone(self, zone: str) -> set[Record]:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        if zone not in self.zones:
            raise PublishError(f"memory does not hold the zone {zone}", hint="Name the zone in dns.zone.")
        return self.zones[zone]
