"""Record data from the bytes of a message into the project's vocabulary.

Promise: whatever the bytes are, reading them ends in an rdata or in `MalformedError`. The types that mail needs are
read here, since their speed is that of `verify`; all others are dnspython's, imported only when one is seen.
"""

import base64
import re
import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from mailctl.edges.resolver.wire_names import MalformedError, from_wire
from mailctl.standards.dns import Host, Mx, Raw, Rdata, Txt
from mailctl.standards.presentation import RdataError, value_from_text

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA = 1, 2, 5, 6, 12, 15, 16, 28
OPT, DS, DNSKEY, TLSA, CAA = 41, 43, 48, 52, 257
TYPES = {
    "A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "MX": MX, "TXT": TXT, "AAAA": AAAA,
    "DS": DS, "DNSKEY": DNSKEY, "TLSA": TLSA, "CAA": CAA,
}  # fmt: skip
_QUOTED = re.compile(rb'[^ -!#-\[\]-~]|["\\]')  # what a quoted string escapes (RFC 1035 §5.1)
_NAMES = dict[int, str]
_Reader = Callable[[bytes, int, int, _NAMES], Rdata]


def type_code(rdtype: str) -> int:
    """The number of a type; raises ValueError for one that does not exist."""
    code = TYPES.get(rdtype)
    if code is not None:
        return code
    import dns.exception
    import dns.rdatatype

    try:
        return int(dns.rdatatype.from_text(rdtype))
    except dns.exception.DNSException as error:
        raise ValueError(f"{rdtype!r} is no record type") from error


def read_rdata(rdtype: int, data: bytes, start: int, end: int, names: _NAMES) -> Rdata:
    """The record data in `data[start:end]`; `names` as in `wire_names.from_wire`. Raises MalformedError."""
    reader = _READERS.get(rdtype)
    if reader is None:
        return _by_dnspython(rdtype, data, start, end)
    try:
        return reader(data, start, end, names)
    except (ValueError, IndexError, struct.error) as error:
        raise MalformedError(f"malformed: record data of type {rdtype}: {error}") from error


def soa_minimum(data: bytes, start: int, end: int) -> int:
    """The last field of the SOA data there, in seconds (RFC 2308 §4); raises MalformedError."""
    if end - start < 22:  # two names and five numbers
        raise MalformedError("malformed: SOA data that is too short")
    return int.from_bytes(data[end - 4 : end], "big")


def _name(data: bytes, start: int, end: int, names: _NAMES) -> str:
    """A name that fills the data up to its end."""
    text, behind = from_wire(data, start, names)
    if behind != end:
        raise ValueError("a name of another length")
    return text


def _host(data: bytes, start: int, end: int, names: _NAMES) -> Host:
    return Host(_name(data, start, end, names))


def _mx(data: bytes, start: int, end: int, names: _NAMES) -> Mx:
    return Mx(data[start] << 8 | data[start + 1], _name(data, start + 2, end, names))


def _ipv4(data: bytes, start: int, end: int, _names: _NAMES) -> IPv4Address:
    return IPv4Address(data[start:end])


def _ipv6(data: bytes, start: int, end: int, _names: _NAMES) -> IPv6Address:
    return IPv6Address(data[start:end])


def _txt(data: bytes, start: int, end: int, _names: _NAMES) -> Txt:
    strings = []
    while start < end:
        behind = start + 1 + data[start]
        strings.append(data[start + 1 : behind])
        start = behind
    if start != end or not strings:
        raise ValueError("strings of another length")
    return Txt(tuple(strings))


def _soa(data: bytes, start: int, end: int, names: _NAMES) -> Raw:
    server, start = from_wire(data, start, names)
    mailbox, start = from_wire(data, start, names)
    if end - start != 20:
        raise ValueError("not five numbers behind the names")
    numbers = " ".join(map(str, struct.unpack_from("!IIIII", data, start)))
    return Raw(f"{server or '.'} {mailbox or '.'} {numbers}")


def _ds(data: bytes, start: int, end: int, _names: _NAMES) -> Raw:
    tag, algorithm, kind = struct.unpack_from("!HBB", data, start)
    return Raw(f"{tag} {algorithm} {kind} {_hexadecimal(data[start + 4 : end])}")


def _dnskey(data: bytes, start: int, end: int, _names: _NAMES) -> Raw:
    flags, protocol, algorithm = struct.unpack_from("!HBB", data, start)
    public = _chunks(base64.b64encode(data[start + 4 : end]).decode("ascii"), 32)
    return Raw(f"{flags} {protocol} {algorithm} {public}")


def _tlsa(data: bytes, start: int, end: int, _names: _NAMES) -> Raw:
    usage, selector, matching = struct.unpack_from("!BBB", data, start)
    return Raw(f"{usage} {selector} {matching} {_hexadecimal(data[start + 3 : end])}")


def _caa(data: bytes, start: int, end: int, _names: _NAMES) -> Raw:
    behind = start + 2 + data[start + 1]
    tag = data[start + 2 : behind]
    if behind > end or not tag.isalnum():
        raise ValueError("a tag that is not alphanumeric")
    value = _QUOTED.sub(_quoted, data[behind:end])
    return Raw(f'{data[start]} {tag.decode("ascii")} "{value.decode("ascii")}"')


def _quoted(match: re.Match[bytes]) -> bytes:
    byte = match[0]
    return b"\\" + byte if byte in b'"\\' else b"\\%03d" % byte[0]


def _hexadecimal(data: bytes) -> str:
    return _chunks(data.hex(), 128)


def _chunks(text: str, size: int) -> str:
    """In chunks with blanks between, as dnspython and zone files write them."""
    return " ".join(text[i : i + size] for i in range(0, len(text), size))


_READERS: dict[int, _Reader] = {
    A: _ipv4, AAAA: _ipv6, MX: _mx, TXT: _txt, NS: _host, CNAME: _host, PTR: _host,
    SOA: _soa, DS: _ds, DNSKEY: _dnskey, TLSA: _tlsa, CAA: _caa,
}  # fmt: skip


def _by_dnspython(rdtype: int, data: bytes, start: int, end: int) -> Raw:
    """Any other type, in presentation form."""
    import dns.exception
    import dns.rdata
    import dns.rdatatype

    try:
        kind = dns.rdatatype.RdataType.make(rdtype)
        text = dns.rdata.from_wire("IN", kind, data, start, end - start).to_text()
        return Raw(value_from_text(dns.rdatatype.to_text(kind), text))
    except (dns.exception.DNSException, ValueError, RdataError) as error:
        raise MalformedError(f"malformed: record data of type {rdtype}: {error}") from error
