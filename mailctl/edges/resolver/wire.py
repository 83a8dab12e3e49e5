"""DNS questions to bytes, and bytes to `Answer`. No I/O.

Promise: whatever bytes arrive, reading them ends in an `Answer` or in `MalformedError`; a CNAME chain is
followed inside the message only, in at most `CHAIN_LIMIT` steps.
"""

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from mailctl.standards.dns import Answer, Host, Mx, Raw, Rdata, Status, Txt
from mailctl.standards.presentation import value_from_text

CHAIN_LIMIT = 16
EDNS_PAYLOAD = 1232  # DNS Flag Day 2020: fits an unfragmented IPv6 packet
_TRUNCATED = 0x02  # TC, in the third byte of the header (RFC 1035 §4.1.1)
_RESPONSE = 0x80  # QR, likewise


class MalformedError(Exception):
    """Bytes that are no answer to the question."""


class Question(NamedTuple):
    """One question as it goes out."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    recursive: bool = True  # RD
    unchecked: bool = False  # CD: the resolver shall not validate
    edns: bool = True

    def to_wire(self, identity: int) -> bytes:
        flags = (dns.flags.RD if self.recursive else 0) | (dns.flags.CD if self.unchecked else 0)
        flags |= dns.flags.AD  # RFC 6840 §5.7: asks for the AD bit without asking for signatures
        query = struct.pack("!HHHHHH", identity, flags, 1, 0, 0, int(self.edns))
        query += b"".join(bytes([len(label)]) + label for label in self.name.labels)
        query += struct.pack("!HH", self.rdtype, dns.rdataclass.IN)
        if self.edns:
            query += struct.pack("!BHHIH", 0, dns.rdatatype.OPT, EDNS_PAYLOAD, 0, 0)  # RFC 6891 §6.1.2
        return query


def question(name: str, rdtype: str, *, recursive: bool = True) -> Question:
    """Raises ValueError, with the reason, for a name that no DNS message can hold."""
    try:
        name.encode("ascii")
        absolute = dns.name.from_text(name, origin=dns.name.root)
    except UnicodeEncodeError as error:
        raise ValueError("not ASCII") from error
    except dns.exception.DNSException as error:
        raise ValueError(str(error)) from error
    return Question(absolute, dns.rdatatype.from_text(rdtype), recursive=recursive)


def is_truncated(data: bytes) -> bool:
    return len(data) > 2 and bool(data[2] & _RESPONSE) and bool(data[2] & _TRUNCATED)


def parse(data: bytes, asked: Question) -> dns.message.Message:
    """The message in `data`, if it answers `asked`; raises MalformedError."""
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise MalformedError(f"malformed: {error}") from error
    if not message.flags & dns.flags.QR:
        raise MalformedError("malformed: a question where an answer was due")
    if not message.question and message.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
        return message  # servers that cannot read a question do not repeat it
    if [(q.name, q.rdtype) for q in message.question] != [(asked.name, asked.rdtype)]:
        raise MalformedError("malformed: the answer is to another question")
    return message


class Reading(NamedTuple):
    """What a message says. `chase` is a name the chain leads to that the message says nothing about."""

    answer: Answer
    chase: str = ""
    authoritative: bool = False


def read(message: dns.message.Message, asked: Question, server: str) -> Reading:
    """The message as an `Answer`, its CNAME chain followed (RFC 1034 §3.6.2)."""
    blank = Answer(text(asked.name), dns.rdatatype.to_text(asked.rdtype), Status.SERVFAIL, server=server)
    blank = replace(blank, detail=_extended_error(message), authenticated=bool(message.flags & dns.flags.AD))
    authoritative = bool(message.flags & dns.flags.AA)
    failure = _failure(message.rcode())
    if failure is not None:
        status, words = failure
        return Reading(replace(blank, status=status, detail=blank.detail or words), "", authoritative)
    return _follow(message, asked, blank)._replace(authoritative=authoritative)


def _failure(rcode: dns.rcode.Rcode) -> tuple[Status, str] | None:
    if rcode in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return None
    if rcode == dns.rcode.REFUSED:
        return Status.REFUSED, ""
    words = "" if rcode == dns.rcode.SERVFAIL else f"the server answered {dns.rcode.to_text(rcode)}"
    return Status.SERVFAIL, words


def _follow(message: dns.message.Message, asked: Question, blank: Answer) -> Reading:
    found = {(r.name, r.rdtype): r for r in message.answer if r.rdclass == dns.rdataclass.IN}
    name, chain, ttls = asked.name, list[str](), list[int]()
    while (name, asked.rdtype) not in found and (name, dns.rdatatype.CNAME) in found:
        alias = found[name, dns.rdatatype.CNAME]
        name = alias[0].target
        ttls.append(alias.ttl)
        if text(name) in chain or len(chain) == CHAIN_LIMIT:
            return Reading(replace(blank, chain=tuple(chain), detail="a CNAME chain without an end"))
        chain.append(text(name))
    blank = replace(blank, chain=tuple(chain))
    rrset = found.get((name, asked.rdtype))
    if rrset is not None:
        records = tuple(rdata(r) for r in rrset)
        ttl = min([rrset.ttl, *ttls])
        return Reading(replace(blank, status=Status.ANSWER, records=records, ttl=ttl))
    return _negative(message, blank, ttls)


def _negative(message: dns.message.Message, blank: Answer, ttls: list[int]) -> Reading:
    """NXDOMAIN, NODATA or a referral, told apart by the authority section (RFC 2308 §2)."""
    kinds = {r.rdtype for r in message.authority}
    soas = [r for r in message.authority if r.rdtype == dns.rdatatype.SOA]
    ttls += [min(soa.ttl, soa[0].minimum) for soa in soas[:1]]  # RFC 2308 §5
    ttl = min(ttls) if soas else 0
    if message.rcode() == dns.rcode.NXDOMAIN:
        return Reading(replace(blank, status=Status.NXDOMAIN, ttl=ttl))
    if blank.chain and not soas:
        return Reading(replace(blank, status=Status.NODATA, ttl=min(ttls)), blank.chain[-1])
    if dns.rdatatype.NS in kinds and not soas:
        return Reading(replace(blank, detail="a referral: the server does not know and does not ask"))
    return Reading(replace(blank, status=Status.NODATA, ttl=ttl))


def _extended_error(message: dns.message.Message) -> str:
    """The extended DNS errors (RFC 8914) in words: "DNSSEC bogus (6): no valid signature"."""
    words = []
    for option in message.options:
        if isinstance(option, dns.edns.EDEOption):
            code = int(option.code)
            known = (
                dns.edns.EDECode(code).name
                if code in dns.edns.EDECode.__members__.values()
                else "extended error"
            )
            name = known.replace("_", " ").capitalize().replace("Dnssec", "DNSSEC")
            words.append(f"{name} ({code})" + (f": {option.text}" if option.text else ""))
    return "; ".join(words)


def rdata(record: Any) -> Rdata:
    """One record's data in the project's vocabulary; `record` is a dnspython rdata."""
    match record.rdtype:
        case dns.rdatatype.TXT:
            return Txt(tuple(record.strings))
        case dns.rdatatype.MX:
            return Mx(record.preference, text(record.exchange))
        case dns.rdatatype.NS | dns.rdatatype.CNAME | dns.rdatatype.PTR:
            return Host(text(record.target))
        case dns.rdatatype.A:
            return IPv4Address(record.address)
        case dns.rdatatype.AAAA:
            return IPv6Address(record.address)
    rdtype = dns.rdatatype.to_text(record.rdtype)
    return Raw(value_from_text(rdtype, record.to_text()))


def text(name: dns.name.Name) -> str:
    """Lower case, without the final dot; the root is ""."""
    return name.to_text(omit_final_dot=True).lower() if len(name) > 1 else ""
