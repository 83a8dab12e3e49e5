"""What only the resolver on the network does: share, cache, retry, refuse to be fooled, end in time."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.edges.dns_server import DnsServer, Fault
from mailctl.edges.resolver import Resolver, system_nameservers
from mailctl.edges.resolver.cache import Cache
from mailctl.edges.resolver.transport import endpoint
from mailctl.edges.resolver.wire import MalformedError, question, read
from mailctl.errors import BadInput, Undetermined
from mailctl.standards.dns import Answer, Record, Status, Txt

ZONE = "client.example"
A = Record(f"www.{ZONE}", "A", "192.0.2.1", 300)
RECORDS = (A, Record(ZONE, "TXT", "text", 300), Record(f"long.{ZONE}", "TXT", "x" * 3000))
Reply = Callable[[bytes], Sequence[bytes]]


class Scripted(asyncio.DatagramProtocol):
    """A UDP server that answers with whatever datagrams its script makes of a question."""

    def __init__(self, script: Reply) -> None:
        self.script = script
        self.asked: list[bytes] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked.append(data)
        for reply in self.script(data):
            self.transport.sendto(reply, addr)


@asynccontextmanager
async def scripted(script: Reply) -> AsyncIterator[tuple[str, Scripted]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: Scripted(script), local_addr=("127.0.0.1", 0)
    )
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}", server
    finally:
        transport.close()


def good(data: bytes, address: str = A.value) -> bytes:
    """The right answer to a question for an address."""
    query = dns.message.from_wire(data)
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", address))
    return reply.to_wire()


def edited(data: bytes, **flags: int) -> bytes:
    """The right answer with its header changed: `rcode`, or `flags` added."""
    message = dns.message.from_wire(good(data))
    message.set_rcode(dns.rcode.Rcode(flags.get("rcode", 0)))
    message.flags |= dns.flags.Flag(flags.get("flags", 0))
    return message.to_wire()


def ask_scripted(script: Reply, **options: Any) -> tuple[Answer, Scripted]:
    async def body() -> tuple[Answer, Scripted]:
        async with (
            scripted(script) as (address, server),
            Resolver([address], timeout=options.pop("timeout", 2.0), **options) as resolver,
        ):
            return await resolver(A.name, "A"), server

    return asyncio.run(body())


def test_a_question_in_flight_is_asked_once_and_then_kept() -> None:
    async def body() -> list[int]:
        async with (
            DnsServer(RECORDS, zones=[ZONE]) as server,
            Resolver([server.address]) as resolver,
        ):
            names = [A.name, A.name.upper(), A.name + "."] * 20
            await asyncio.gather(*(resolver(name, "A") for name in names))
            counts = [len(server.asked)]
            for name in (A.name, "absent." + ZONE, "absent." + ZONE):
                await resolver(name, "A")
                counts.append(len(server.asked))
            resolver.flush()
            await resolver(A.name, "A")
            return [*counts, len(server.asked)]

    assert asyncio.run(body()) == [1, 1, 2, 2, 3]


def test_answers_are_kept_for_their_ttl_and_faults_for_seconds() -> None:
    now = [1000.0]

    async def body() -> list[int]:
        counts = []
        async with (
            DnsServer(RECORDS, zones=[ZONE], faults={f"bad.{ZONE}": Fault.SERVFAIL}) as server,
            Resolver([server.address], clock=lambda: now[0]) as resolver,
        ):
            for moment in (1000, 1004, 1006, 1299, 1301):
                now[0] = moment
                server.asked.clear()
                await resolver(A.name, "A")  # TTL 300
                await resolver(f"absent.{ZONE}", "A")  # SOA minimum 60
                await resolver(f"bad.{ZONE}", "A")  # 5 s
                counts.append(len({name for name, _, _ in server.asked}))
        return counts

    assert asyncio.run(body()) == [3, 0, 1, 2, 1]


def test_the_cache_is_bounded() -> None:
    async def body() -> int:
        async with (
            DnsServer([Record("*." + ZONE, "A", "192.0.2.9")], zones=[ZONE]) as server,
            Resolver([server.address], cache_size=10) as resolver,
        ):
            for number in range(30):
                await resolver(f"n{number}.{ZONE}", "A")
            server.asked.clear()
            for number in range(29, -1, -1):
                await resolver(f"n{number}.{ZONE}", "A")
            return len(server.asked)

    assert asyncio.run(body()) == 20


def test_the_cache_is_bounded_in_bytes() -> None:
    cache = Cache(1000, bytes_=20_000)
    for number in range(100):
        name = f"n{number}.example"
        cache.put((name, "TXT"), Answer(name, "TXT", Status.ANSWER, (Txt((b"x" * 250,) * 10),), ttl=60))
    assert 5 <= len(cache) <= 8
    assert cache.get(("n99.example", "TXT")) is not None
    cache.put(
        ("huge.example", "TXT"),
        Answer("huge.example", "TXT", Status.ANSWER, (Txt((b"x" * 60_000,)),), ttl=60),
    )
    assert len(cache) == 0
    cache.put(("n1.example", "A"), Answer("n1.example", "A", Status.NXDOMAIN, ttl=60))
    assert len(cache) == 1


def test_what_is_truncated_is_asked_again_by_tcp() -> None:
    async def body() -> tuple[Answer, list[str]]:
        async with (
            DnsServer(RECORDS, zones=[ZONE]) as server,
            Resolver([server.address]) as resolver,
        ):
            answer = await resolver(f"long.{ZONE}", "TXT")
            return answer, [transport for _, _, transport in server.asked]

    answer, transports = asyncio.run(body())
    assert answer.texts() == ("x" * 3000,)
    assert transports == ["udp", "tcp"]


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.SERVFAIL, Fault.REFUSED, Fault.GARBAGE])
def test_another_server_is_asked_where_one_fails(fault: Fault) -> None:
    async def body() -> tuple[Answer, str]:
        async with (
            DnsServer(RECORDS, zones=[ZONE], faults={A.name: fault}) as broken,
            DnsServer(RECORDS, zones=[ZONE]) as server,
            Resolver([broken.address, server.address], timeout=0.3) as resolver,
        ):
            return await resolver(A.name, "A"), server.address

    answer, address = asyncio.run(body())
    assert (answer.status, answer.server) == (Status.ANSWER, address)


def test_the_most_telling_fault_is_told() -> None:
    async def body() -> Answer:
        async with (
            DnsServer(RECORDS, zones=[ZONE], faults={A.name: Fault.SILENCE}) as silent,
            DnsServer(RECORDS, zones=[ZONE], faults={A.name: Fault.BOGUS}) as bogus,
            DnsServer(RECORDS, zones=[ZONE], faults={A.name: Fault.REFUSED}) as refused,
            Resolver([silent.address, bogus.address, refused.address], timeout=0.3) as resolver,
        ):
            return await resolver(A.name, "A")

    answer = asyncio.run(body())
    assert answer.status is Status.BOGUS
    assert answer.detail == "DNSSEC bogus (6): planned fault"


def test_a_lost_datagram_is_sent_again() -> None:
    lost = [True]

    def script(data: bytes) -> list[bytes]:
        return [] if lost and lost.pop() else [good(data)]

    answer, server = ask_scripted(script, timeout=0.3)
    assert answer.addresses()[0] == answer.records[0]
    assert len(server.asked) == 2


def test_answers_to_what_was_not_asked_are_ignored() -> None:
    def script(data: bytes) -> list[bytes]:
        other_id = bytes([data[0] ^ 1]) + good(data, "203.0.113.1")[1:]
        query = dns.message.from_wire(data)
        other = dns.message.make_query("other.example", "A", id=query.id)
        return [b"", b"\0" * 5, other_id, data, good(other.to_wire(), "203.0.113.2"), good(data)]

    answer, server = ask_scripted(script)
    assert [str(address) for address in answer.addresses()] == [A.value]
    assert len(server.asked) == 1


def test_an_answer_from_another_address_is_ignored() -> None:
    async def body() -> Answer:
        with socket.socket(type=socket.SOCK_DGRAM) as forger:
            forger.bind(("127.0.0.1", 0))
            server: Scripted

            class Watching(Scripted):
                def datagram_received(self, data: bytes, addr: Any) -> None:
                    forger.sendto(good(data, "203.0.113.1"), addr)
                    asyncio.get_running_loop().call_later(0.05, super().datagram_received, data, addr)

            loop = asyncio.get_running_loop()
            transport, server = await loop.create_datagram_endpoint(
                lambda: Watching(lambda data: [good(data)]), local_addr=("127.0.0.1", 0)
            )
            port = transport.get_extra_info("sockname")[1]
            async with Resolver([f"127.0.0.1:{port}"]) as resolver:
                answer = await resolver(A.name, "A")
            transport.close()
            assert len(server.asked) == 1
            return answer

    assert [str(address) for address in asyncio.run(body()).addresses()] == [A.value]


@pytest.mark.parametrize(
    ("script", "status", "detail"),
    [
        (lambda data: [], Status.TIMEOUT, "no answer within 0.1 s"),
        (lambda data: [b"\xff" * 60], Status.TIMEOUT, "answer nothing we asked"),
        (lambda data: [data[:2] + b"\x80" + b"\xff" * 60], Status.SERVFAIL, "malformed"),
        (lambda data: [good(data)[:-3]], Status.SERVFAIL, "malformed"),
        (lambda data: [edited(data, rcode=dns.rcode.YXDOMAIN)], Status.SERVFAIL, "YXDOMAIN"),
    ],
)
def test_bad_servers_are_faults_and_never_absence(script: Reply, status: Status, detail: str) -> None:
    answer, _ = ask_scripted(script, timeout=0.1)
    assert answer.status is status
    assert detail in answer.detail
    assert not answer.known


def test_a_referral_is_no_absence() -> None:
    def script(data: bytes) -> list[bytes]:
        reply = dns.message.make_response(dns.message.from_wire(data))
        reply.authority.append(dns.rrset.from_text("example.", 300, "IN", "NS", "ns.example."))
        return [reply.to_wire()]

    answer, _ = ask_scripted(script)
    assert (answer.status, "referral" in answer.detail) == (Status.SERVFAIL, True)


@pytest.mark.parametrize("trusted", [True, False])
def test_ad_counts_only_from_a_trusted_resolver(trusted: bool) -> None:
    answer, _ = ask_scripted(lambda data: [edited(data, flags=dns.flags.AD)], trust_ad=trusted)
    assert answer.authenticated is trusted


def test_a_server_older_than_edns_is_asked_without() -> None:
    def script(data: bytes) -> list[bytes]:
        if dns.message.from_wire(data).edns < 0:
            return [good(data)]
        return [data[:2] + b"\x80\x01" + bytes(8)]  # FORMERR, without the question

    answer, server = ask_scripted(script)
    assert answer.status is Status.ANSWER
    assert len(server.asked) == 2


def test_servfail_that_passes_is_not_bogus() -> None:
    first = [True]

    def script(data: bytes) -> list[bytes]:
        return [edited(data, rcode=dns.rcode.SERVFAIL)] if first and first.pop() else [good(data)]

    answer, _ = ask_scripted(script)
    assert answer.status is Status.ANSWER


def test_the_deadline_holds() -> None:
    started = time.monotonic()
    answer, _ = ask_scripted(lambda data: [], timeout=5.0, deadline=0.2)
    assert time.monotonic() - started < 2
    assert (answer.status, answer.detail) == (Status.TIMEOUT, "no answer within 0.2 s")


def test_nobody_listens_is_known_at_once() -> None:
    async def body() -> Answer:
        async with Resolver(["127.0.0.1:1"], timeout=5.0) as resolver:
            return await resolver(A.name, "A")

    answer = asyncio.run(body())
    assert (answer.status, "nobody listens" in answer.detail) == (Status.TIMEOUT, True)


def test_one_asker_that_gives_up_does_not_take_the_answer_from_another() -> None:
    async def body() -> Answer:
        async with (
            scripted(lambda data: [good(data)]) as (address, _),
            Resolver([address]) as resolver,
        ):
            first = asyncio.create_task(resolver(A.name, "A"))
            await asyncio.sleep(0)
            second = asyncio.create_task(resolver(A.name, "A"))
            await asyncio.sleep(0)
            first.cancel()
            return await second

    assert asyncio.run(body()).status is Status.ANSWER


def test_a_chain_that_leaves_the_answer_is_followed_by_asking() -> None:
    alias = Record(f"alias.{ZONE}", "CNAME", "www.elsewhere.example")

    def script(data: bytes) -> list[bytes]:
        query = dns.message.from_wire(data)
        if str(query.question[0].name) == "www.elsewhere.example.":
            return [good(data)]
        reply = dns.message.make_response(query)
        reply.answer.append(dns.rrset.from_text(f"{alias.name}.", 60, "IN", "CNAME", f"{alias.value}."))
        return [reply.to_wire()]

    async def body() -> Answer:
        async with scripted(script) as (address, _), Resolver([address]) as resolver:
            return await resolver(alias.name, "A")

    answer = asyncio.run(body())
    assert (answer.name, answer.chain, answer.ttl) == (alias.name, (alias.value,), 60)
    assert [str(address) for address in answer.addresses()] == [A.value]


@pytest.mark.parametrize(
    "name", ["a" * 64 + ".example", "a..example", "x." * 130 + "example", "münchen.example", "\\999.example"]
)
def test_a_name_that_no_message_can_hold_does_not_exist(name: str) -> None:
    async def body() -> Answer:
        async with Resolver(["127.0.0.1:1"]) as resolver:
            return await resolver(name, "A")

    answer = asyncio.run(body())
    assert (answer.status, answer.detail.partition(":")[0]) == (Status.NXDOMAIN, "not a DNS name")


def test_lame_and_homeless_name_servers_are_told_apart() -> None:
    zone = (
        Record(ZONE, "NS", f"ns1.{ZONE}"),
        Record(ZONE, "NS", f"ns2.{ZONE}"),
        Record(ZONE, "NS", f"ns3.{ZONE}"),
        Record(f"ns1.{ZONE}", "A", "127.0.0.1"),
        Record(f"ns2.{ZONE}", "A", "127.0.0.2"),
        *RECORDS,
    )

    async def body() -> tuple[Answer, ...]:
        async with (
            DnsServer(zone, zones=[ZONE]) as server,
            DnsServer([], zones=["other.example"], address="127.0.0.2", port=server.port),
            Resolver([server.address], authoritative_port=server.port) as resolver,
        ):
            return await resolver.ask_authoritative(ZONE, A.name, "A")

    first, lame, homeless = asyncio.run(body())
    assert (first.status, first.server.partition(":")[0]) == (Status.ANSWER, "127.0.0.1")
    assert (lame.status, lame.server.partition(":")[0]) == (Status.REFUSED, "127.0.0.2")
    assert (homeless.known, homeless.server) == (False, f"ns3.{ZONE}")
    assert "has no address" in homeless.detail


def test_an_address_that_this_host_has_no_route_to_is_no_fault_of_the_server() -> None:
    zone = (
        Record(ZONE, "NS", f"ns1.{ZONE}"),
        Record(f"ns1.{ZONE}", "A", "127.0.0.1"),
        Record(f"ns1.{ZONE}", "AAAA", "fe80::1"),
        A,
    )

    async def body(*records: Record) -> tuple[Answer, ...]:
        async with (
            DnsServer(records, zones=[ZONE]) as server,
            Resolver([server.address], authoritative_port=server.port) as resolver,
        ):
            return await resolver.ask_authoritative(ZONE, A.name, "A")

    assert [answer.status for answer in asyncio.run(body(*zone))] == [Status.ANSWER]
    (alone,) = asyncio.run(body(zone[0], *zone[2:]))
    assert (alone.status, alone.detail.partition(":")[0]) == (Status.TIMEOUT, "no route")


def test_a_datagram_lost_on_the_way_to_a_server_is_sent_again() -> None:
    zone = (Record(ZONE, "NS", f"ns1.{ZONE}"), Record(f"ns1.{ZONE}", "A", "127.0.0.2"))
    lost = [True]

    def script(data: bytes) -> list[bytes]:
        return [] if lost and lost.pop() else [edited(data, flags=dns.flags.AA)]

    async def body() -> tuple[Answer, ...]:
        async with DnsServer(zone, zones=[ZONE]) as server:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                lambda: Scripted(script), local_addr=("127.0.0.2", server.port)
            )
            async with Resolver([server.address], authoritative_port=server.port, timeout=0.3) as resolver:
                answers = await resolver.ask_authoritative(ZONE, A.name, "A")
            transport.close()
            return answers

    assert [answer.status for answer in asyncio.run(body())] == [Status.ANSWER]


def test_a_server_that_stays_silent_is_left_alone_for_seconds() -> None:
    now = [1000.0]
    zone = (Record(ZONE, "NS", f"ns1.{ZONE}"), Record(f"ns1.{ZONE}", "A", "127.0.0.2"))

    async def body() -> list[int]:
        counts = []
        async with DnsServer(zone, zones=[ZONE]) as server:
            loop = asyncio.get_running_loop()
            transport, silent = await loop.create_datagram_endpoint(
                lambda: Scripted(lambda data: []), local_addr=("127.0.0.2", server.port)
            )
            async with Resolver(
                [server.address], authoritative_port=server.port, timeout=0.1, clock=lambda: now[0]
            ) as resolver:
                for moment in (1000, 1001, 1006):
                    now[0] = moment
                    (answer,) = await resolver.ask_authoritative(ZONE, A.name, "A")
                    assert answer.status is Status.TIMEOUT
                    counts.append(len(silent.asked))
            transport.close()
        return counts

    assert asyncio.run(body()) == [2, 2, 4]


def test_a_zone_of_a_thousand_servers_is_no_weapon() -> None:
    zone = [Record(ZONE, "NS", f"ns{n}.{ZONE}") for n in range(200)]
    zone += [Record(f"ns{n}.{ZONE}", "A", f"127.0.1.{m}") for n in range(200) for m in range(1, 13)]

    async def body() -> tuple[Answer, ...]:
        async with (
            DnsServer(zone, zones=[ZONE]) as server,
            Resolver([server.address], authoritative_port=1) as resolver,
        ):
            return await resolver.ask_authoritative(ZONE, A.name, "A")

    assert len(asyncio.run(body())) == 20 * 8


def test_many_questions_at_once_take_new_ports() -> None:
    """More than one socket's worth: every question is answered, and the source ports change."""
    ports: set[int] = set()

    class Noting(Scripted):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            ports.add(addr[1])
            super().datagram_received(data, addr)

    async def body() -> int:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: Noting(lambda data: [good(data)]), local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        async with Resolver([f"127.0.0.1:{port}"]) as resolver:
            answers = await asyncio.gather(*(resolver(f"n{n}.{ZONE}", "A") for n in range(2100)))
        transport.close()
        return sum(answer.status is Status.ANSWER for answer in answers)

    assert asyncio.run(body()) == 2100
    assert len(ports) == 2


