"""The resolver's twin without a network: the same answers from records held in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from mailctl.edges.resolver import questions
from mailctl.standards.dns import Answer, Record, Status, record_rdata
from mailctl.standards.zone import Found, Zones

Fault = tuple[str, str] | str  # (name, type), or a name for all its types


class MemoryResolver:
    """A `Lookup` over `records`. `faults` answers a name, or a (name, type), with a status instead.

    `zones` names the apexes, as for a server: what is outside of them is REFUSED. Without it the records are
    the whole DNS, and everything else is NXDOMAIN. `servers` names the name servers that answer from a zone of
    their own when they are asked directly; all others answer from this one. `asked` lists the questions in order.
    """

    def __init__(
        self,
        records: Iterable[Record],
        *,
        zones: Sequence[str] = ("",),
        faults: Mapping[Fault, Status] | None = None,
        authenticated: bool = False,
        servers: Mapping[str, "MemoryResolver"] | None = None,
    ) -> None:
        self._servers = dict(servers or {})
        self._zones = Zones(records, zones)
        self.faults: dict[Fault, Status] = dict(faults or {})
        self.asked: list[tuple[str, str]] = []
        self._authenticated = authenticated

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    async def __call__(self, name: str, rdtype: str) -> Answer:
        name, rdtype = name.rstrip(".").lower(), rdtype.upper()
        self.asked.append((name, rdtype))
        fault = self._fault(name, rdtype)
        if fault is not None:
            return Answer(name, rdtype, fault, server="memory", detail="planned fault")
        found = self._zones.find(name, rdtype)
        # As a resolver would: a fault at a name that a chain leads to is the fault of the whole question.
        for alias in found.chain:
            fault = self._fault(alias, rdtype)
            if fault is not None:
                return Answer(name, rdtype, fault, server="memory", detail="planned fault", chain=found.chain)
        return self._answer(name, rdtype, found)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        """As `Resolver.ask_authoritative`: one answer for each name server of the zone."""
        questions.check_within(name, zone)
        servers = await self(zone, "NS")
        if not servers.known:
            detail = f"the name servers are unknown: {questions.describe(servers)}"
            return (Answer(name, rdtype, servers.status, server=servers.server, detail=detail),)
        hosts = questions.server_names(servers)
        found = [await self._ask_host(host, name, rdtype) for host in hosts]
        return tuple(answer for answers in found for answer in answers)

    async def _ask_host(self, host: str, name: str, rdtype: str) -> list[Answer]:
        """One answer for each address of an authoritative server."""
        found = [await self(host, "A"), await self(host, "AAAA")]
        addresses = questions.sorted_addresses(found)
        if not addresses:
            return [questions.homeless(host, found, Answer(name, rdtype, Status.SERVFAIL))]
        answer = await self._servers.get(host, self)(name, rdtype)
        return [
            replace(
                answer, server=f"[{address}]:53" if ":" in address else f"{address}:53", authenticated=False
            )
            for address in addresses
        ]

    async def zone_cut(self, name: str) -> str:
        """The zone that holds `name`; raises Undetermined."""
        return await questions.zone_cut(self, name)

    def flush(self) -> None:
        """Nothing is cached here."""

    def _fault(self, name: str, rdtype: str) -> Status | None:
        return self.faults.get((name, rdtype), self.faults.get(name))

    def _answer(self, name: str, rdtype: str, found: Found) -> Answer:
        records = tuple(record_rdata(record) for record in found.rrset)
        status, ttl = found.status, 0
        if status is Status.ANSWER and not records:
            status = Status.REFUSED  # the chain led out of our zones, as another server would find
        if status is Status.ANSWER:
            ttl = min(record.ttl for record in found.records)
        elif found.zone is not None and status in (Status.NODATA, Status.NXDOMAIN):
            soa = self._zones.soa(found.zone)
            ttl = min([soa.ttl, int(soa.value.split()[-1]), *(record.ttl for record in found.records)])
        return Answer(
            name,
            rdtype,
            status,
            records,
            ttl,
            server="memory",
            detail=found.detail,
            authenticated=self._authenticated and status in (Status.ANSWER, Status.NODATA, Status.NXDOMAIN),
            chain=found.chain,
        )
