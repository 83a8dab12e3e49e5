"""The zoo's Internet: two embedded DNS servers and a real resolver before them, or the resolver's twin; and keepers who
look at its animals.

Promise: both show the same records and the same faults.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from mailctl.domains.checks.engine import verify_many
from mailctl.domains.checks.target import Tools
from mailctl.domains.findings import Report, Severity
from mailctl.edges.dns_server import DnsServer, Fault
from mailctl.edges.https import MemoryFetcher
from mailctl.edges.resolver import DnsClient, MemoryResolver, Resolver
from mailctl.edges.resolver.questions import zone_cut
from mailctl.edges.smtp_probe import MemoryProber
from mailctl.standards.dns import Answer, Record, Status
from tests.zoo.domains import ZOO
from tests.zoo.kinds import NOW, Animal, record
from tests.zoo.strangers import STRANGERS

SECOND = "127.0.0.2"  # where ns2 of those animals is whose servers are asked themselves
SILENCE = 0.3  # seconds that a silent server is waited for
FAULTS = {
    Status.SERVFAIL: Fault.SERVFAIL,
    Status.REFUSED: Fault.REFUSED,
    Status.TIMEOUT: Fault.SILENCE,
    Status.BOGUS: Fault.BOGUS,
}
PROBLEMS = (Severity.ERROR, Severity.WARNING, Severity.UNKNOWN)


@dataclass(frozen=True)
class Vouched:
    """A client of a validating resolver: answers below `names` come with its word that they are secure."""

    dns: DnsClient
    names: frozenset[str]

    async def __call__(self, name: str, rdtype: str) -> Answer:
        answer = await self.dns(name, rdtype)
        labels = name.split(".")
        secure = answer.known and any(".".join(labels[n:]) in self.names for n in range(len(labels)))
        return replace(answer, authenticated=True) if secure else answer

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        return await self.dns.ask_authoritative(zone, name, rdtype)

    async def zone_cut(self, name: str) -> str:
        return await zone_cut(self, name)

    def flush(self) -> None:
        self.dns.flush()


def records(animals: Iterable[Animal]) -> tuple[Record, ...]:
    strangers = tuple(record(line, "") for line in STRANGERS)
    return (*strangers, *(one for animal in animals for one in animal.records))


def zones(held: Iterable[Record]) -> tuple[str, ...]:
    """The root, and every name with a SOA."""
    return ("", *dict.fromkeys(one.name for one in held if one.rdtype == "SOA"))


def at_second(animal: Animal) -> tuple[Record, ...]:
    """What ns2 of an animal holds: the same, save for the record sets that it has of its own."""
    if not isinstance(animal.second, tuple):
        return animal.records if animal.second is not Status.REFUSED else ()
    own = {(one.name, one.rdtype) for one in animal.second}
    return (*animal.second, *(one for one in animal.records if (one.name, one.rdtype) not in own))


def memory(animals: Sequence[Animal]) -> DnsClient:
    held = records(animals)
    others = {
        f"ns2.{one.name}": MemoryResolver(at_second(one), zones=zones(at_second(one))[1:], faults=_mute(one))
        for one in animals
        if one.second is not None
    }
    faults = {key: status for one in animals for key, status in one.faults.items()}
    return _vouched(MemoryResolver(held, zones=zones(held), faults=faults, servers=others), animals)


def _mute(animal: Animal) -> dict[tuple[str, str] | str, Status]:
    if animal.second is not Status.TIMEOUT:
        return {}
    return {one.name: Status.TIMEOUT for one in animal.records}


def _vouched(dns: DnsClient, animals: Iterable[Animal]) -> DnsClient:
    return Vouched(dns, frozenset(one.name for one in animals if one.secure))


@asynccontextmanager
async def network(animals: Sequence[Animal]) -> AsyncIterator[tuple[DnsClient, DnsClient]]:
    """Two clients of the same servers: one that is patient, and one for animals with servers that stay silent."""
    held = records(animals)
    faults = {key: FAULTS[status] for one in animals for key, status in one.faults.items()}
    second = [one for one in animals if one.second is not None]
    others = tuple(r for one in second for r in at_second(one))
    mute = {key: FAULTS[status] for one in second for key, status in _mute(one).items()}
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(DnsServer(held, zones=zones(held), faults=faults))
        options: dict[str, Any] = {"address": SECOND, "port": first.port, "faults": mute}
        await stack.enter_async_context(DnsServer(others, zones=zones(others)[1:], **options))
        patient = Resolver([first.address], timeout=3, authoritative_port=first.port)
        hasty = Resolver([first.address], timeout=SILENCE, authoritative_port=first.port)
        for resolver in (patient, hasty):
            await stack.enter_async_context(resolver)
        yield _vouched(patient, animals), _vouched(hasty, animals)


def is_silent(animal: Animal) -> bool:
    return Status.TIMEOUT in (*animal.faults.values(), animal.second)


async def look(
    animals: Iterable[Animal], dns: DnsClient, *, concurrency: int = 6, seconds: float = 30
) -> dict[str, Report]:
    """The report on each animal, by name. Those that want the same tools are looked at in one run."""
    groups: dict[str, list[Animal]] = {}
    for animal in animals:
        groups.setdefault(repr(sorted(animal.tools.items())), []).append(animal)
    reports: dict[str, Report] = {}
    for group in groups.values():
        targets, tools = [one.as_target() for one in group], _tools(group[0].tools, dns)
        async for report in verify_many(targets, tools, concurrency=concurrency, seconds=seconds):
            reports[report.domain] = report
    return reports


def _tools(options: Mapping[str, Any], dns: DnsClient) -> Tools:
    others = {key: value for key, value in options.items() if key != "connect"}
    web = MemoryFetcher({url: page for one in ZOO for url, page in one.web.items()})
    mta = MemoryProber({name: host for one in ZOO for name, host in one.mta.items()})
    return Tools(dns, NOW, **{"https": web, "smtp": mta if options.get("connect") else None, **others})


def told(report: Report) -> list[str]:
    """What a report holds against its domain, each finding with its severity: "spf.syntax error"."""
    return sorted(f"{one.id} {one.severity}" for one in report.findings if one.severity in PROBLEMS)


def mistakes(animal: Animal, report: Report) -> list[str]:
    """What a report says wrongly of an animal: too little, too much, or without proof."""
    wanted, seen = Counter(animal.found), Counter(told(report))
    all_seen = {f"{one.id} {one.severity}" for one in report.findings}
    wrong = [f"not told: {one}" for one in (wanted - seen).elements()]
    wrong += [f"not noted: {one}" for one in animal.noted if one not in all_seen]
    for finding in report.findings:
        if f"{finding.id} {finding.severity}" in seen - wanted:
            wrong.append(f"wrongly told: {finding.severity} {finding.id}: {finding.message}")
        if finding.severity in (Severity.ERROR, Severity.WARNING) and not finding.evidence:
            wrong.append(f"without evidence: {finding.id}")
    return [f"{animal.name}: {one}" for one in wrong]
