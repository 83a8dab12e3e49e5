"""Publish by dynamic update (RFC 2136), signed with TSIG (RFC 8945), to the zone's primary server.

Promise: all changes to a zone go in one message, with what was seen in each RRset as its prerequisite, so the
server applies all or nothing, and nothing if the zone changed meanwhile. A success is a signed answer that
verifies. Every refusal of the server becomes a sentence with what to do. The secret is never shown.
"""

import asyncio
import binascii
import contextlib
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from mailctl.errors import BadInput, PublishError, ZoneChanged
from mailctl.standards.dns import Record, RRsetChange
from mailctl.standards.presentation import value_from_text, zone_text
from mailctl.standards.zone import stale

ALGORITHMS = (
    "hmac-sha256",
    "hmac-sha512",
    "hmac-sha384",
    "hmac-sha224",
    "hmac-sha1",
    "hmac-md5.sig-alg.reg.int",
)
_UNMET = (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN, dns.rcode.YXDOMAIN)


class _Sentence(NamedTuple):
    """What an rcode means here, what to do, and whether waiting may help."""

    seen: str
    todo: str
    temporary: bool = False


_RCODES = {
    dns.rcode.FORMERR: _Sentence(
        "could not read the update", "Check that dns.server is a DNS server with RFC 2136."
    ),
    dns.rcode.SERVFAIL: _Sentence("failed at it", "Read the server's log, then try again.", temporary=True),
    dns.rcode.NOTIMP: _Sentence("knows no dynamic updates", "Name the zone's primary server in dns.server."),
    dns.rcode.REFUSED: _Sentence(
        "refused it", "Allow the key to query and update this zone (Knot: acl; BIND: update-policy)."
    ),
    dns.rcode.NOTAUTH: _Sentence(
        "is not the zone's primary, or does not accept the key",
        "Check dns.server, dns.zone and the name of the TSIG key.",
    ),
    dns.rcode.NOTZONE: _Sentence(
        "holds one of the names in another zone", "Set dns.zone to the zone of these names."
    ),
}
_TSIG = {
    dns.tsig.PeerBadKey: _Sentence(
        "does not know the TSIG key, or lets it do nothing here",
        "Check dns.tsig_name and dns.tsig_algorithm, and what the server allows the key (Knot: acl).",
    ),
    dns.tsig.PeerBadSignature: _Sentence(
        "finds the TSIG signature wrong", "Check the secret and dns.tsig_algorithm against the server's."
    ),
    dns.tsig.PeerBadTime: _Sentence(
        "finds the TSIG time wrong: its clock and ours differ by more than 5 minutes",
        "Set both clocks by NTP.",
    ),
    dns.tsig.PeerBadTruncation: _Sentence(
        "wants a longer TSIG signature",
        "Choose the algorithm in dns.tsig_algorithm that the server asks for.",
    ),
}


