"""Look at an SMTP host from outside: does port 25 answer, does it offer STARTTLS, and is its certificate good.

Promise: connects to the given addresses and to no other, sends EHLO, STARTTLS and QUIT and never mail; whatever the
other side does is a `Probed`, never an exception, and it comes within the timeout. A host is contacted once a run,
whoever asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mailctl.standards.dns import Address


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
    names: tuple[str, ...]  # the DNS names of subjectAltName, or else the common name
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
    untrusted: str = ""  # why the chain leads to no known authority; "" where it does
    name_matches: bool = False

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
