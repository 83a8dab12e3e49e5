"""Dynamic updates against a real Knot DNS, and against servers that misbehave."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mailctl.edges.dns_server import DnsServer
from mailctl.edges.publisher import PublishError
from mailctl.edges.resolver import Resolver
from mailctl.edges.rfc2136 import Rfc2136Publisher
from mailctl.errors import BadInput, MailctlError, ZoneChanged
from mailctl.standards.dns import Record, RRsetChange
from tests.edges.knot import Knot

ZONE = "client.example"
OTHER = Record(ZONE, "TXT", "other-verification", 3600)
SPF = Record(ZONE, "TXT", "v=spf1 -all", 3600)
NEW_SPF = Record(ZONE, "TXT", "v=spf1 ip4:192.0.2.1 -all", 3600)
LONG_KEY = Record(f"s1._domainkey.{ZONE}", "TXT", "v=DKIM1; p=" + "A" * 400, 600)
MX = Record(ZONE, "MX", f"10 mail.{ZONE}", 3600)
ODD = Record(f"odd.{ZONE}", "TXT", 'quote " back\\slash; semi é', 60)


def publisher(knot: Knot, **changed: str) -> Rfc2136Publisher:
    key = {"tsig_name": knot.tsig_name, "tsig_secret": knot.tsig_secret, **changed}
    return Rfc2136Publisher(knot.address, timeout=5, **key)


@pytest.mark.server
def test_create_change_and_delete_as_planned(knot: Knot) -> None:
    dns = publisher(knot)
    questions = [(ZONE, "TXT"), (ZONE, "MX"), (LONG_KEY.name, "TXT"), (ODD.name, "TXT")]

    async def body() -> list[tuple[Record, ...]]:
        seen = [await dns.list(ZONE, questions)]
        await dns.apply(
            ZONE,
            [
                RRsetChange(ZONE, "TXT", (OTHER, SPF), (OTHER, NEW_SPF)),
                RRsetChange(ZONE, "MX", (), (MX,)),
                RRsetChange(LONG_KEY.name, "TXT", (), (LONG_KEY,)),
                RRsetChange(ODD.name, "TXT", (), (ODD,)),
            ],
        )
        seen.append(await dns.list(ZONE, questions))
        await dns.apply(ZONE, [RRsetChange(LONG_KEY.name, "TXT", (LONG_KEY,), ())])
        seen.append(await dns.list(ZONE, questions))
        return seen

    before, between, after = asyncio.run(body())
    assert {r.value for r in before} == {OTHER.value, SPF.value}
    assert between == tuple(sorted([OTHER, NEW_SPF, MX, LONG_KEY, ODD]))
    assert after == tuple(sorted([OTHER, NEW_SPF, MX, ODD]))


@pytest.mark.server
def test_the_resolver_sees_what_was_published(knot: Knot) -> None:
    async def body() -> list[object]:
        await publisher(knot).apply(ZONE, [RRsetChange(LONG_KEY.name, "TXT", (), (LONG_KEY,))])
        async with Resolver([knot.address], authoritative_port=knot.port) as resolver:
            everywhere = await resolver.ask_authoritative(ZONE, LONG_KEY.name, "TXT")
            alias = await resolver("www.client.example", "A")
            return [[a.texts() for a in everywhere], await resolver.zone_cut(LONG_KEY.name), alias.chain]

    assert asyncio.run(body()) == [[(LONG_KEY.value,)], ZONE, ("web.house.example",)]


@pytest.mark.server
@pytest.mark.parametrize(
    "change",
    [
        RRsetChange(ZONE, "TXT", (SPF,), (NEW_SPF,)),
        RRsetChange(ZONE, "TXT", (), (NEW_SPF,)),
        RRsetChange(ZONE, "MX", (MX,), ()),
    ],
)
def test_a_zone_that_changed_since_the_plan_is_refused_as_a_whole(knot: Knot, change: RRsetChange) -> None:
    dns = publisher(knot)

    async def body() -> tuple[Record, ...]:
        good = RRsetChange(LONG_KEY.name, "TXT", (), (LONG_KEY,))
        with pytest.raises(ZoneChanged) as caught:
            await dns.apply(ZONE, [good, change])
        assert any(f"{change.name} {change.rdtype}" in line for line in caught.value.details)
        return await dns.list(ZONE, [(LONG_KEY.name, "TXT")])

    assert asyncio.run(body()) == ()


def failure(action: Callable[[], Awaitable[object]]) -> PublishError:
    async def body() -> None:
        await action()

    with pytest.raises(PublishError) as caught:
        asyncio.run(body())
    assert caught.value.hint
    return caught.value


@pytest.mark.server
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"tsig_name": "unknown.test"}, "does not know the TSIG key"),
        ({"tsig_secret": "d3Jvbmc="}, "finds the TSIG signature wrong"),
        ({"tsig_name": "other.test"}, "lets it do nothing"),
    ],
)
def test_a_key_that_may_not_is_a_sentence(knot: Knot, changed: dict[str, str], sentence: str) -> None:
    dns = publisher(knot, **changed)
    error = failure(lambda: dns.apply(ZONE, [RRsetChange(ZONE, "MX", (), (MX,))]))
    assert sentence in error.message
    assert not error.temporary
    assert knot.tsig_secret not in f"{error.message} {error.details} {dns.__dict__}"


@pytest.mark.server
def test_a_zone_that_the_server_does_not_hold(knot: Knot) -> None:
    error = failure(lambda: publisher(knot).list("foreign.example", [("foreign.example", "TXT")]))
    assert "foreign.example" in error.message


def test_nobody_listens() -> None:
    error = failure(lambda: Rfc2136Publisher("127.0.0.1:1", "k.test", "c2VjcmV0").list(ZONE, [(ZONE, "TXT")]))
    assert error.temporary
    assert "cannot be reached" in error.message


def test_an_unsigned_answer_is_not_believed() -> None:
    async def body() -> None:
        async with DnsServer([SPF], zones=[ZONE]) as server:
            await Rfc2136Publisher(server.address, "k.test", "c2VjcmV0").list(ZONE, [(ZONE, "TXT")])

    error = failure(body)
    assert "cannot be trusted" in error.message


@pytest.mark.parametrize(
    "arguments",
    [
        ("", "k.test", "c2VjcmV0", "hmac-sha256"),
        ("192.0.2.1:0", "k.test", "c2VjcmV0", "hmac-sha256"),
        ("192.0.2.1", "k..test", "c2VjcmV0", "hmac-sha256"),
        ("192.0.2.1", "k.test", "not base64!", "hmac-sha256"),
        ("192.0.2.1", "k.test", "c2VjcmV0", "hmac-sha257"),
    ],
)
def test_settings_that_cannot_be_used_are_said_so(arguments: tuple[str, str, str, str]) -> None:
    server, name, secret, algorithm = arguments
    with pytest.raises(BadInput) as caught:
        Rfc2136Publisher(server, name, secret, algorithm=algorithm)
    assert "not base64!" not in str(caught.value)
    assert isinstance(caught.value, MailctlError)
