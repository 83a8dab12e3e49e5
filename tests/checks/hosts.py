"""A healthy domain on its servers, for the checks of hosts and zones; tests break one thing at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, Severity
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards.dns import Record, Status

NAME = "shop.example"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
V4, V6 = ip_address("192.0.2.10"), ip_address("2001:db8::10")
HEALTHY = (
    Record(NAME, "SOA", f"ns1.{NAME} hostmaster.{NAME} 7 3600 600 86400 60"),
    Record(NAME, "NS", f"ns1.{NAME}"),
    Record(NAME, "NS", f"ns2.{NAME}"),
    Record(f"ns1.{NAME}", "A", "192.0.2.1"),
    Record(f"ns2.{NAME}", "A", "198.51.100.1"),
    Record(NAME, "MX", f"10 mail.{NAME}"),
    Record(NAME, "MX", f"20 mail2.{NAME}"),
    Record(f"mail.{NAME}", "A", str(V4)),
    Record(f"mail.{NAME}", "AAAA", str(V6)),
    Record(f"mail2.{NAME}", "A", "198.51.100.10"),
    Record(NAME, "TXT", "v=spf1 ip4:192.0.2.10 -all"),
    Record(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=reject"),
    Record(V4.reverse_pointer, "PTR", f"mail.{NAME}"),
    Record(V6.reverse_pointer, "PTR", f"mail.{NAME}"),
)

Check = Callable[[Target, Tools], Awaitable[list[Finding]]]
Faults = Mapping[tuple[str, str] | str, Status]


def zone(
    *, without: Iterable[tuple[str, str]] = (), more: Iterable[Record] = (), base: Iterable[Record] = HEALTHY
) -> tuple[Record, ...]:
    """The healthy zone without some record sets, and with other records."""
    gone = set(without)
    return (*(record for record in base if (record.name, record.rdtype) not in gone), *more)


def run(
    check: Check,
    records: Iterable[Record] = HEALTHY,
    *,
    faults: Faults | None = None,
    target: Mapping[str, Any] | None = None,
    **tools: Any,
) -> list[Finding]:
    """What a check finds in these records. Whatever it finds is in the catalogue and, save for ok, has evidence."""
    options = {key: tools.pop(key) for key in ("servers", "authenticated") if key in tools}
    resolver = MemoryResolver(records, zones=("", NAME), faults=faults, **options)
    return run_on(check, resolver, target=target, **tools)


def run_on(
    check: Check, resolver: Any, *, target: Mapping[str, Any] | None = None, **tools: Any
) -> list[Finding]:
    wanted = Target(**{"name": NAME, **(target or {})})
    findings = list(asyncio.run(_run(check, wanted, Tools(dns=resolver, now=NOW, **tools))))
    for finding in findings:
        assert finding.message, finding.id
        assert finding.reference, finding.id
        assert finding.evidence or finding.severity in (Severity.OK, Severity.UNKNOWN), finding.id
    return findings


async def _run(check: Check, target: Target, tools: Tools) -> list[Finding]:
    return await check(target, tools)


def ids(findings: Iterable[Finding]) -> list[str]:
    """Each finding's id and severity, sorted: "mx.ok ok"."""
    return sorted(f"{finding.id} {finding.severity}" for finding in findings)