class Rfc2136Publisher:
    """A `Publisher` for one server. `server`: "HOST", "HOST:PORT" or "[v6]:PORT"; `timeout` in seconds.

    `tsig_secret` is base64, as `keymgr -t` and `tsig-keygen` print it. Raises BadInput for what is no key.
    """

    def __init__(
        self,
        server: str,
        tsig_name: str,
        tsig_secret: str,
        *,
        algorithm: str = "hmac-sha256",
        timeout: float = 10.0,
    ) -> None:
        self._host, self._port = _endpoint(server)
        self._key = _key(tsig_name, tsig_secret, algorithm)
        self._timeout = timeout
        self.name = f"rfc2136 {server}"

    async def list(self, zone: str, names: Collection[tuple[str, str]]) -> tuple[Record, ...]:
        """The RRsets as the primary holds them now; raises PublishError."""
        rrsets = [await self._read(zone, name, rdtype) for name, rdtype in sorted(set(names))]
        return tuple(sorted(record for rrset in rrsets for record in _records(rrset)))

    async def apply(self, zone: str, changes: Sequence[RRsetChange]) -> None:
        """Make the changes in one message, or none; raises ZoneChanged and PublishError."""
        if not changes:
            return
        held = {(c.name, c.rdtype): await self._read(zone, c.name, c.rdtype) for c in changes}
        if reasons := stale((r for rrset in held.values() for r in _records(rrset)), changes):
            raise ZoneChanged(zone, reasons)
        update = dns.update.UpdateMessage(dns.name.from_text(zone, dns.name.root))
        for change in changes:
            _add_change(update, change, held[change.name, change.rdtype])
        reply = await self._exchange(update, f"the update of {zone}")
        if reply.rcode() in _UNMET:
            now = await self.list(zone, [(c.name, c.rdtype) for c in changes])
            named = [f"{c.name} {c.rdtype}: changed between reading and writing" for c in changes]
            raise ZoneChanged(zone, stale(now, changes) or named)
        self._check(reply, f"the update of {zone}")

    async def _read(self, zone: str, name: str, rdtype: str) -> dns.rrset.RRset | None:
        query = dns.message.make_query(
            dns.name.from_text(name, dns.name.root), rdtype, flags=0, use_edns=True
        )
        reply = await self._exchange(query, f"the question for {name} {rdtype}")
        if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            self._check(reply, f"the question for {name} {rdtype}")
        if not reply.flags & dns.flags.AA:
            raise PublishError(
                f"{self.name} is not authoritative for {name}, which was looked for in the zone {zone}",
                hint="Name the zone's primary server in dns.server, and the zone in dns.zone.",
            )
        asked = query.question[0]
        return reply.get_rrset(reply.answer, asked.name, dns.rdataclass.IN, asked.rdtype)

    def _check(self, reply: dns.message.Message, what: str) -> None:
        """Raise the sentence for any rcode but NOERROR."""
        rcode = reply.rcode()
        if rcode == dns.rcode.NOERROR:
            return
        fallback = _Sentence("failed at it", "Read the server's log.")
        self._fail(what, _RCODES.get(rcode, fallback), dns.rcode.to_text(rcode))

    def _fail(self, what: str, sentence: _Sentence, code: str) -> None:
        raise PublishError(
            f"{self.name} {sentence.seen}: {what} was answered {code}",
            hint=sentence.todo,
            temporary=sentence.temporary,
        )

    async def _exchange(self, query: dns.message.Message, what: str) -> dns.message.Message:
        """Send one signed message over TCP; the answer's signature is verified."""
        query.use_tsig({self._key.name: self._key})
        try:
            async with asyncio.timeout(self._timeout):
                data = await _over_tcp(self._host, self._port, query.to_wire())
        except (TimeoutError, OSError, EOFError) as error:
            reason = str(error) or f"no answer within {self._timeout:g} s"
            raise PublishError(
                f"{self.name} cannot be reached: {reason}",
                hint="Check dns.server, and that TCP to its port is open.",
                temporary=True,
            ) from error
        return self._verified(data, query, what)

    def _verified(self, data: bytes, query: dns.message.Message, what: str) -> dns.message.Message:
        try:
            reply = dns.message.from_wire(data, keyring=False)
            if not query.is_response(reply):
                raise ValueError("it answers another question")
            if not reply.had_tsig and reply.rcode() != dns.rcode.NOERROR:
                return reply  # a server without our key cannot sign; a refusal is safe to believe
            return dns.message.from_wire(data, keyring=query.keyring, request_mac=query.mac)
        except tuple(_TSIG) as error:
            self._fail(what, _TSIG[type(error)], type(error).__name__.removeprefix("Peer").upper())
            raise
        except (dns.exception.DNSException, ValueError) as error:
            raise PublishError(
                f"{self.name} gave an answer to {what} that cannot be trusted: {error}",
                hint="Check that dns.server is the right server, and that it signs with this key.",
            ) from error


def _add_change(update: dns.update.UpdateMessage, change: RRsetChange, held: dns.rrset.RRset | None) -> None:
    """One RRset: its prerequisite (RFC 2136 §2.4.2, §2.4.3), and what it becomes."""
    name = dns.name.from_text(change.name, dns.name.root)
    if held is None:
        update.absent(name, change.rdtype)
    else:
        # As the server holds it, not as we would write it: TXT may be split in other places.
        update.present(name, *held)
        update.delete(name, change.rdtype)
    for record in change.after:
        update.add(name, record.ttl, record.rdtype, zone_text(record))


def _records(rrset: dns.rrset.RRset | None) -> Iterable[Record]:
    if rrset is None:
        return
    name, rdtype = rrset.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(rrset.rdtype)
    for rdata in rrset:
        yield Record(name, rdtype, value_from_text(rdtype, rdata.to_text()), rrset.ttl)


class _Key(dns.tsig.Key):
    """A key that does not show its secret in a traceback or a log."""

    def __repr__(self) -> str:
        return f"<TSIG key {self.name}>"


def _endpoint(server: str) -> tuple[str, int]:
    host, port = server, "53"
    if server.startswith("["):
        host, _, rest = server[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif server.count(":") == 1:
        host, _, port = server.partition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInput(
            f"{server!r} is no server", hint='Write dns.server as "192.0.2.53" or "[2001:db8::53]:53".'
        )
    return host, int(port)


def _key(name: str, secret: str, algorithm: str) -> dns.tsig.Key:
    known = [text for text in ALGORITHMS if text.startswith(algorithm.rstrip(".").lower())]
    if algorithm.rstrip(".").lower() not in (*ALGORITHMS, "hmac-md5"):
        raise BadInput(
            f"{algorithm!r} is no TSIG algorithm", hint=f"dns.tsig_algorithm: {', '.join(ALGORITHMS[:3])}"
        )
    try:
        binascii.a2b_base64("".join(secret.split()), strict_mode=True)
        return _Key(dns.name.from_text(name), secret, dns.name.from_text(known[0]))
    except (binascii.Error, dns.exception.DNSException, UnicodeError):
        # Not chained: the cause would carry the secret into a traceback.
        raise BadInput(
            f"the TSIG key {name!r} cannot be used: its name is no name, or its secret is no base64",
            hint="Copy the secret as the server's tool printed it.",
        ) from None


async def _over_tcp(host: str, port: int, query: bytes) -> bytes:
    """One message and its answer, each behind its length (RFC 7766 §8)."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        await writer.drain()
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
