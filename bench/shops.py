"""The domains that verifying checks: well-kept shops, three in twenty of them with one fault each.

Promise: every shop has names, hosts and addresses of its own, so that neither checker learns anything about one from
another, and neither has anybody to contact but the DNS (no MTA-STS, no BIMI).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from mailctl.standards import dkim
from mailctl.standards.dns import Record

SELECTOR = "s1"


@dataclass(frozen=True)
class Fault:
    """One fault: our finding of it, and how the peer's result of the domain tells it."""

    finding: str
    told_by_peer: Callable[[Mapping[str, Any]], bool]


# By the number of the shop modulo EVERY.
EVERY = 20
FAULTS = {
    3: Fault("spf.multiple-records", lambda result: not result["spf"]["valid"]),
    9: Fault("dmarc.missing", lambda result: not result["dmarc"]["valid"]),
    15: Fault("mx.unresolvable", lambda result: any("mail2." in w for w in result["mx"]["warnings"])),
}


def names(count: int) -> list[str]:
    return [f"shop{number}.example" for number in range(count)]


def fault_of(name: str) -> Fault | None:
    return FAULTS.get(int(name.removeprefix("shop").partition(".")[0]) % EVERY)


def records(count: int) -> list[Record]:
    """Everything that the DNS holds about the shops."""
    key = dkim.public_text(dkim.generate("rsa"))
    return [record for number, name in enumerate(names(count)) for record in _shop(number, name, key)]


def _shop(number: int, name: str, key: str) -> Sequence[Record]:
    # Addresses of the world outside: both checkers warn of the ones for documentation. Nobody contacts them.
    net, hosts = f"185.{20 + number // 250}.{number % 250}", {"mail": 10, "mail2": 11}
    fault = FAULTS.get(number % EVERY)
    without = {"mx.unresolvable": f"mail2.{name}", "dmarc.missing": f"_dmarc.{name}"}
    made = [
        Record(name, "SOA", f"ns1.{name} hostmaster.{name} 7 3600 600 86400 60"),
        *(Record(name, "NS", f"ns{server}.{name}") for server in (1, 2)),
        *(Record(f"ns{server}.{name}", "A", f"{net}.{server}") for server in (1, 2)),
        *(Record(name, "MX", f"{last} {host}.{name}") for host, last in hosts.items()),
        *(Record(f"{host}.{name}", "A", f"{net}.{last}") for host, last in hosts.items()),
        *(Record(f"{host}.{name}", "AAAA", f"2a01:4f8:{number:x}::{last}") for host, last in hosts.items()),
        Record(name, "TXT", f"v=spf1 ip4:{net}.10 include:_spf.{name} -all"),
        Record(f"_spf.{name}", "TXT", f"v=spf1 ip4:{net}.11 -all"),
        Record(f"_dmarc.{name}", "TXT", f"v=DMARC1; p=reject; rua=mailto:dmarc@{name}"),
        Record(f"_smtp._tls.{name}", "TXT", f"v=TLSRPTv1; rua=mailto:tls@{name}"),
        Record(f"{SELECTOR}._domainkey.{name}", "TXT", key),
        *(Record(_reverse(f"{net}.{last}"), "PTR", f"{host}.{name}") for host, last in hosts.items()),
        *(
            Record(_reverse(f"2a01:4f8:{number:x}::{last}"), "PTR", f"{host}.{name}")
            for host, last in hosts.items()
        ),
    ]
    if fault and fault.finding == "spf.multiple-records":
        made.append(Record(name, "TXT", "v=spf1 mx -all"))
    return [record for record in made if not fault or record.name != without.get(fault.finding)]


def _reverse(address: str) -> str:
    return ip_address(address).reverse_pointer
