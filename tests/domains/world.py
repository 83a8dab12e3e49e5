"""A world of twins for whole flows: a publisher, a DNS that shows what it holds, key files, a store, a clock.

The store is a real SQLite file. Nothing here is faked by patching: the flows get this world as their `Wiring`.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mailctl.domains import setup as flow
from mailctl.domains.publish import Sighting
from mailctl.domains.request import Request
from mailctl.domains.setup import Proof, Proposal
from mailctl.domains.wiring import Wiring
from mailctl.edges.host import MemoryHost
from mailctl.edges.key_files import MemoryKeyFiles
from mailctl.edges.publisher import MemoryPublisher
from mailctl.edges.resolver import MemoryResolver
from mailctl.settings import Settings
from mailctl.standards.dns import Answer, Record, Status
from mailctl.store import Store, open_store
from tests.domains.zone_examples import HOST, HOUSE, IPV4, IPV6, NAME, PTR4, PTR6, key_pem

# Long ago: dkimpy, the second judge of every rehearsal, has no clock but the system's, and refuses the future.
NOW = datetime(2020, 11, 24, 12, 0, tzinfo=UTC)
POINTERS = (Record(PTR4, "PTR", HOST), Record(PTR6, "PTR", HOST))
THEIRS = (
    Record(NAME, "MX", "10 mx.office.example"),
    Record(NAME, "TXT", "office-verification=1"),
    Record(NAME, "TXT", "v=spf1 include:_spf.office.example ~all"),
)
OFFICE = (Record("_spf.office.example", "TXT", "v=spf1 ip4:198.51.100.0/24 -all"),)


@dataclass
class TwinDns:
    """The DNS of a world. `hidden` is not at the authoritative servers yet, `stale` not at the resolver."""

    publisher: MemoryPublisher
    elsewhere: tuple[Record, ...] = ()
    foreign_zones: tuple[str, ...] = ()  # zones that the publisher does not hold
    faults: dict[Any, Status] = field(default_factory=dict)
    hidden: set[tuple[str, str]] = field(default_factory=set)
    stale: set[tuple[str, str]] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)  # of the resolver

    def _view(self, without: Collection[tuple[str, str]]) -> MemoryResolver:
        records = (*self.publisher.records, *self.elsewhere)
        shown = [record for record in records if (record.name, record.rdtype) not in without]
        return MemoryResolver(
            shown, zones=("", *self.publisher.zones, *self.foreign_zones), faults=self.faults
        )

    async def __call__(self, name: str, rdtype: str) -> Answer:
        self.asked.append((name, rdtype))
        return await self._view(self.hidden | self.stale)(name, rdtype)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        return await self._view(self.hidden).ask_authoritative(zone, name, rdtype)

    async def zone_cut(self, name: str) -> str:
        return await self._view(()).zone_cut(name)

    def flush(self) -> None:
        self.stale.clear()


class Stopped(BaseException):
    """The run ends here, as if the process had been killed."""


class World:
    """Everything that a flow works with, and what a test asks about it afterwards."""

    def __init__(
        self,
        folder: Path,
        *,
        zone: Iterable[Record] = THEIRS,
        elsewhere: Iterable[Record] = (*POINTERS, *OFFICE),
        machine: MemoryHost | None = None,
        **sections: dict[str, Any],
    ) -> None:
        self.time = NOW
        self.publisher = MemoryPublisher({NAME: zone, HOUSE: ()})
        self.dns = TwinDns(self.publisher, tuple(elsewhere))
        self.keys = MemoryKeyFiles()
        self.store: Store = open_store(f"sqlite:///{folder}/mailctl.db", clock=lambda: self.time)
        facts = {"name": HOST, "ipv4": [str(IPV4)], "ipv6": [str(IPV6)]}
        settings = Settings.model_validate(
            {"state_dir": folder, "host": facts, "dkim": {"delegation_zone": HOUSE}, **sections}
        )
        self.w = Wiring(
            settings=settings,
            store=self.store,
            keys=self.keys,
            host=machine or MemoryHost(name=HOST),
            resolver=self.dns,
            publisher=self.publisher,
            now=lambda: self.time,
            new_key=self.new_key,
        )
        self.made = 0

    def new_key(self, algorithm: str) -> bytes:
        """Another key at each call, and the same ones in every test: RSA keys take long to make."""
        self.made += 1
        return key_pem(algorithm, self.made)

    @property
    def by_hand(self) -> Wiring:
        """The same, where a person publishes."""
        return replace(self.w, publisher=None)

    def later(self, **period: float) -> None:
        self.time += timedelta(**period)

    def propose(
        self, w: Wiring | None = None, *, host: bool = False, rotate: bool = False, **asked: Any
    ) -> Proposal:
        request = Request(NAME, **asked)
        return asyncio.run(flow.propose(w or self.w, request, with_host=host, rotate=rotate))

    def carry_out(self, proposal: Proposal, w: Wiring | None = None, stop_at: str = "") -> list[str]:
        """Carry a proposal out; what was said. `stop_at`: the run dies where this would be said."""
        said: list[str] = []

        def say(text: str) -> None:
            if stop_at and stop_at in text:
                raise Stopped(text)
            said.append(text)

        asyncio.run(flow.carry_out(w or self.w, proposal, wait_seconds=0, say=say, watch=_look_away))
        return said

    def setup(
        self, w: Wiring | None = None, *, host: bool = False, force: bool = False, **asked: Any
    ) -> Proof:
        """What the command does, from beginning to end."""
        proposal = self.propose(w, host=host, **asked)
        flow.guard(proposal, force=force)
        if not proposal.empty:
            self.carry_out(proposal, w)
        return self.prove(proposal)

    def prove(self, proposal: Proposal) -> Proof:
        return asyncio.run(flow.prove(self.w, proposal))

    def states(self) -> dict[str, str]:
        """Selector → state of every key of the domain, retired ones too."""
        row = self.store.domains.get(NAME)
        return {key.selector: key.state.value for key in self.store.keys.list(row)} if row else {}

    def snapshot(self) -> tuple[Any, ...]:
        """Zone, store and keys: equal before and after means untouched."""
        tenants = [(t.name, t.state) for t in self.store.tenants.list()]
        domains = [row.model_dump() for row in self.store.domains.list()]
        keys = [key.model_dump() for row in self.store.domains.list() for key in self.store.keys.list(row)]
        return self.publisher.records, tenants, domains, keys, self.keys.held

    def publish_by_hand(self, proposal: Proposal) -> None:
        """What a person makes of the plan that was printed."""
        from mailctl.domains.zone_plan import rrset_changes

        for change in proposal.zone_plan.pending:
            zone = self.publisher.zones[change.zone or NAME]
            for rrset in rrset_changes([change]):
                zone.difference_update({r for r in zone if (r.name, r.rdtype) == (rrset.name, rrset.rdtype)})
                zone.update(rrset.after)


def _look_away(_: Collection[Sighting]) -> None:
    """Nobody watches."""
