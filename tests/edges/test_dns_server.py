"""The embedded DNS server, asked by dnspython's own client, which knows nothing of ours."""

import asyncio
from collections.abc import Callable
from typing import Any

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import pytest

from mailctl.edges.dns_server import DnsServer, Fault
from mailctl.edges.rfc2136 import Rfc2136Publisher
from mailctl.errors import PublishError, ZoneChanged
from mailctl.standards.dns import Record, RRsetChange

ZONE = "client.example"
RECORDS = (
    Record(ZONE, "TXT", "v=spf1 -all", 300),
    Record(ZONE, "TXT", 'odd "quoted" \\ text é', 300),
    Record(ZONE, "MX", f"10 mail.{ZONE}"),
    Record(f"mail.{ZONE}", "A", "192.0.2.1"),
    Record(f"a.deep.{ZONE}", "A", "192.0.2.2"),
    Record(f"*.wild.{ZONE}", "A", "192.0.2.3"),
    Record(f"alias.{ZONE}", "CNAME", "target.house.example"),
    Record("target.house.example", "A", "192.0.2.4"),
    Record(f"away.{ZONE}", "CNAME", "target.elsewhere.example"),
    Record(f"long.{ZONE}", "TXT", "y" * 2000),
)
KEY = ("update.test", "c2VjcmV0LXNlY3JldC1zZWNyZXQ=")


def ask(*questions: tuple[str, str], tcp: bool = False, **options: Any) -> list[dns.message.Message]:
    async def body() -> list[dns.message.Message]:
        async with DnsServer(RECORDS, zones=[ZONE, "house.example"]) as server:
            call = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
            queries = [dns.message.make_query(name, rdtype, **options) for name, rdtype in questions]
            return [await call(query, "127.0.0.1", port=server.port, timeout=5) for query in queries]

    return asyncio.run(body())


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "answer", "soa"),
    [
        (ZONE, "MX", "NOERROR", [f"{ZONE}. 3600 IN MX 10 mail.{ZONE}."], False),
        (ZONE, "AAAA", "NOERROR", [], True),
        (f"absent.{ZONE}", "A", "NXDOMAIN", [], True),
        (f"deep.{ZONE}", "A", "NOERROR", [], True),
        (f"x.y.wild.{ZONE}", "A", "NOERROR", [f"x.y.wild.{ZONE}. 3600 IN A 192.0.2.3"], False),
        (f"x.wild.{ZONE}", "MX", "NOERROR", [], True),
        (
            f"alias.{ZONE}",
            "A",
            "NOERROR",
            [
                f"alias.{ZONE}. 3600 IN CNAME target.house.example.",
                "target.house.example. 3600 IN A 192.0.2.4",
            ],
            False,
        ),
        (f"away.{ZONE}", "A", "NOERROR", [f"away.{ZONE}. 3600 IN CNAME target.elsewhere.example."], False),
        (ZONE, "NS", "NOERROR", [f"{ZONE}. 3600 IN NS mailctl-ns.{ZONE}."], False),
        (f"mailctl-ns.{ZONE}", "A", "NOERROR", [f"mailctl-ns.{ZONE}. 3600 IN A 127.0.0.1"], False),
        ("outside.example", "A", "REFUSED", [], False),
        (ZONE, "ANY", "NOTIMP", [], False),
    ],
)
def test_answers(name: str, rdtype: str, rcode: str, answer: list[str], soa: bool, tcp: bool) -> None:
    (message,) = ask((name, rdtype), tcp=tcp)
    assert dns.rcode.to_text(message.rcode()) == rcode
    assert [line for rrset in message.answer for line in rrset.to_text().splitlines()] == answer
    assert [rrset.rdtype for rrset in message.authority] == [dns.rdatatype.SOA] * soa
    assert bool(message.flags & dns.flags.AA) is (rcode in ("NOERROR", "NXDOMAIN", "NOTIMP"))


