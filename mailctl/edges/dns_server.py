"""An authoritative DNS server inside this process, on loopback, over UDP and TCP.

Promise: what it answers is what `mailctl.standards.zone` finds, so NXDOMAIN, NODATA, wildcards and CNAMEs are
right; what does not fit a datagram is truncated and whole by TCP; a name outside its zones is REFUSED.
Records and faults can be replaced while it runs; with a key, signed dynamic updates (RFC 2136) replace them
too, all or nothing. It serves rehearsals, the demo and tests: no DNSSEC, no zone transfer, and no protection
against a flood.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.update

from mailctl.standards.dns import Record, Status
from mailctl.standards.presentation import value_from_text, zone_text
from mailctl.standards.zone import Found, Zones, is_within

_PLAIN_UDP = 512  # RFC 1035 §4.2.1, for a question without EDNS
_LARGEST_UDP = 1232
_PORT_TRIES = 20
_IDLE_SECONDS = 10.0


class Fault(StrEnum):
    """What to do wrong on purpose at a name."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENCE = "silence"
    GARBAGE = "garbage"  # the right id, and then bytes that are no DNS message
    BOGUS = "bogus"  # SERVFAIL with an extended error, save with CD=1: as a validator finds a forged zone
    TRUNCATED = "truncated"  # every datagram, whatever its size


