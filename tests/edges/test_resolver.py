"""The resolver against a real server on loopback, and its twin in memory, through one table."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from mailctl.edges.dns_server import DnsServer, Fault
from mailctl.edges.resolver import DnsClient, MemoryResolver, Resolver
from mailctl.errors import Undetermined
from mailctl.standards.dns import Answer, Record, Status, rdata_text

LONG = "x" * 3000
RECORDS = (
    Record("client.example", "TXT", "v=spf1 -all", 300),
    Record("client.example", "TXT", "other", 300),
    Record("client.example", "MX", "10 mail.client.example"),
    Record("client.example", "A", "192.0.2.1"),
    Record("mail.client.example", "A", "192.0.2.2"),
    Record("mail.client.example", "AAAA", "2001:db8::2"),
    Record("long.client.example", "TXT", LONG),
    Record("null.client.example", "MX", "0 ."),
    Record("srv.client.example", "SRV", "0 5 587 mail.client.example"),
    Record("s1._domainkey.client.example", "CNAME", "s1.keys.house.example", 120),
    Record("s1.keys.house.example", "TXT", "v=DKIM1; p=abc", 900),
    Record("dangling.client.example", "CNAME", "gone.client.example"),
    Record("abroad.client.example", "CNAME", "www.elsewhere.example"),
    Record("loop1.client.example", "CNAME", "loop2.client.example"),
    Record("loop2.client.example", "CNAME", "loop1.client.example"),
    Record("a.deep.client.example", "TXT", "below an empty non-terminal"),
    Record("*.wild.client.example", "TXT", "any"),
    Record("there.wild.client.example", "A", "192.0.2.3"),
    *(Record(f"c{i}.client.example", "CNAME", f"c{i + 1}.client.example") for i in range(40)),
)
ZONES = ("client.example", "house.example")

# name, type, status, the records as text, ttl, chain
TABLE: tuple[tuple[str, str, Status, tuple[str, ...], int, tuple[str, ...]], ...] = (
    ("client.example", "TXT", Status.ANSWER, ("other", "v=spf1 -all"), 300, ()),
    ("CLIENT.example.", "txt", Status.ANSWER, ("other", "v=spf1 -all"), 300, ()),
    ("client.example", "MX", Status.ANSWER, ("10 mail.client.example",), 3600, ()),
    ("null.client.example", "MX", Status.ANSWER, ("0 .",), 3600, ()),
    ("mail.client.example", "AAAA", Status.ANSWER, ("2001:db8::2",), 3600, ()),
    ("srv.client.example", "SRV", Status.ANSWER, ("0 5 587 mail.client.example",), 3600, ()),
    ("long.client.example", "TXT", Status.ANSWER, (LONG,), 3600, ()),
    (
        "s1._domainkey.client.example",
        "TXT",
        Status.ANSWER,
        ("v=DKIM1; p=abc",),
        120,
        ("s1.keys.house.example",),
    ),
    ("s1._domainkey.client.example", "CNAME", Status.ANSWER, ("s1.keys.house.example",), 120, ()),
    ("s1._domainkey.client.example", "A", Status.NODATA, (), 60, ("s1.keys.house.example",)),
    ("dangling.client.example", "TXT", Status.NXDOMAIN, (), 60, ("gone.client.example",)),
    ("abroad.client.example", "A", Status.REFUSED, (), 0, ("www.elsewhere.example",)),
    ("client.example", "CAA", Status.NODATA, (), 60, ()),
    ("absent.client.example", "TXT", Status.NXDOMAIN, (), 60, ()),
    ("deep.client.example", "TXT", Status.NODATA, (), 60, ()),
    ("_domainkey.client.example", "TXT", Status.NODATA, (), 60, ()),
    ("some.thing.wild.client.example", "TXT", Status.ANSWER, ("any",), 3600, ()),
    ("there.wild.client.example", "TXT", Status.NODATA, (), 60, ()),
    ("below.there.wild.client.example", "TXT", Status.NXDOMAIN, (), 60, ()),
    ("outside.example", "A", Status.REFUSED, (), 0, ()),
    ("servfail.client.example", "A", Status.SERVFAIL, (), 0, ()),
    ("refused.client.example", "A", Status.REFUSED, (), 0, ()),
    ("silence.client.example", "A", Status.TIMEOUT, (), 0, ()),
    ("bogus.client.example", "A", Status.BOGUS, (), 0, ()),
    ("truncated.client.example", "TXT", Status.NXDOMAIN, (), 60, ()),
    ("garbage.client.example", "A", Status.SERVFAIL, (), 0, ()),
)
FAULTS: dict[tuple[str, str] | str, Fault] = {f"{f}.client.example": f for f in Fault}
MEMORY_FAULTS: dict[tuple[str, str] | str, Status] = {
    "servfail.client.example": Status.SERVFAIL,
    "refused.client.example": Status.REFUSED,
    "silence.client.example": Status.TIMEOUT,
    "bogus.client.example": Status.BOGUS,
    "garbage.client.example": Status.SERVFAIL,
}


@dataclass
class Bench:
    """A resolver under test, and for the real one the server that it asks."""

    resolver: DnsClient
    server: DnsServer | None = None


@asynccontextmanager
async def real() -> AsyncIterator[Bench]:
    async with (
        DnsServer(RECORDS, zones=ZONES, faults=FAULTS) as server,
        Resolver([server.address], timeout=0.3, authoritative_port=server.port) as resolver,
    ):
        yield Bench(resolver, server)


@asynccontextmanager
async def memory() -> AsyncIterator[Bench]:
    async with MemoryResolver(RECORDS, zones=ZONES, faults=MEMORY_FAULTS) as resolver:
        yield Bench(resolver)


Open = Callable[[], AbstractAsyncContextManager[Bench]]
both = pytest.mark.parametrize("opened", [real, memory])


def ask(opened: Open, *questions: tuple[str, str]) -> list[Answer]:
    async def body() -> list[Answer]:
        async with opened() as bench:
            return list(await asyncio.gather(*(bench.resolver(*question) for question in questions)))

    return asyncio.run(body())


@both
def test_the_table(opened: Open) -> None:
    answers = ask(opened, *((name, rdtype) for name, rdtype, *_ in TABLE))
    seen = [(a.status, tuple(sorted(map(rdata_text, a.records))), a.ttl, a.chain) for a in answers]
    assert seen == [(status, records, ttl, chain) for _, _, status, records, ttl, chain in TABLE]


@both
def test_names_are_normal_in_the_answer(opened: Open) -> None:
    (answer,) = ask(opened, ("CLIENT.Example.", "mx"))
    assert (answer.name, answer.rdtype, answer.exchanges()[0].host) == (
        "client.example",
        "MX",
        "mail.client.example",
    )


@both
@pytest.mark.parametrize("start", ["loop1.client.example", "c0.client.example"])
def test_endless_chains_are_servfail_with_the_reason(opened: Open, start: str) -> None:
    (answer,) = ask(opened, (start, "A"))
    assert answer.status is Status.SERVFAIL
    assert "CNAME chain" in answer.detail


@both
def test_the_zone_of_a_name(opened: Open) -> None:
    async def body() -> list[str]:
        async with opened() as bench:
            names = ["client.example", "a.b.client.example", "s1._domainkey.client.example"]
            return [await bench.resolver.zone_cut(name) for name in names]

    assert asyncio.run(body()) == ["client.example"] * 3


@both
def test_no_zone_is_undetermined(opened: Open) -> None:
    async def body() -> None:
        async with opened() as bench:
            await bench.resolver.zone_cut("www.outside.example")

    with pytest.raises(Undetermined, match="the zone of www"):
        asyncio.run(body())


@both
def test_authoritative_answers(opened: Open) -> None:
    async def body() -> list[tuple[Answer, ...]]:
        async with opened() as bench:
            resolver = bench.resolver
            names = ["client.example", "s1._domainkey.client.example", "absent.client.example"]
            found = [await resolver.ask_authoritative("client.example", name, "TXT") for name in names]
            found.append(await resolver.ask_authoritative("outside.example", "outside.example", "TXT"))
            return found

    answers = asyncio.run(body())
    assert [[(a.status, sorted(a.texts())) for a in servers] for servers in answers] == [
        [(Status.ANSWER, ["other", "v=spf1 -all"])],
        [(Status.ANSWER, ["v=DKIM1; p=abc"])],
        [(Status.NXDOMAIN, [])],
        [(Status.REFUSED, [])],
    ]


HOME = (
    Record("home.example", "NS", "ns1.home.example"),
    Record("home.example", "NS", "ns2.home.example"),
    Record("home.example", "NS", "ns3.home.example"),
    Record("ns1.home.example", "A", "127.0.0.1"),
    Record("ns2.home.example", "A", "127.0.0.2"),
    Record("home.example", "TXT", "first"),
)
OTHERS = (Record("home.example", "TXT", "second"),)


@asynccontextmanager
async def real_servers() -> AsyncIterator[Bench]:
    async with (
        DnsServer(HOME, zones=["home.example"]) as server,
        DnsServer(OTHERS, zones=["home.example"], address="127.0.0.2", port=server.port),
        Resolver([server.address], authoritative_port=server.port) as resolver,
    ):
        yield Bench(resolver, server)


@asynccontextmanager
async def memory_servers() -> AsyncIterator[Bench]:
    servers = {"ns2.home.example": MemoryResolver(OTHERS, zones=["home.example"])}
    async with MemoryResolver(HOME, zones=["home.example"], servers=servers) as resolver:
        yield Bench(resolver)


@pytest.mark.parametrize("opened", [real_servers, memory_servers])
def test_each_server_answers_for_itself(opened: Open) -> None:
    async def body() -> tuple[Answer, ...]:
        async with opened() as bench:
            return await bench.resolver.ask_authoritative("home.example", "home.example", "TXT")

    answers = asyncio.run(body())
    assert [(a.status, a.texts(), a.server.partition(":")[0]) for a in answers] == [
        (Status.ANSWER, ("first",), "127.0.0.1"),
        (Status.ANSWER, ("second",), "127.0.0.2"),
        (Status.SERVFAIL, (), "ns3.home.example"),
    ]
    assert "has no address" in answers[2].detail
