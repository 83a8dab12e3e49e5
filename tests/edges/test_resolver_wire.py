"""The hand-written reader of DNS messages beside dnspython's: the same said of the same bytes."""

import struct
from random import Random

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailctl.edges.resolver.rdata import TYPES, type_code
from mailctl.edges.resolver.wire import MalformedError, question, read
from mailctl.edges.resolver.wire_names import from_wire, to_wire
from mailctl.standards.dns import Raw, Status, Txt
from tests.edges.wire_oracle import OracleError, oracle, text

LABELS = [b"a", b"Mail", b"_dmarc", b"*", b"x" * 63, b"\x00\xff", b'".;\\@$() ', b"shop", b"example", b"10"]
KINDS = [*TYPES, "SRV", "NAPTR", "HTTPS"]


def name_of(random: Random) -> dns.name.Name:
    return dns.name.Name([*(random.choice(LABELS) for _ in range(random.randrange(4))), b""])


def data_of(random: Random, kind: str) -> dns.rdata.Rdata:
    """Random data of a type, through its wire form."""
    name = name_of(random).to_wire()
    assert name is not None
    octets = random.randbytes(random.randrange(40))
    strings = [random.randbytes(random.choice([0, 3, 255])) for _ in range(random.randrange(1, 4))]
    wire = {
        "A": random.randbytes(4),
        "AAAA": random.randbytes(16),
        "MX": random.randbytes(2) + name,
        "TXT": b"".join(bytes([len(string)]) + string for string in strings),
        "SOA": name + name + random.randbytes(20),
        "DS": random.randbytes(2) + b"\x0d\x02" + random.randbytes(32),
        "DNSKEY": b"\x01\x01\x03\x0d" + random.randbytes(random.choice([32, 64, 260])),
        "TLSA": random.choice([b"\x03\x01\x01" + random.randbytes(32), b"\x02\x00\x00x" + octets]),
        "CAA": b"\x80\x05issue" + octets,
        "SRV": random.randbytes(6) + name,
        "NAPTR": random.randbytes(4) + b"\x01u\x03E2U\x04!x!y" + name,
        "HTTPS": b"\x00\x00" + name,
    }.get(kind, name)
    return dns.rdata.from_wire("IN", kind, wire, 0, len(wire))


def rrset_of(random: Random, name: dns.name.Name, kind: str) -> dns.rrset.RRset:
    count = 1 if kind in ("CNAME", "SOA") else random.randrange(1, 4)
    return dns.rrset.from_rdata_list(
        name, random.randrange(100_000), [data_of(random, kind) for _ in range(count)]
    )


def add(section: list[dns.rrset.RRset], rrset: dns.rrset.RRset) -> None:
    if all((r.name, r.rdtype) != (rrset.name, rrset.rdtype) for r in section):
        section.append(rrset)


def message_of(random: Random) -> tuple[bytes, str, str]:
    """A random answer to a random question, as a server could give it."""
    name, kind = name_of(random), random.choice(KINDS)
    query = dns.message.make_query(name, kind, use_edns=random.random() < 0.8)
    reply = dns.message.make_response(query)
    reply.set_rcode(random.choice([0, 0, 0, 0, 3, 2, 5, 1, 16] if query.edns >= 0 else [0, 0, 3, 2, 5]))  # type: ignore[arg-type]
    reply.flags |= random.choice([0, dns.flags.AA, dns.flags.AD, dns.flags.AA | dns.flags.AD])
    owner = name
    for _ in range(random.choice([0, 0, 1, 3, 17])):
        alias = rrset_of(random, owner, "CNAME")
        add(reply.answer, alias)
        owner = alias[0].target
    if random.random() < 0.7:
        add(reply.answer, rrset_of(random, owner, kind))
    for section in (reply.answer, reply.authority, reply.additional):
        for _ in range(random.choice([0, 0, 1, 2])):
            add(section, rrset_of(random, name_of(random), random.choice(KINDS)))
    if random.random() < 0.5:
        add(reply.authority, rrset_of(random, name_of(random), random.choice(["SOA", "NS"])))
    if query.edns >= 0 and random.random() < 0.3:
        codes = random.sample(range(40), 2)
        errors = [dns.edns.EDEOption(code, random.choice([None, "why ü"])) for code in codes]  # type: ignore[arg-type]
        reply.use_edns(
            0, options=[dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"cookie"), *errors]
        )
    return reply.to_wire(max_size=65535), text(name), kind


def both(data: bytes, name: str, kind: str) -> None:
    """Whatever dnspython can read is read, and is the same."""
    try:
        expected, chase, authoritative = oracle(data, name, kind)
    except OracleError:
        try:
            read(data, question(name, kind), "test")
        except MalformedError:
            return
        return  # dnspython refuses some record that nobody asked for
    reading = read(data, question(name, kind), "test")
    assert (reading.chase, reading.authoritative) == (chase, authoritative)
    ours = reading.answer
    assert (ours.name, ours.rdtype, ours.status) == (expected.name, expected.rdtype, expected.status)
    assert (ours.ttl, ours.chain, ours.authenticated) == (
        expected.ttl,
        expected.chain,
        expected.authenticated,
    )
    # Of two CNAME or SOA records at one name dnspython keeps the last; both are evidence.
    records = ours.records[-1:] if kind in ("CNAME", "SOA") else ours.records
    assert sorted(map(repr, records)) == sorted(map(repr, expected.records))
    if not expected.detail.startswith("rcode"):
        assert ours.detail == expected.detail