class DnsServer:
    """Serve `records` for `zones`; an async context manager.

    `zones` may hold "" to answer for the whole DNS. `port` 0 takes a free one. `faults` maps a name, or a
    (name, type), to a `Fault`. `update_key` is the name and base64 secret of a TSIG key (hmac-sha256) that may
    update every zone. `address` is "IP:PORT" once it runs.
    """

    def __init__(
        self,
        records: Iterable[Record],
        *,
        zones: Sequence[str],
        address: str = "127.0.0.1",
        port: int = 0,
        update_key: tuple[str, str] | None = None,
        faults: Mapping[tuple[str, str] | str, Fault] | None = None,
    ) -> None:
        self._zone_names = tuple(zones)
        self._host, self._port = address, port
        self.faults: dict[tuple[str, str] | str, Fault] = dict(faults or {})
        self._keyring = dns.tsigkeyring.from_text(dict([update_key])) if update_key else None
        self.asked: list[tuple[str, str, str]] = []  # (name, type, "udp" or "tcp"), in order
        self.records = tuple(records)
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    @property
    def records(self) -> tuple[Record, ...]:
        return self._records

    @records.setter
    def records(self, records: Iterable[Record]) -> None:
        self._records = tuple(records)
        self._zones = Zones(self._records, self._zone_names, address=self._host)

    @property
    def address(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for attempt in range(_PORT_TRIES):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self._host, self._port)
            )
            port = transport.get_extra_info("sockname")[1]
            try:
                self._tcp = await asyncio.start_server(self._serve_tcp, self._host, port)
            except OSError:
                # The free UDP port is taken for TCP. With a port that was asked for, that is final.
                transport.close()
                if self._port or attempt == _PORT_TRIES - 1:
                    raise
                continue
            self._udp, self._port = transport, port
            break
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        await asyncio.sleep(0)

    def respond(self, data: bytes, transport: str) -> bytes | None:
        """The answer to one message, None for silence. `transport` is "udp" or "tcp"."""
        try:
            query = dns.message.from_wire(data, keyring=self._keyring or False)
        except (dns.message.UnknownTSIGKey, dns.tsig.BadSignature, dns.tsig.BadTime):
            # RFC 8945 §5.2 wants an unsigned answer; its TSIG error code is left out.
            return _bare_reply(dns.message.from_wire(data, keyring=False), dns.rcode.NOTAUTH)
        except (dns.exception.DNSException, ValueError):
            return _form_error(data)
        if query.flags & dns.flags.QR:
            return None  # RFC 1035 §4.1.1: an answer is never answered
        if isinstance(query, dns.update.UpdateMessage):
            return self._update(query)
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return _bare_reply(query, dns.rcode.NOTIMP)
        asked = query.question[0]
        name, rdtype = _text(asked.name), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, rdtype, transport))
        fault = self._fault(name, rdtype)
        if fault is Fault.SILENCE:
            return None
        if fault is Fault.GARBAGE:
            return data[:2] + b"\x84" + b"\xff" * 40
        return self._encode(query, self._reply(query, name, rdtype, fault), transport, fault)

    def _fault(self, name: str, rdtype: str) -> Fault | None:
        """What to do wrong: at this name, or at one that its alias leads to, where a resolver would meet it."""
        if not self.faults:
            return None
        met = (name, *self._zones.find(name, rdtype).chain)
        return next((f for one in met if (f := self.faults.get((one, rdtype), self.faults.get(one)))), None)

    def _update(self, message: dns.update.UpdateMessage) -> bytes:
        """RFC 2136 §3: a permitted update changes everything it names, or nothing."""
        zone = _text(message.zone[0].name) if message.zone else ""
        rcode, records = dns.rcode.NOERROR, set(self._records)
        if self._keyring is None or not message.had_tsig:
            rcode = dns.rcode.REFUSED
        elif zone not in self._zones.names:
            rcode = dns.rcode.NOTAUTH
        elif not all(is_within(_text(r.name), zone) for r in (*message.prerequisite, *message.update)):
            rcode = dns.rcode.NOTZONE
        else:
            rcode = _first_unmet(records, message.prerequisite)
        if rcode == dns.rcode.NOERROR:
            for rrset in message.update:
                _change(records, rrset)
            self.records = tuple(sorted(records))
        return _bare_reply(message, rcode)

    def _reply(
        self, query: dns.message.Message, name: str, rdtype: str, fault: Fault | None
    ) -> dns.message.Message:
        reply = dns.message.make_response(query, our_payload=_LARGEST_UDP)
        reply.flags |= dns.flags.AA
        if fault is Fault.BOGUS and not query.flags & dns.flags.CD:
            reply.set_rcode(dns.rcode.SERVFAIL)
            _explain(reply, dns.edns.EDECode.DNSSEC_BOGUS, "planned fault")
        elif fault in (Fault.SERVFAIL, Fault.REFUSED):
            reply.set_rcode(dns.rcode.SERVFAIL if fault is Fault.SERVFAIL else dns.rcode.REFUSED)
        elif rdtype in ("ANY", "AXFR", "IXFR"):
            reply.set_rcode(dns.rcode.NOTIMP)  # RFC 8482: nothing here needs ANY
        else:
            self._fill(reply, self._zones.find(name, rdtype))
        if reply.rcode() in (dns.rcode.REFUSED, dns.rcode.SERVFAIL):
            reply.flags &= ~dns.flags.AA
        return reply

    def _fill(self, reply: dns.message.Message, found: Found) -> None:
        rcodes = {
            Status.NXDOMAIN: dns.rcode.NXDOMAIN,
            Status.REFUSED: dns.rcode.REFUSED,
            Status.SERVFAIL: dns.rcode.SERVFAIL,
        }
        reply.set_rcode(rcodes.get(found.status, dns.rcode.NOERROR))
        if found.detail:
            _explain(reply, dns.edns.EDECode.OTHER, found.detail)
        for record in found.records:
            _append(reply.answer, record)
        if found.zone is not None and found.status in (Status.NODATA, Status.NXDOMAIN):
            _append(reply.authority, self._zones.soa(found.zone))  # RFC 2308 §3

    def _encode(
        self, query: dns.message.Message, reply: dns.message.Message, transport: str, fault: Fault | None
    ) -> bytes:
        if transport == "tcp":
            return reply.to_wire(max_size=65535, prefer_truncation=True)
        if fault is Fault.TRUNCATED:
            reply.answer, reply.authority = [], []
            reply.flags |= dns.flags.TC
        size = min(max(query.payload, _PLAIN_UDP), _LARGEST_UDP) if query.edns >= 0 else _PLAIN_UDP
        return reply.to_wire(max_size=size, prefer_truncation=True)

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    data = await reader.readexactly(length)
                reply = self.respond(data, "tcp")
                if reply is not None:
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (EOFError, OSError, TimeoutError):
            return  # a client that goes away is no event
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        reply = self._server.respond(data, "udp")
        if reply is not None:
            self._transport.sendto(reply, addr)