def test_every_text_arrives_whole() -> None:
    (message,) = ask((ZONE, "TXT"))
    texts = {b"".join(rdata.strings).decode("latin-1") for rdata in message.answer[0]}
    assert texts == {record.value for record in RECORDS if (record.name, record.rdtype) == (ZONE, "TXT")}


@pytest.mark.parametrize(("options", "limit"), [({}, 512), ({"use_edns": 0, "payload": 4096}, 1232)])
def test_what_does_not_fit_is_truncated(options: dict[str, Any], limit: int) -> None:
    (message,) = ask((f"long.{ZONE}", "TXT"), **options)
    assert message.flags & dns.flags.TC
    assert len(message.to_wire()) <= limit
    (whole,) = ask((f"long.{ZONE}", "TXT"), tcp=True, **options)
    assert not whole.flags & dns.flags.TC
    assert len(b"".join(whole.answer[0][0].strings)) == 2000


def test_records_are_replaced_while_it_runs() -> None:
    async def body() -> list[str]:
        async with DnsServer(RECORDS, zones=[ZONE]) as server:
            query = dns.message.make_query(f"mail.{ZONE}", "A")
            seen = []
            for address in ("192.0.2.1", "192.0.2.99"):
                server.records = (Record(f"mail.{ZONE}", "A", address),)
                message = await dns.asyncquery.udp(query, "127.0.0.1", port=server.port, timeout=5)
                seen.append(message.answer[0][0].to_text())
            return seen

    assert asyncio.run(body()) == ["192.0.2.1", "192.0.2.99"]


def test_the_root_answers_for_the_whole_dns() -> None:
    async def body() -> list[dns.rcode.Rcode]:
        async with DnsServer(RECORDS, zones=[""]) as server:
            queries = [dns.message.make_query(name, "A") for name in (f"mail.{ZONE}", "_dmarc.com", ".")]
            messages = [
                await dns.asyncquery.udp(q, "127.0.0.1", port=server.port, timeout=5) for q in queries
            ]
            return [message.rcode() for message in messages]

    assert asyncio.run(body()) == [dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.NOERROR]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"\x01\x02\x03", None),
        (b"\x01\x02\x01\x00" + b"\xff" * 20, b"\x01\x02\x81\x01" + bytes(8)),
        (b"\x01\x02\x81\x00" + b"\xff" * 20, None),
        (dns.message.make_response(dns.message.make_query(ZONE, "A", id=7)).to_wire(), None),
    ],
)
def test_bad_questions(data: bytes, expected: bytes | None) -> None:
    assert DnsServer(RECORDS, zones=[ZONE]).respond(data, "udp") == expected


def test_faults_may_be_for_one_type() -> None:
    server = DnsServer(RECORDS, zones=[ZONE], faults={(ZONE, "TXT"): Fault.REFUSED})
    rcodes = [
        dns.message.from_wire(server.respond(dns.message.make_query(ZONE, t).to_wire(), "udp") or b"").rcode()
        for t in ("TXT", "MX")
    ]
    assert rcodes == [dns.rcode.REFUSED, dns.rcode.NOERROR]


SPF, NEW_SPF = RECORDS[0], Record(ZONE, "TXT", "v=spf1 +mx -all", 300)


def test_a_fault_is_met_behind_an_alias_too() -> None:
    server = DnsServer(RECORDS, zones=[ZONE, "house.example"], faults={"target.house.example": Fault.REFUSED})
    reply = server.respond(dns.message.make_query(f"alias.{ZONE}", "A").to_wire(), "udp")
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.REFUSED


def update(key: tuple[str, str], *changes: RRsetChange, zone: str = ZONE) -> set[Record]:
    """The server's records after an update through the real publisher."""

    async def body() -> set[Record]:
        async with DnsServer([SPF, RECORDS[2]], zones=[ZONE], update_key=KEY) as server:
            await Rfc2136Publisher(server.address, *key).apply(zone, changes)
            return set(server.records)

    return asyncio.run(body())


