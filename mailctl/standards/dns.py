"""What the DNS answered, as values. The vocabulary that resolvers speak and standards understand.

Promise: only `NODATA` and `NXDOMAIN` may ever be read as "there is none"; every other status that is
not `ANSWER` means that nothing is known (verifier.md, "Verdicts"). Names are lower case A-labels without
the final dot; the root is "".
"""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol


class Status(StrEnum):
    """The outcome of one question (RFC 1035 §4.1.1, RFC 2308 §2, RFC 8914)."""

    ANSWER = "answer"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"  # also: an answer that cannot be parsed
    REFUSED = "refused"
    TIMEOUT = "timeout"
    BOGUS = "bogus"  # fails DNSSEC validation, answers with CD=1


@dataclass(frozen=True, slots=True)
class Txt:
    """A TXT record: its character-strings (RFC 1035 §3.3.14), at most 255 bytes each."""

    strings: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """The strings joined without a space (RFC 7208 §3.3, RFC 6376 §3.6.2.2), one character a byte."""
        return b"".join(self.strings).decode("latin-1")


@dataclass(frozen=True, slots=True)
class Mx:
    """An MX record; `host` is "" for a null MX (RFC 7505)."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class Host:
    """The target of an NS, CNAME or PTR record."""

    name: str


@dataclass(frozen=True, slots=True)
class Raw:
    """Any other record, in presentation format."""

    text: str


Address = IPv4Address | IPv6Address
Rdata = Txt | Mx | Host | Raw | IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and what came back. `records` is empty unless `status` is ANSWER."""

    name: str
    rdtype: str
    status: Status
    records: tuple[Rdata, ...] = ()
    ttl: int = 0
    server: str = ""  # "192.0.2.53:53", or where else it came from
    detail: str = ""  # an extended DNS error, or what was wrong with the answer
    authenticated: bool = False  # AD, from a resolver that is trusted
    chain: tuple[str, ...] = field(default=())  # the names that CNAMEs led through, the last one included

    @property
    def known(self) -> bool:
        """Whether the DNS said yes or no; False means that nothing is known."""
        return self.status in (Status.ANSWER, Status.NODATA, Status.NXDOMAIN)

    @property
    def absent(self) -> bool:
        """Whether the DNS said that there is no such record."""
        return self.status in (Status.NODATA, Status.NXDOMAIN)

    def texts(self) -> tuple[str, ...]:
        return tuple(r.text for r in self.records if isinstance(r, Txt))

    def hosts(self) -> tuple[str, ...]:
        return tuple(r.name for r in self.records if isinstance(r, Host))

    def exchanges(self) -> tuple[Mx, ...]:
        return tuple(r for r in self.records if isinstance(r, Mx))

    def addresses(self) -> tuple[Address, ...]:
        return tuple(r for r in self.records if isinstance(r, IPv4Address | IPv6Address))


class Lookup(Protocol):
    """How standards ask: a name and a type in, an `Answer` out. Never raises for what the DNS does."""

    def __call__(self, name: str, rdtype: str) -> Awaitable[Answer]: ...


def split_txt(text: str) -> tuple[bytes, ...]:
    """The character-strings that publish `text`: 255 bytes each (RFC 1035 §3.3.14)."""
    data = text.encode("latin-1")
    return tuple(data[i : i + 255] for i in range(0, max(len(data), 1), 255))


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """A record as mailctl plans and publishes it.

    `value` is the presentation form without final dots: for TXT the joined text unquoted, for MX
    "10 mail.example", for CNAME the target, for A and AAAA the address.
    """

    name: str
    rdtype: str
    value: str
    ttl: int = 3600


@dataclass(frozen=True, slots=True)
class RRsetChange:
    """One RRset from what was seen to what is wanted: `before` is also the prerequisite (RFC 2136 §2.4)."""

    name: str
    rdtype: str
    before: tuple[Record, ...]
    after: tuple[Record, ...]


def rrset(records: Iterable[Record], name: str, rdtype: str) -> tuple[Record, ...]:
    return tuple(sorted(r for r in records if (r.name, r.rdtype) == (name, rdtype)))


def rdata_text(rdata: Rdata) -> str:
    """An rdata as `Record.value` writes it."""
    match rdata:
        case Txt() | Raw():
            return rdata.text
        case Mx():
            return f"{rdata.preference} {rdata.host or '.'}"
        case Host():
            return rdata.name
        case _:
            return str(rdata)


def record_rdata(record: Record) -> Rdata:
    """The rdata that `record.value` writes; ValueError where it cannot be one."""
    match record.rdtype:
        case "TXT":
            return Txt(split_txt(record.value))
        case "MX":
            preference, _, host = record.value.partition(" ")
            return Mx(int(preference), host.rstrip("."))
        case "CNAME" | "NS" | "PTR":
            return Host(record.value)
        case "A" | "AAAA":
            return ip_address(record.value)
        case _:
            return Raw(record.value)
