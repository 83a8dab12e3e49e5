"""The contract of publishers: the twin in memory and RFC 2136 against the embedded server, one table."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from mailctl.edges.dns_server import DnsServer
from mailctl.edges.publisher import MemoryPublisher, Publisher, PublishError
from mailctl.edges.rfc2136 import Rfc2136Publisher
from mailctl.errors import ZoneChanged
from mailctl.standards.dns import Record, RRsetChange

ZONE = "client.example"
SPF = Record(ZONE, "TXT", "v=spf1 -all", 300)
OTHER = Record(ZONE, "TXT", "other", 300)
MX = Record(ZONE, "MX", f"10 mail.{ZONE}", 300)
NEW = Record(ZONE, "TXT", "v=spf1 mx -all", 300)
KEY = Record(f"s1._domainkey.{ZONE}", "TXT", "v=DKIM1; p=" + "A" * 300, 60)
ALL = [(ZONE, "TXT"), (ZONE, "MX"), (KEY.name, "TXT")]
TSIG = ("update.test", "c2VjcmV0LXNlY3JldC1zZWNyZXQ=")


@asynccontextmanager
async def memory() -> AsyncIterator[Publisher]:
    yield MemoryPublisher({ZONE: [SPF, OTHER, MX]})


@asynccontextmanager
async def rfc2136() -> AsyncIterator[Publisher]:
    async with DnsServer([SPF, OTHER, MX], zones=[ZONE], update_key=TSIG) as server:
        yield Rfc2136Publisher(server.address, *TSIG)


Open = Callable[[], AbstractAsyncContextManager[Publisher]]
both = pytest.mark.parametrize("opened", [memory, rfc2136])


@both
def test_lists_only_what_was_asked(opened: Open) -> None:
    async def body() -> tuple[Record, ...]:
        async with opened() as publisher:
            return await publisher.list(ZONE, [(ZONE, "TXT"), (KEY.name, "TXT")])

    assert asyncio.run(body()) == (OTHER, SPF)


@both
@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ([RRsetChange(ZONE, "TXT", (SPF, OTHER), (NEW, OTHER))], [NEW, OTHER, MX]),
        ([RRsetChange(KEY.name, "TXT", (), (KEY,))], [SPF, OTHER, MX, KEY]),
        ([RRsetChange(ZONE, "MX", (MX,), ())], [SPF, OTHER]),
        (
            [RRsetChange(ZONE, "MX", (MX,), ()), RRsetChange(ZONE, "TXT", (OTHER, SPF), (SPF,))],
            [SPF],
        ),
        ([], [SPF, OTHER, MX]),
    ],
)
def test_whole_rrsets_become_what_was_planned(
    opened: Open, changes: list[RRsetChange], left: list[Record]
) -> None:
    async def body() -> tuple[Record, ...]:
        async with opened() as publisher:
            await publisher.apply(ZONE, changes)
            return await publisher.list(ZONE, ALL)

    assert asyncio.run(body()) == tuple(sorted(left))


@both
@pytest.mark.parametrize("before", [(), (SPF,), (SPF, OTHER, NEW)])
def test_a_changed_zone_is_refused_whole_and_named(opened: Open, before: tuple[Record, ...]) -> None:
    async def body() -> tuple[Record, ...]:
        async with opened() as publisher:
            changes = [RRsetChange(ZONE, "MX", (MX,), ()), RRsetChange(ZONE, "TXT", before, (NEW,))]
            with pytest.raises(ZoneChanged) as caught:
                await publisher.apply(ZONE, changes)
            assert len(caught.value.details) == 1
            assert caught.value.details[0].startswith(f"{ZONE} TXT: planned from")
            assert caught.value.exit_code == 4
            return await publisher.list(ZONE, ALL)

    assert asyncio.run(body()) == tuple(sorted([SPF, OTHER, MX]))


@both
def test_a_zone_that_is_not_held(opened: Open) -> None:
    async def body() -> None:
        async with opened() as publisher:
            await publisher.list("foreign.example", [("foreign.example", "TXT")])

    with pytest.raises(PublishError) as caught:
        asyncio.run(body())
    assert (caught.value.temporary, caught.value.exit_code, bool(caught.value.hint)) == (False, 4, True)


def test_the_twin_raises_a_planned_fault_once() -> None:
    publisher = MemoryPublisher({ZONE: [SPF]})
    publisher.fault = PublishError("the provider is down", temporary=True)

    async def body() -> tuple[Record, ...]:
        with pytest.raises(PublishError) as caught:
            await publisher.apply(ZONE, [RRsetChange(ZONE, "TXT", (SPF,), ())])
        assert caught.value.exit_code == 3
        return await publisher.list(ZONE, ALL)

    assert asyncio.run(body()) == (SPF,)
    assert publisher.applied == []