@settings(deadline=None, max_examples=400, derandomize=True, database=None)
@given(st.integers(0, 1 << 32))
def test_honest_messages(seed: int) -> None:
    random = Random(seed)
    data, name, kind = message_of(random)
    oracle(data, name, kind)  # what is generated can be read
    both(data, name, kind)


@settings(deadline=None, max_examples=600, derandomize=True, database=None)
@given(st.integers(0, 1 << 32))
def test_mutilated_messages(seed: int) -> None:
    random = Random(seed)
    data, name, kind = message_of(random)
    mutilated = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        mutilated[random.randrange(2, len(mutilated))] = random.choice(
            [0, 1, 12, 0xC0, 0xFF, random.randrange(256)]
        )
    both(bytes(mutilated[: random.choice([len(data), random.randrange(len(data))])]), name, kind)


@given(st.binary(max_size=300))
def test_noise(noise: bytes) -> None:
    asked = question("shop.example", "MX")
    for data in (noise, asked.to_wire(1)[:2] + b"\x81\x80" + asked.to_wire(1)[4:] + noise):
        both(data, "shop.example", "MX")


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(0, 1 << 32))
def test_questions_are_what_dnspython_reads(seed: int) -> None:
    random = Random(seed)
    name, kind = name_of(random), random.choice(KINDS)
    asked = question(text(name), kind, recursive=random.random() < 0.5)
    message = dns.message.from_wire(asked.to_wire(4711))
    assert (message.id, message.edns, message.payload) == (4711, 0, 1232)
    (sent,) = message.question
    assert (sent.name, sent.rdtype) == (name, dns.rdatatype.from_text(kind))
    assert bool(message.flags & dns.flags.RD) is asked.recursive
    assert asked.name == text(name)


@pytest.mark.parametrize(
    "wrong", ["a..b", ".a", "a" * 64 + ".b", "x." * 128, "\\", "\\999.b", "\\1", "ü.b", "a\\"]
)
def test_names_that_no_message_holds(wrong: str) -> None:
    with pytest.raises(ValueError):
        to_wire(wrong)


@given(st.text(max_size=40))
@example("a.b.")
@example("\\.a.b")
@example("\\000\\255.b")
@example("")
@example(".")
def test_texts_are_names_for_both_or_for_neither(name: str) -> None:
    try:
        ours = to_wire(name)
    except ValueError:
        ours = None
    if not name.isascii() or name == "@":
        return  # dnspython makes IDNA of the one, and the origin of the other
    try:
        theirs = dns.name.from_text(name).to_wire()
    except (dns.exception.DNSException, ValueError):
        theirs = None
    assert ours == theirs or name == "."


@pytest.mark.parametrize(
    "name_bytes",
    [
        b"\xc0\x0c",  # to itself
        b"\x01a\xc0\x0c",  # round in a circle
        b"\xc0\x0e\x00",  # forwards
        b"\x41a\x00",  # an unknown kind of label
        b"\x05abc",  # past the end
        b"\x01a",  # without an end
        b"\xc0",
    ],
)
def test_names_that_lead_nowhere(name_bytes: bytes) -> None:
    with pytest.raises(MalformedError):
        from_wire(bytes(12) + name_bytes, 12, {})


def test_long_chains_of_pointers_end() -> None:
    data = b"\x00" + b"".join(struct.pack("!H", 0xC000 | max(0, 2 * i - 1)) for i in range(40))
    with pytest.raises(MalformedError, match="pointer"):
        from_wire(data, len(data) - 2, {})


def test_sixty_thousand_bytes_of_text() -> None:
    asked = question("shop.example", "TXT")
    strings = b"".join(b"\xff" + bytes([i]) * 255 for i in range(235))
    head = struct.pack("!HHHHHH", 1, 0x8180, 1, 1, 0, 0) + asked.wire + struct.pack("!HH", 16, 1)
    data = head + b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, len(strings)) + strings
    answer = read(data, asked, "test").answer
    assert answer.status is Status.ANSWER
    assert isinstance(answer.records[0], Txt)
    assert len(answer.records[0].text) == 235 * 255


def test_types() -> None:
    assert {name: type_code(name) for name in TYPES} == {
        name: int(dns.rdatatype.from_text(name)) for name in TYPES
    }
    assert type_code("SRV") == 33
    with pytest.raises(ValueError, match="NONSENSE"):
        type_code("NONSENSE")


def test_a_question_in_capitals_is_the_same() -> None:
    asked = question("Shop.EXAMPLE.", "A")
    assert (asked.name, asked.wire) == ("shop.example", b"\x04shop\x07example\x00")


def test_what_dnspython_refuses_may_be_evidence() -> None:
    """A digest of the wrong length is a fault of the record, and not of the server."""
    asked = question("_25._tcp.mail.example", "TLSA")
    head = struct.pack("!HHHHHH", 1, 0x8180, 1, 1, 0, 0) + asked.wire + struct.pack("!HH", 52, 1)
    data = head + b"\xc0\x0c" + struct.pack("!HHIH", 52, 1, 60, 4) + b"\x03\x01\x01x"
    assert read(data, asked, "test").answer.records == (Raw("3 1 1 78"),)
