"""What the DNS should say for a domain that mailctl sends for: the one list that setup publishes and verify expects.

Promise: pure, and the same for the same `MailDomain`. Three records depend on what is there already (SPF is
edited, DMARC is never weakened, addresses are added to): those are settled in zone_plan.py, from these wishes.
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from mailctl.standards.dns import Address, Record

RETURN_PATH_LABEL = "bounces"
DELEGATED_SLOTS = ("mc1", "mc2")  # the two CNAMEs that a client adds once


class Purpose(StrEnum):
    """Why a record is wanted; the first part of the ids of its findings."""

    SPF = "spf"
    RETURN_PATH_SPF = "spf.return-path"
    HELO_SPF = "spf.helo"
    RETURN_PATH_MX = "mx.return-path"
    MX = "mx.domain"
    DKIM = "dkim"
    DKIM_DELEGATION = "dkim.delegation"
    DMARC = "dmarc"
    HOST_ADDRESS = "dns.host-address"
    PTR = "ptr"


@dataclass(frozen=True, slots=True)
class DomainKey:
    """The public half of a signing key. `state` is that of store.tables.DkimKey."""

    selector: str
    algorithm: str  # "rsa" or "ed25519"
    text: str  # the TXT value
    state: str = "active"


@dataclass(frozen=True, slots=True)
class MailDomain:
    """A domain as mailctl should run it."""

    name: str
    hostname: str
    ipv4: tuple[IPv4Address, ...] = ()
    ipv6: tuple[IPv6Address, ...] = ()
    keys: tuple[DomainKey, ...] = ()
    delegation_zone: str | None = None  # where delegated keys are published
    dmarc_policy: str | None = None  # None: keep what is there, "none" where nothing is
    report_address: str | None = None
    receives_mail: bool = False
    ttl: int = 3600

    @property
    def addresses(self) -> tuple[Address, ...]:
        return (*self.ipv4, *self.ipv6)

    @property
    def return_path(self) -> str:
        """The domain of the envelope sender; relaxed alignment accepts it (RFC 9989 §4.4.2)."""
        return f"{RETURN_PATH_LABEL}.{self.name}"

    @property
    def holds_host(self) -> bool:
        """Whether the sending host's own name lies in this domain."""
        return self.hostname == self.name or self.hostname.endswith(f".{self.name}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A wish: one RRset, why, and whether it can be published in the domain's own zone."""

    purpose: Purpose
    name: str
    rdtype: str
    values: tuple[str, ...]
    why: str
    zone: str | None  # None: the domain's own zone; "" : in nobody's zone that mailctl can write
    ttl: int

    def records(self) -> tuple[Record, ...]:
        return tuple(Record(self.name, self.rdtype, value, self.ttl) for value in self.values)


ELSEWHERE = ""


def key_place(domain: str, selector: str, delegation_zone: str | None) -> tuple[str, str | None]:
    """Name and zone of a selector's TXT: at home (None), or in the delegation zone that a CNAME points into.

    A key from before the delegation keeps its selector, and with it its place at home.
    """
    if delegation_zone and selector in DELEGATED_SLOTS:
        return f"{selector}.{domain}.{delegation_zone}", delegation_zone
    return f"{selector}._domainkey.{domain}", None


def _wish(
    domain: MailDomain,
    purpose: Purpose,
    name: str,
    rdtype: str,
    values: tuple[str, ...],
    why: str,
    zone: str | None = None,
) -> Wanted:
    return Wanted(purpose, name, rdtype, values, why, zone, domain.ttl)


def wanted(domain: MailDomain) -> tuple[Wanted, ...]:
    """All wishes for one domain, in the order in which a person would read them."""
    exchange = (f"10 {domain.hostname}",)
    wishes = [
        _wish(domain, Purpose.SPF, domain.name, "TXT", (), "the host may send as the domain (RFC 7208)"),
        _wish(
            domain,
            Purpose.RETURN_PATH_MX,
            domain.return_path,
            "MX",
            exchange,
            "bounces come back to the host",
        ),
        _wish(domain, Purpose.RETURN_PATH_SPF, domain.return_path, "TXT", (), "SPF of the envelope sender"),
        *_key_wishes(domain),
        _wish(
            domain, Purpose.DMARC, f"_dmarc.{domain.name}", "TXT", (), "what receivers shall do (RFC 9989)"
        ),
    ]
    if domain.receives_mail:
        wishes.append(
            _wish(domain, Purpose.MX, domain.name, "MX", exchange, "the host takes the domain's mail")
        )
    return (*wishes, *_host_wishes(domain))


def _key_wishes(domain: MailDomain) -> list[Wanted]:
    wishes = []
    for slot in DELEGATED_SLOTS if domain.delegation_zone else ():
        name = f"{slot}._domainkey.{domain.name}"
        target = (key_place(domain.name, slot, domain.delegation_zone)[0],)
        wishes.append(
            _wish(domain, Purpose.DKIM_DELEGATION, name, "CNAME", target, "delegates the key; added once")
        )
    for key in domain.keys:
        if key.state != "retired":
            name, zone = key_place(domain.name, key.selector, domain.delegation_zone)
            why = f"public key, {key.algorithm} ({'RFC 8463' if key.algorithm == 'ed25519' else 'RFC 6376'})"
            wishes.append(_wish(domain, Purpose.DKIM, name, "TXT", (key.text,), why, zone))
    return wishes


def _host_wishes(domain: MailDomain) -> list[Wanted]:
    at_home = None if domain.holds_host else ELSEWHERE
    wishes = []
    for rdtype, addresses in (("A", domain.ipv4), ("AAAA", domain.ipv6)):
        values = tuple(str(address) for address in addresses)
        if values:
            why = "the host's name leads to its address"
            wishes.append(_wish(domain, Purpose.HOST_ADDRESS, domain.hostname, rdtype, values, why, at_home))
    if domain.holds_host and domain.hostname not in (domain.name, domain.return_path):
        wishes.append(
            _wish(
                domain, Purpose.HELO_SPF, domain.hostname, "TXT", (), "SPF of the HELO name (RFC 7208 §2.3)"
            )
        )
    for address in domain.addresses:
        why = "the address leads to the host's name; set by whoever gave you the address"
        pointer = address.reverse_pointer
        wishes.append(_wish(domain, Purpose.PTR, pointer, "PTR", (domain.hostname,), why, ELSEWHERE))
    return wishes
