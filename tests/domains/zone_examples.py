"""A domain, its keys and its zone, for the tests of plans and of what is made of them."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any

from mailctl.domains.desired import DomainKey, MailDomain
from mailctl.domains.publish import look
from mailctl.domains.zone_plan import Seen, ZonePlan, plan_zone, questions
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards import dkim
from mailctl.standards.dns import Record, Status

NAME, HOST, RETURN_PATH = "shop.example", "mail.shop.example", "bounces.shop.example"
IPV4, IPV6 = ip_address("192.0.2.10"), ip_address("2001:db8::10")
PTR4, PTR6 = IPV4.reverse_pointer, IPV6.reverse_pointer
KEY_TEXT = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
OTHER_KEY = "v=DKIM1; k=ed25519; p=AAAAAAAxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
KEY = DomainKey("mc20261124-ed", "ed25519", KEY_TEXT)
KEY_NAME = f"{KEY.selector}._domainkey.{NAME}"
HOUSE = "dkim.house.example"


def mail_domain(**changes: Any) -> MailDomain:
    facts: dict[str, Any] = {
        "name": NAME,
        "hostname": HOST,
        "ipv4": (IPV4,),
        "ipv6": (IPV6,),
        "keys": (KEY,),
        "dmarc_policy": "none",
    }
    return MailDomain(**{**facts, **changes})


def records(*lines: tuple[str, str, str]) -> tuple[Record, ...]:
    return tuple(Record(name, rdtype, value) for name, rdtype, value in lines)


# What `mail_domain()` should have, in the zone and outside of it.
COMPLETE = records(
    (NAME, "TXT", f"v=spf1 ip4:{IPV4} ip6:{IPV6} ~all"),
    (RETURN_PATH, "MX", f"10 {HOST}"),
    (RETURN_PATH, "TXT", f"v=spf1 ip4:{IPV4} ip6:{IPV6} -all"),
    (KEY_NAME, "TXT", KEY_TEXT),
    (f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=none"),
    (HOST, "A", str(IPV4)),
    (HOST, "AAAA", str(IPV6)),
    (HOST, "TXT", f"v=spf1 ip4:{IPV4} ip6:{IPV6} -all"),
    (PTR4, "PTR", HOST),
    (PTR6, "PTR", HOST),
)


def but(*changed: tuple[str, str, str | None]) -> tuple[Record, ...]:
    """COMPLETE with the RRsets that are named replaced, or taken out (None)."""
    named = {(name, rdtype) for name, rdtype, _ in changed}
    kept = tuple(record for record in COMPLETE if (record.name, record.rdtype) not in named)
    return kept + tuple(Record(name, rdtype, value) for name, rdtype, value in changed if value is not None)


def see(zone: Iterable[Record], domain: MailDomain, faults: Mapping[Any, Status] | None = None) -> Seen:
    return asyncio.run(look(MemoryResolver(zone, faults=faults), questions(domain)))


def plan(
    zone: Iterable[Record],
    domain: MailDomain | None = None,
    *,
    weaken: bool = False,
    faults: Mapping[Any, Status] | None = None,
) -> ZonePlan:
    domain = domain or mail_domain()
    return plan_zone(domain, see(zone, domain, faults), weaken_dmarc=weaken)


@cache
def key_pem(algorithm: str, number: int = 0) -> bytes:
    """A private key, made once in a test run; RSA as short as verifiers take it, for it is made and checked faster."""
    return dkim.generate("ed25519" if algorithm == "ed25519" else "rsa", 1024)