def test_signed_updates_change_whole_rrsets() -> None:
    new_host = Record(f"new.{ZONE}", "A", "192.0.2.7", 60)
    left = update(
        KEY,
        RRsetChange(ZONE, "TXT", (SPF,), (NEW_SPF,)),
        RRsetChange(ZONE, "MX", (RECORDS[2],), ()),
        RRsetChange(new_host.name, "A", (), (new_host,)),
    )
    assert left == {NEW_SPF, new_host}


@pytest.mark.parametrize(
    ("action", "error"),
    [
        (lambda: update(KEY, RRsetChange(ZONE, "TXT", (NEW_SPF,), ())), ZoneChanged),
        (lambda: update(KEY, RRsetChange(ZONE, "A", (), ()), zone="foreign.example"), PublishError),
        (lambda: update(("other.test", KEY[1]), RRsetChange(ZONE, "TXT", (SPF,), ())), PublishError),
        (lambda: update((KEY[0], "d3Jvbmc="), RRsetChange(ZONE, "TXT", (SPF,), ())), PublishError),
    ],
)
def test_updates_that_may_not_be(action: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        action()


def test_without_a_key_updates_are_refused() -> None:
    server = DnsServer([SPF], zones=[ZONE])
    message = dns.update.UpdateMessage(ZONE)
    message.delete("@", "TXT")
    reply = dns.message.from_wire(server.respond(message.to_wire(), "tcp") or b"")
    assert (reply.rcode(), server.records) == (dns.rcode.REFUSED, (SPF,))


@pytest.mark.parametrize(
    ("prerequisite", "rcode"),
    [
        (lambda m: m.present("@"), "NOERROR"),
        (lambda m: m.present("gone"), "NXDOMAIN"),
        (lambda m: m.present("@", "TXT"), "NOERROR"),
        (lambda m: m.present("@", "A"), "NXRRSET"),
        (lambda m: m.present("@", "TXT", '"v=spf1 " "-all"'), "NOERROR"),
        (lambda m: m.present("@", "TXT", '"v=spf1 +all"'), "NXRRSET"),
        (lambda m: m.absent("gone"), "NOERROR"),
        (lambda m: m.absent("@"), "YXDOMAIN"),
        (lambda m: m.absent("@", "A"), "NOERROR"),
        (lambda m: m.absent("@", "TXT"), "YXRRSET"),
    ],
)
def test_prerequisites_decide(prerequisite: Callable[[dns.update.UpdateMessage], None], rcode: str) -> None:
    server = DnsServer([SPF], zones=[ZONE], update_key=KEY)
    message = dns.update.UpdateMessage(ZONE, keyring=dns.tsigkeyring.from_text(dict([KEY])))
    prerequisite(message)
    message.add("new", 60, "A", "192.0.2.7")
    reply = dns.message.from_wire(server.respond(message.to_wire(), "tcp") or b"", keyring=False)
    assert dns.rcode.to_text(reply.rcode()) == rcode
    assert reply.had_tsig
    assert (len(server.records) == 2) is (rcode == "NOERROR")


class Racing(DnsServer):
    """A server whose zone somebody else changes just before an update arrives."""

    def respond(self, data: bytes, transport: str) -> bytes | None:
        if data[2] & 0x78 == 0x28:  # opcode UPDATE
            self.records = (NEW_SPF,)
        return super().respond(data, transport)


def test_a_race_is_lost_by_the_prerequisite() -> None:
    async def body() -> tuple[Record, ...]:
        async with Racing([SPF], zones=[ZONE], update_key=KEY) as server:
            publisher = Rfc2136Publisher(server.address, *KEY)
            with pytest.raises(ZoneChanged) as caught:
                await publisher.apply(ZONE, [RRsetChange(ZONE, "TXT", (SPF,), ())])
            assert f'now "{NEW_SPF.value}"' in caught.value.details[0]
            return server.records

    assert asyncio.run(body()) == (NEW_SPF,)