def test_a_type_that_does_not_exist_is_the_callers_mistake() -> None:
    async def body() -> None:
        async with Resolver(["127.0.0.1:1"]) as resolver:
            await resolver(A.name, "NONSENSE")

    with pytest.raises(ValueError, match="NONSENSE"):
        asyncio.run(body())


def test_no_authority_is_lame() -> None:
    zone = (Record(ZONE, "NS", f"ns1.{ZONE}"), Record(f"ns1.{ZONE}", "A", "127.0.0.2"))

    async def body() -> tuple[Answer, ...]:
        async with DnsServer(zone, zones=[ZONE]) as server:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(
                lambda: Scripted(lambda data: [good(data)]), local_addr=("127.0.0.2", server.port)
            )
            async with Resolver([server.address], authoritative_port=server.port) as resolver:
                answers = await resolver.ask_authoritative(ZONE, A.name, "A")
            transport.close()
            return answers

    (answer,) = asyncio.run(body())
    assert (answer.known, answer.records, answer.detail.partition(":")[0]) == (False, (), "lame")


def test_no_name_server_at_all_is_undetermined() -> None:
    with pytest.raises(Undetermined) as caught:
        Resolver([])
    assert "resolv.conf" in caught.value.hint


@pytest.mark.parametrize(
    "server", ["ns.example", "192.0.2.1:0", "192.0.2.1:x", "[2001:db8::1", "[::1]53", "", "192.0.2.256"]
)
def test_a_name_server_that_is_no_address(server: str) -> None:
    with pytest.raises(BadInput):
        Resolver([server])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("fe80::1%eth0", ("fe80::1%eth0", 53)),
    ],
)
def test_addresses_of_name_servers(text: str, expected: tuple[str, int]) -> None:
    assert endpoint(text) == expected


def test_the_systems_name_servers(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(
        "# c\nnameserver 192.0.2.1\nsearch x\nnameserver nonsense\nnameserver ::1\nnameserver 192.0.2.1\n"
    )
    assert system_nameservers(conf) == ("192.0.2.1", "::1")
    assert system_nameservers(tmp_path / "absent") == ()


def test_the_import_is_light() -> None:
    program = "import sys, mailctl.edges.resolver; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {
        "dns",
        "sqlmodel",
        "sqlalchemy",
        "alembic",
        "pydantic",
        "typer",
        "rich",
        "httpx",
        "requests",
        "dkim",
    }
    assert not heavy & set(eval(done.stdout))


ASKED = question(A.name, "A")


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(st.binary(max_size=200), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=6))
def test_no_bytes_break_the_reader(noise: bytes, changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(good(ASKED.to_wire(1)))
    for position, value in changes:
        mutated[position % len(mutated)] = value
    for data in (noise, ASKED.to_wire(1)[:2] + b"\x80" + noise, bytes(mutated), bytes(mutated) + noise):
        try:
            answer = read(data, ASKED, "test").answer
        except MalformedError:
            continue
        assert answer.name == A.name
