"""DNS questions to bytes, and bytes to `Answer`. No I/O.

Promise: whatever bytes arrive, reading them ends in a `Reading` or in `MalformedError`; a CNAME chain is followed
inside the message only, in at most `CHAIN_LIMIT` steps. It is written by hand because most of what `verify` costs is
spent here; dnspython, which reads the same messages in the tests, says the same of each of them.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from mailctl.edges.resolver.extended_errors import in_words
from mailctl.edges.resolver.rdata import CNAME, NS, OPT, SOA, read_rdata, soa_minimum, type_code
from mailctl.edges.resolver.wire_names import MalformedError, from_wire, to_wire
from mailctl.standards.dns import Answer, Host, Rdata, Status

__all__ = ["MalformedError", "Question", "Reading", "is_truncated", "question", "read"]

CHAIN_LIMIT = 16
EDNS_PAYLOAD = 1232  # DNS Flag Day 2020: fits an unfragmented IPv6 packet
_IN = 1
_HEADER = 12
_RECORD = struct.Struct("!HHIH")  # type, class, TTL and length of the data (RFC 1035 §3.2.1)
# Flags in the header (RFC 1035 §4.1.1, RFC 4035 §3.2).
_QR, _OPCODE, _AA, _TC, _RD, _AD, _CD = 0x8000, 0x7800, 0x0400, 0x0200, 0x0100, 0x0020, 0x0010
_OPT_RECORD = struct.pack("!BHHIH", 0, OPT, EDNS_PAYLOAD, 0, 0)  # RFC 6891 §6.1.2
_MOST_TTL = 0x7FFFFFFF  # RFC 2181 §8: more counts as 0

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
_RCODES = {FORMERR: "FORMERR", NOTIMP: "NOTIMP", 6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH",
           10: "NOTZONE", BADVERS: "BADVERS", 23: "BADCOOKIE"}  # fmt: skip
OLDER_THAN_EDNS = (FORMERR, NOTIMP, BADVERS)  # RFC 6891 §7: what servers say to EDNS that do not know it


class Question(NamedTuple):
    """One question as it goes out."""

    name: str  # normal: lower case, without the final dot
    rdtype: str
    wire: bytes  # the name in bytes, lower case
    code: int  # the type's number
    recursive: bool = True  # RD
    unchecked: bool = False  # CD: the resolver shall not validate
    edns: bool = True

    def to_wire(self, identity: int) -> bytes:
        # RFC 6840 §5.7: AD in a question asks for the AD bit without asking for signatures
        flags = _AD | (_RD if self.recursive else 0) | (_CD if self.unchecked else 0)
        header = struct.pack("!HHHHHH", identity, flags, 1, 0, 0, int(self.edns))
        kind = struct.pack("!HH", self.code, _IN)
        return b"".join((header, self.wire, kind, _OPT_RECORD if self.edns else b""))


def question(name: str, rdtype: str, *, recursive: bool = True) -> Question:
    """Raises ValueError, with the reason, for a name that no DNS message can hold, or a type that is none."""
    wire = to_wire(name).lower()
    text, _ = from_wire(wire, 0, {})
    return Question(text, rdtype, wire, type_code(rdtype), recursive=recursive)


def is_truncated(data: bytes) -> bool:
    flags = int.from_bytes(data[2:4], "big")
    return bool(flags & _QR) and bool(flags & _TC)


class Reading(NamedTuple):
    """What a message says. `chase` is a name the chain leads to that the message says nothing about."""

    answer: Answer
    chase: str = ""
    authoritative: bool = False
    rcode: int = NOERROR


class _Entry(NamedTuple):
    """A resource record: where its data lies in the message."""

    name: str
    code: int
    rdclass: int
    ttl: int
    start: int
    end: int


class _Message(NamedTuple):
    """The parts of a message that matter."""

    data: bytes
    flags: int
    rcode: int  # with the extension of EDNS (RFC 6891 §6.1.3)
    answer: list[_Entry]
    authority: list[_Entry]
    errors: str  # extended DNS errors in words
    names: dict[int, str]  # those read so far, by position


class _Outcome(NamedTuple):
    """What becomes of a message: the parts of an `Answer`, and the name to chase."""

    status: Status
    records: tuple[Rdata, ...] = ()
    ttl: int = 0
    detail: str = ""
    chain: tuple[str, ...] = ()
    chase: str = ""


def read(data: bytes, asked: Question, server: str) -> Reading:
    """The message as an `Answer`, its CNAME chain followed (RFC 1034 §3.6.2); raises MalformedError."""
    message = _parse(data, asked)
    outcome = _failure(message) or _follow(message, asked)
    answer = Answer(
        asked.name,
        asked.rdtype,
        outcome.status,
        outcome.records,
        outcome.ttl,
        server,
        outcome.detail or message.errors,
        bool(message.flags & _AD),
        outcome.chain,
    )
    return Reading(answer, outcome.chase, bool(message.flags & _AA), message.rcode)


def _parse(data: bytes, asked: Question) -> _Message:
    if len(data) < _HEADER:
        raise MalformedError("malformed: shorter than a header")
    _, flags, questions, answers, authorities, others = struct.unpack_from("!HHHHHH", data)
    if not flags & _QR or flags & _OPCODE:
        raise MalformedError("malformed: a question where an answer was due")
    rcode = flags & 0x0F
    if questions == 0 and rcode in (FORMERR, NOTIMP):
        # Servers that cannot read a question do not repeat it.
        return _Message(data, flags, rcode, [], [], "", {})
    position = _HEADER + len(asked.wire)
    repeated = data[_HEADER:position].lower() == asked.wire
    if questions != 1 or not repeated or data[position : position + 4] != struct.pack("!HH", asked.code, _IN):
        raise MalformedError("malformed: the answer is to another question")
    names = {_HEADER: asked.name}
    answer, position = _records(data, position + 4, answers, names)
    authority, position = _records(data, position, authorities, names)
    additional, _ = _records(data, position, others, names)
    high, errors = _edns(data, additional)
    return _Message(data, flags, rcode | high << 4, answer, authority, errors, names)


def _records(data: bytes, position: int, count: int, names: dict[int, str]) -> tuple[list[_Entry], int]:
    """The next records, and the position behind them."""
    entries = []
    for _ in range(count):
        name, position = from_wire(data, position, names)
        start = position + 10
        if start > len(data):
            raise MalformedError("malformed: it ends within a record")
        code, rdclass, ttl, length = _RECORD.unpack_from(data, position)
        position = start + length
        if position > len(data):
            raise MalformedError("malformed: it ends within a record")
        entries.append(_Entry(name, code, rdclass, ttl, start, position))
    return entries, position


def _edns(data: bytes, additional: Sequence[_Entry]) -> tuple[int, str]:
    """The upper bits of the rcode (RFC 6891 §6.1.3), and the extended errors in words."""
    for entry in additional:
        if entry.code == OPT:
            return entry.ttl >> 24, in_words(data, entry.start, entry.end)
    return 0, ""


def _failure(message: _Message) -> _Outcome | None:
    rcode = message.rcode
    if rcode in (NOERROR, NXDOMAIN):
        return None
    if rcode in (SERVFAIL, REFUSED):
        return _Outcome(Status.SERVFAIL if rcode == SERVFAIL else Status.REFUSED)
    words = f"the server answered {_RCODES.get(rcode, rcode)}"
    return _Outcome(Status.SERVFAIL, detail=message.errors or words)


def _follow(message: _Message, asked: Question) -> _Outcome:
    found: dict[tuple[str, int], list[_Entry]] = {}
    for entry in message.answer:
        if entry.rdclass == _IN:
            found.setdefault((entry.name, entry.code), []).append(entry)
    name, chain, ttl = asked.name, list[str](), _MOST_TTL
    while (name, asked.code) not in found and (name, CNAME) in found:
        aliases = found[name, CNAME]
        target = _rdata(message, aliases[-1])
        assert isinstance(target, Host)
        name = target.name
        ttl = _least_ttl(aliases, ttl)
        if name in chain or len(chain) == CHAIN_LIMIT:
            return _Outcome(Status.SERVFAIL, detail="a CNAME chain without an end", chain=tuple(chain))
        chain.append(name)
    entries = found.get((name, asked.code))
    if entries is None:
        return _negative(message, tuple(chain), ttl)
    records = tuple(dict.fromkeys([_rdata(message, entry) for entry in entries]))
    return _Outcome(Status.ANSWER, records, _least_ttl(entries, ttl), chain=tuple(chain))


def _rdata(message: _Message, entry: _Entry) -> Rdata:
    return read_rdata(entry.code, message.data, entry.start, entry.end, message.names)


def _least_ttl(entries: Sequence[_Entry], ttl: int) -> int:
    return min([ttl, *[entry.ttl if entry.ttl <= _MOST_TTL else 0 for entry in entries]])


def _negative(message: _Message, chain: tuple[str, ...], ttl: int) -> _Outcome:
    """NXDOMAIN, NODATA or a referral, told apart by the authority section (RFC 2308 §2)."""
    soas = [entry for entry in message.authority if entry.code == SOA and entry.rdclass == _IN][:1]
    for soa in soas:
        ttl = min(_least_ttl(soas, ttl), soa_minimum(message.data, soa.start, soa.end))  # RFC 2308 §5
    if message.rcode == NXDOMAIN:
        return _Outcome(Status.NXDOMAIN, ttl=ttl if soas else 0, chain=chain)
    if chain and not soas:
        return _Outcome(Status.NODATA, ttl=ttl, chain=chain, chase=chain[-1])
    if not soas and any(entry.code == NS for entry in message.authority):
        words = "a referral: the server does not know and does not ask"
        return _Outcome(Status.SERVFAIL, detail=words)
    return _Outcome(Status.NODATA, ttl=ttl if soas else 0, chain=chain)
