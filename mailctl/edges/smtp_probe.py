"""Look at an SMTP host from outside: does port 25 answer, does it offer STARTTLS, and is its certificate good.

Promise: connects to the given addresses and to no other, sends EHLO, STARTTLS and QUIT and never mail; whatever the
other side does is a `Probed`, never an exception, and it comes within the timeout. A host is contacted once a run,
whoever asks.
"""

import asyncio
import errno
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mailctl import trust
from mailctl.standards.dns import Address
from mailctl.standards.mta_sts import covers
from mailctl.standards.reachable import sift

_ADDRESSES = 4  # that are tried at most
_REPLY_LINES = 100
_REPLY_LINE = 4_096  # bytes; RFC 5321 §4.5.3.1.5 allows 512
_REPLY = re.compile(rb"([2-5][0-9]{2})([ -]?)([^\r\n]*)\r?\n")
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
_DATES = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


class Trouble(StrEnum):
    """Why there is no certificate to look at."""

    PRIVATE = "private"  # every address is one that nobody on the Internet can reach; not contacted
    REFUSED = "refused"  # the host is there and does not listen
    NO_ROUTE = "no-route"  # this machine cannot get there
    TIMEOUT = "timeout"
    TURNED_AWAY = "turned-away"  # a greeting or a reply that says no: 421, 554 …
    BROKEN = "broken"  # the connection was cut, or what came is no SMTP
    NO_STARTTLS = "no-starttls"
    TLS = "tls"  # the handshake failed, or STARTTLS was offered and then refused


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as far as it matters here. Times are aware."""

    der: bytes
    spki: bytes  # SubjectPublicKeyInfo, DER
    names: tuple[str, ...]  # the DNS names of subjectAltName; the common name does not count (RFC 9525 §2)
    not_before: datetime
    not_after: datetime
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """What one host showed. `trouble` is None where the handshake was done."""

    host: str
    address: str = ""
    port: int = 25
    trouble: Trouble | None = None
    detail: str = ""
    greeting: str = ""
    extensions: tuple[str, ...] = ()  # the EHLO keywords, in capitals
    protocol: str = ""  # "TLSv1.3"
    cipher: str = ""
    chain: tuple[Certificate, ...] = ()  # as sent, the host's own first
    untrusted: str = ""  # why the chain leads to no known authority; "" where it does, dates aside
    name_matches: bool = False
    no_authorities: bool = False  # this machine has none to verify with, so `untrusted` says nothing

    @property
    def certificate(self) -> Certificate | None:
        return self.chain[0] if self.chain else None


class Prober(Protocol):
    """What `SmtpProber` and `MemoryProber` both are."""

    async def probe(self, host: str, addresses: Sequence[Address], port: int = 25) -> Probed: ...


class MemoryProber:
    """The twin: answers from `hosts`; one that is not there refuses the connection."""

    def __init__(self, hosts: Mapping[str, Probed] | None = None) -> None:
        self.hosts = dict(hosts or {})
        self.asked: list[str] = []

    async def probe(self, host: str, addresses: Sequence[Address], port: int = 25) -> Probed:
        self.asked.append(host)
        address = str(addresses[0]) if addresses else ""
        nothing = Probed(host, address, port, Trouble.REFUSED, "nothing listens there")
        return self.hosts.get(host, nothing)


class _Reply(NamedTuple):
    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}"[:200]


class SmtpProber:
    """The real one. `timeout` is for one host, in seconds; `ca_file` is trusted beside the system's authorities.

    With `allow_private`, addresses that the Internet cannot reach are contacted too: for laboratories. `helo` is
    how it introduces itself. Raises BadInput for a `ca_file` that cannot be used.
    """

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        allow_private: bool = False,
        timeout: float = 6.0,
        helo: str = "mailctl.invalid",
    ) -> None:
        self._ca_file = ca_file
        self._allow_private = allow_private
        self._timeout = timeout
        self._helo = helo
        self._tasks: dict[tuple[str, int], asyncio.Task[Probed]] = {}
        if ca_file is not None:
            self._verifying  # noqa: B018 - a file that cannot be used is refused here and now

    @cached_property
    def _verifying(self) -> ssl.SSLContext:
        context = trust.verifying_context(self._ca_file)
        context.check_hostname = False  # a finding of its own
        return _lenient(context)

    @cached_property
    def _looking(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return _lenient(context)

    async def probe(self, host: str, addresses: Sequence[Address], port: int = 25) -> Probed:
        """Contact `host` at the first of `addresses` that answers; further askers share what came of it."""
        task = self._tasks.get((host, port))
        if task is None:
            task = asyncio.create_task(self._probe(Probed(host, port=port), addresses))
            self._tasks[host, port] = task
        # Shielded: one asker who gives up must not take the answer from the others.
        return await asyncio.shield(task)

    async def _probe(self, blank: Probed, addresses: Sequence[Address]) -> Probed:
        allowed, refused = sift(addresses, allow_private=self._allow_private)
        if not allowed:
            trouble = Trouble.PRIVATE if refused else Trouble.NO_ROUTE
            return replace(blank, trouble=trouble, detail="; ".join(refused) or "it has no address")
        try:
            async with asyncio.timeout(self._timeout):
                return await self._try_each(blank, allowed[:_ADDRESSES])
        except TimeoutError:
            detail = f"no complete dialogue within {self._timeout:g} s"
            return replace(blank, address=str(allowed[0]), trouble=Trouble.TIMEOUT, detail=detail)

    async def _try_each(self, blank: Probed, addresses: Sequence[Address]) -> Probed:
        """The first that lets us in; where none does, what the first one did."""
        patience = self._timeout / len(addresses)
        failures = []
        for address in addresses:
            here = replace(blank, address=str(address))
            try:
                async with asyncio.timeout(patience):
                    reader, writer = await asyncio.open_connection(here.address, here.port, limit=_REPLY_LINE)
            except OSError as error:
                failures.append(_failure(here, error))
                continue
            try:
                return await self._verify(here, reader, writer)
            finally:
                writer.transport.abort()
        return failures[0]

    async def _verify(
        self, here: Probed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Probed:
        """The dialogue with verification; a certificate that fails it is looked at in a second one without."""
        try:
            return await self._dialogue(here, reader, writer, self._verifying)
        except ssl.SSLCertVerificationError as error:
            reason, code = error.verify_message, error.verify_code
        except (OSError, EOFError, ValueError) as error:
            return _failure(here, error)
        writer.transport.abort()
        again: asyncio.StreamWriter | None = None
        try:
            reader, again = await asyncio.open_connection(here.address, here.port, limit=_REPLY_LINE)
            seen = await self._dialogue(here, reader, again, self._looking)
        except (OSError, EOFError, ValueError) as error:
            return _failure(here, error)
        finally:
            if again is not None:
                again.transport.abort()
        if seen.certificate is not None and code in _DATES and not _is_current(seen.certificate):
            reason = ""  # the dates of the host's own certificate say it already
        return replace(seen, untrusted=reason, no_authorities=not trust.has_authorities(self._verifying))

    async def _dialogue(
        self,
        here: Probed,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
    ) -> Probed:
        """Greeting, EHLO, STARTTLS, handshake, QUIT. Raises ssl.SSLError, OSError, EOFError, ValueError."""
        greeting = await _reply(reader)
        here = replace(here, greeting=str(greeting))
        if greeting.code != 220:
            return replace(here, trouble=Trouble.TURNED_AWAY, detail=str(greeting))
        ehlo = await _command(reader, writer, f"EHLO {self._helo}")
        if ehlo.code != 250:
            return replace(here, trouble=Trouble.TURNED_AWAY, detail=f"to EHLO: {ehlo}")
        extensions = tuple(line.split()[0].upper() for line in ehlo.lines[1:] if line.strip())
        here = replace(here, extensions=extensions)
        if "STARTTLS" not in extensions:
            writer.write(b"QUIT\r\n")
            return replace(here, trouble=Trouble.NO_STARTTLS, detail="EHLO does not offer STARTTLS")
        ready = await _command(reader, writer, "STARTTLS")
        if ready.code != 220:
            return replace(here, trouble=Trouble.TLS, detail=f"STARTTLS is offered, and refused: {ready}")
        await writer.start_tls(context, server_hostname=here.host)
        found = _shown(here, writer.get_extra_info("ssl_object"))
        writer.write(b"QUIT\r\n")
        return found


def _lenient(context: ssl.SSLContext) -> ssl.SSLContext:
    """Old protocols and ciphers are to be seen and reported; nothing worth protecting is sent."""
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> _Reply:
    writer.write(f"{line}\r\n".encode("ascii"))
    return await _reply(reader)


async def _reply(reader: asyncio.StreamReader) -> _Reply:
    """One reply of one or more lines (RFC 5321 §4.2.1); ValueError for what is none."""
    lines: list[str] = []
    while len(lines) < _REPLY_LINES:
        found = _REPLY.fullmatch(line := await reader.readline())
        if not line:
            raise EOFError("the connection was closed")
        if found is None:
            raise ValueError(f"not an SMTP reply: {line[:40]!r}")
        lines.append(found.group(3).decode("ascii", "backslashreplace"))
        if found.group(2) != b"-":
            return _Reply(int(found.group(1)), tuple(lines))
    raise ValueError(f"a reply of more than {_REPLY_LINES} lines")


def _failure(here: Probed, error: Exception) -> Probed:
    """What an exception of connecting, of the dialogue or of the handshake means."""
    detail = getattr(error, "strerror", "") or str(error) or type(error).__name__
    match error:
        case ssl.SSLEOFError() | ConnectionResetError() | EOFError():
            trouble = Trouble.BROKEN
        case ssl.SSLError():
            trouble, detail = Trouble.TLS, error.reason or detail
        case ConnectionRefusedError():
            trouble, detail = Trouble.REFUSED, "connection refused"
        case TimeoutError():
            trouble, detail = Trouble.TIMEOUT, "no connection in time"
        case OSError() if error.errno in _NO_ROUTE:
            trouble = Trouble.NO_ROUTE
        case _:
            trouble = Trouble.BROKEN
    return replace(here, trouble=trouble, detail=detail)


def _shown(here: Probed, connection: Any) -> Probed:
    """What the handshake showed. `connection` is an ssl.SSLObject; ValueError for an unreadable certificate."""
    chain = tuple(read_certificate(der) for der in _chain(connection))
    cipher = connection.cipher()
    return replace(
        here,
        protocol=connection.version() or "",
        cipher=cipher[0] if cipher else "",
        chain=chain,
        name_matches=bool(chain) and covers(chain[0].names, here.host),
    )


def _chain(connection: Any) -> tuple[bytes, ...]:
    """The certificates as they were sent, DER."""
    if hasattr(connection, "get_unverified_chain"):  # Python 3.13
        return tuple(connection.get_unverified_chain())
    # Before that the same is there under a private name only.
    inner: Any = getattr(connection, "_sslobj", None)
    if inner is not None and hasattr(inner, "get_unverified_chain"):
        return tuple(ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in inner.get_unverified_chain() or ())
    own = connection.getpeercert(binary_form=True)
    return (own,) if own else ()


def read_certificate(der: bytes) -> Certificate:
    """A certificate as far as it matters here; ValueError for one that cannot be read."""
    # 60 ms to import: only for those who look at certificates.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        certificate = x509.load_der_x509_certificate(der)
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        alternatives = [
            e.value for e in certificate.extensions if isinstance(e.value, x509.SubjectAlternativeName)
        ]
        issuer = certificate.issuer.rfc4514_string()
    except (UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise ValueError(f"a certificate that cannot be read: {error}") from error
    names = [name for value in alternatives for name in value.get_values_for_type(x509.DNSName)]
    return Certificate(
        der, spki, tuple(names), certificate.not_valid_before_utc, certificate.not_valid_after_utc, issuer
    )


def _is_current(certificate: Certificate) -> bool:
    return certificate.not_before <= datetime.now(UTC) <= certificate.not_after
