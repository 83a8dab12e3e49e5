"""DNS clients that a check is given in place of the real one: one that stops waiting, and one that asks the source.

Promise: both are `DnsClient`s, so a check need not know. `Hurried` answers `timeout` from its moment on, so checks end
by themselves with what they learned; `AtTheSource` shows a zone as its authoritative servers have it now.
"""

import asyncio
from dataclasses import dataclass

from mailctl.edges.resolver import DnsClient
from mailctl.edges.resolver.questions import zone_cut
from mailctl.standards.dns import Answer, Status
from mailctl.standards.names import is_at_or_below


@dataclass(frozen=True, slots=True)
class Hurried:
    """`dns` until the event loop's clock shows `until`, and then no more than timeouts."""

    dns: DnsClient
    until: float

    async def __call__(self, name: str, rdtype: str) -> Answer:
        try:
            async with asyncio.timeout_at(self.until):
                return await self.dns(name, rdtype)
        except TimeoutError:
            return _too_late(name, rdtype)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        try:
            async with asyncio.timeout_at(self.until):
                return await self.dns.ask_authoritative(zone, name, rdtype)
        except TimeoutError:
            return (_too_late(name, rdtype),)

    async def zone_cut(self, name: str) -> str:
        return await zone_cut(self, name)

    def flush(self) -> None:
        self.dns.flush()


def _too_late(name: str, rdtype: str) -> Answer:
    return Answer(name, rdtype, Status.TIMEOUT, detail="the time for this domain was over")


@dataclass(frozen=True, slots=True)
class AtTheSource:
    """`dns`, but what lies in `zone` is asked of its authoritative servers, where they are of one mind."""

    dns: DnsClient
    zone: str

    async def __call__(self, name: str, rdtype: str) -> Answer:
        if not is_at_or_below(name, self.zone):
            return await self.dns(name, rdtype)
        known = [a for a in await self.dns.ask_authoritative(self.zone, name, rdtype) if a.known]
        if len({(answer.status, frozenset(answer.records)) for answer in known}) == 1:
            return known[0]
        return await self.dns(name, rdtype)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        return await self.dns.ask_authoritative(zone, name, rdtype)

    async def zone_cut(self, name: str) -> str:
        return await self.dns.zone_cut(name)

    def flush(self) -> None:
        self.dns.flush()
