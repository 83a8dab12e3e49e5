"""What an animal of the zoo is: a small domain below `example.`, what was planted in it, and what must be found.

Promise: a domain is healthy in all that its planting does not touch, so whatever else is found there is a mistake
of the checks. `^` in a value stands for the domain's own name.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailctl.domains.checks.target import Profile, Target
from mailctl.edges.https import Fetched
from mailctl.edges.smtp_probe import Probed
from mailctl.standards.dns import Record, Status

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SPF = "v=spf1 mx ip4:192.0.2.10 -all"
DMARC = "v=DMARC1; p=reject; rua=mailto:dmarc@^"
SERVERS = ("ns1.^", "ns2.^")
MX = ("10 mx1.^", "20 mx2.^")
HOSTS = (
    "ns1 A 192.0.2.1",
    "ns2 A 198.51.100.1",
    "mx1 A 192.0.2.10",
    "mx1 AAAA 2001:db8::10",
    "mx2 A 198.51.100.10",
)
Faults = Mapping[tuple[str, str] | str, Status]


@dataclass(frozen=True)
class Animal:
    """One domain. `found` is every error, warning and unknown that must be told, as "spf.syntax error", no more and
    no less; `noted` are ok and info findings that must be among the rest.

    `second` is what its server ns2 holds of its own: other records, or a status that it answers with. `web` and `mta`
    are the hosts that it has, by URL and by name. `secure`: a validating resolver vouches for its answers.
    """

    name: str
    records: tuple[Record, ...]
    found: tuple[str, ...]
    noted: tuple[str, ...]
    faults: Faults = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    tools: Mapping[str, Any] = field(default_factory=dict)
    web: Mapping[str, Fetched | bytes] = field(default_factory=dict)
    mta: Mapping[str, Probed] = field(default_factory=dict)
    second: tuple[Record, ...] | Status | None = None
    secure: bool = False

    def as_target(self) -> Target:
        wanted = {"selectors": ("s1",), **self.target}
        wanted["sending_ips"] = tuple(map(ip_address, wanted.get("sending_ips", ())))
        return Target(self.name, **wanted)


def animal(
    label: str,
    found: str | Iterable[str] = (),
    noted: str | Iterable[str] = (),
    *,
    spf: str | Iterable[str] | None = SPF,
    dmarc: str | Iterable[str] | None = DMARC,
    key: str | Iterable[str] | None = "rsa 2048",
    mx: Iterable[str] = MX,
    ns: Iterable[str] = SERVERS,
    hosts: Iterable[str] = HOSTS,
    more: Iterable[str] = (),
    faults: Mapping[str, Status] | None = None,
    profile: Profile = Profile.SENDER,
    target: Mapping[str, Any] | None = None,
    second: Sequence[str] | Status | None = None,
    **options: Any,
) -> Animal:
    """A healthy domain with something planted. `label` is the name below `example`.

    `more` are lines "owner TYPE value", an owner being relative to the domain unless it ends in a dot; `faults` go
    by "owner TYPE" or "owner".
    """
    name = f"{label}.example"
    lines = zone_top("^", ns) if ns else []
    lines += [f"^ MX {exchange}" for exchange in mx]
    lines += hosts
    lines += [f"^ TXT {text}" for text in _several(spf)]
    lines += [f"_dmarc TXT {text}" for text in _several(dmarc)]
    lines += [f"s1._domainkey TXT {_key(text)}" for text in _several(key)]
    return Animal(
        name,
        tuple(record(line, name) for line in (*lines, *more)),
        _several(found),
        _several(noted),
        dict(_fault(where, status, name) for where, status in (faults or {}).items()),
        {"profile": profile, **(target or {})},
        second=second
        if second is None or isinstance(second, Status)
        else tuple(record(line, name) for line in second),
        **{key: _own(value, name) for key, value in options.items()},
    )


def zone_top(apex: str, servers: Iterable[str] = ("ns1.^", "ns2.^"), serial: int = 7) -> list[str]:
    """The lines that every zone begins with; the apex is "^" or a name with its final dot."""
    named = [server.replace("^", apex.rstrip(".")) for server in servers]
    soa = f"{named[0]} hostmaster.{apex.rstrip('.')} {serial} 3600 600 86400 60"
    return [f"{apex} SOA {soa}", *(f"{apex} NS {server}" for server in named)]


def _several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _own(value: Any, name: str) -> Any:
    """An option with the domain's own name in its keys."""
    if isinstance(value, dict):
        return {key.replace("^", name): one for key, one in value.items()}
    return value


def absolute(owner: str, name: str) -> str:
    if owner == "^":
        return name
    return owner[:-1].replace("^", name) if owner.endswith(".") else f"{owner}.{name}"


def record(line: str, name: str) -> Record:
    owner, rdtype, value = line.split(" ", 2)
    return Record(absolute(owner, name), rdtype, value.replace("^", name))


def _fault(where: str, status: Status, name: str) -> tuple[tuple[str, str] | str, Status]:
    owner, _, rdtype = where.partition(" ")
    return ((absolute(owner, name), rdtype) if rdtype else absolute(owner, name)), status


def _key(text: str) -> str:
    """A key record; "rsa 2048" and "ed25519" stand for whole ones."""
    kind, _, bits = text.partition(" ")
    if kind == "rsa" and bits.isdecimal():
        return rsa(int(bits))
    return ed25519() if text == "ed25519" else text


@cache
def public(bits: int) -> str:
    """An RSA public key in base64; nobody holds its private half, nor need the modulus be a product of two primes."""
    noise = b"".join(hashlib.sha512(f"{bits} {part}".encode()).digest() for part in range(bits // 512 + 1))
    modulus = int.from_bytes(noise, "big") % (1 << (bits - 1)) | 1 << (bits - 1) | 1
    key = RSAPublicNumbers(65537, modulus).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def rsa(bits: int, *, tags: str = "v=DKIM1; k=rsa;") -> str:
    return f"{tags} p={public(bits)}"


def ed25519(*, wrapped: bool = False) -> str:
    """An Ed25519 record; `wrapped` in DER, as it must not be (RFC 8463 §4.2)."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    raw = key.public_bytes(
        Encoding.DER if wrapped else Encoding.Raw,
        PublicFormat.SubjectPublicKeyInfo if wrapped else PublicFormat.Raw,
    )
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