def _append(section: list[dns.rrset.RRset], record: Record) -> None:
    """Add a record to its RRset in a message section."""
    name, rdata = dns.name.from_text(record.name), _rdata(record.rdtype, zone_text(record))
    for rrset in section:
        if (rrset.name, rrset.rdtype) == (name, rdata.rdtype):
            rrset.add(rdata)
            return
    section.append(dns.rrset.from_rdata(name, record.ttl, rdata))


@lru_cache(maxsize=4096)  # most of what an answer costs
def _rdata(rdtype: str, text: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", rdtype, text)


def _explain(reply: dns.message.Message, code: dns.edns.EDECode, words: str) -> None:
    """Attach an extended DNS error (RFC 8914 §2), to a client that speaks EDNS."""
    if reply.edns >= 0:
        reply.use_edns(0, payload=_LARGEST_UDP, options=[dns.edns.EDEOption(code, words)])


def _bare_reply(query: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    reply = dns.message.make_response(query)
    reply.set_rcode(rcode)
    return reply.to_wire()


def _form_error(data: bytes) -> bytes | None:
    """A bare header that says FORMERR, where there are an id and the bits to answer to."""
    if len(data) < 12 or data[2] & 0x80:
        return None
    return data[:2] + bytes([0x80 | (data[2] & 0x79), dns.rcode.FORMERR]) + bytes(8)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if len(name) > 1 else ""


def _first_unmet(records: set[Record], prerequisites: Iterable[dns.rrset.RRset]) -> dns.rcode.Rcode:
    """The rcode of the first prerequisite that does not hold, or NOERROR (RFC 2136 §2.4, §3.2)."""
    wanted: dict[tuple[str, str], set[str]] = {}  # §2.4.2: an RRset arrives as an entry for each record
    for rrset in prerequisites:
        here = _covered(records, rrset)
        any_type = rrset.rdtype == dns.rdatatype.ANY
        if rrset.deleting == dns.rdataclass.ANY and not here:
            return dns.rcode.NXDOMAIN if any_type else dns.rcode.NXRRSET
        if rrset.deleting == dns.rdataclass.NONE and here:
            return dns.rcode.YXDOMAIN if any_type else dns.rcode.YXRRSET
        if rrset.deleting is None:
            for record in _read(rrset):
                wanted.setdefault((record.name, record.rdtype), set()).add(record.value)
    held = {key: {r.value for r in records if (r.name, r.rdtype) == key} for key in wanted}
    return dns.rcode.NOERROR if held == wanted else dns.rcode.NXRRSET


def _change(records: set[Record], rrset: dns.rrset.RRset) -> None:
    """One RRset of the update section: added, deleted whole, or deleted by value (RFC 2136 §2.5, §3.4.2)."""
    if rrset.deleting == dns.rdataclass.ANY:
        records -= _covered(records, rrset)
        return
    named = _read(rrset)
    values = {record.value for record in named}
    records -= {record for record in _covered(records, rrset) if record.value in values}
    if rrset.deleting is None:
        records |= named


def _covered(records: set[Record], rrset: dns.rrset.RRset) -> set[Record]:
    name, rdtype = _text(rrset.name), dns.rdatatype.to_text(rrset.rdtype)
    return {r for r in records if r.name == name and rdtype in ("ANY", r.rdtype)}


def _read(rrset: dns.rrset.RRset) -> set[Record]:
    rdtype = dns.rdatatype.to_text(rrset.rdtype)
    values = (value_from_text(rdtype, rdata.to_text()) for rdata in rrset)
    return {Record(_text(rrset.name), rdtype, value, rrset.ttl) for value in values}
