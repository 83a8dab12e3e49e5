"""Sending addresses on DNS block lists (RFC 5782), in the lists that somebody named and in no others.

Promise: a list is believed only after its test entries; one that fails them is one `unknown`, for however many
addresses.
"""

import asyncio

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, evidence
from mailctl.standards import dnsbl
from mailctl.standards.dns import Address
from mailctl.standards.dnsbl import Verdict

MOST_REASON = 300  # characters of a list's own words that are repeated


async def check(target: Target, tools: Tools) -> list[Finding]:
    """Every sending address in every list of `tools.dnsbls`."""
    zones = tuple(dict.fromkeys(zone.strip(".").lower() for zone in tools.dnsbls))
    addresses = tuple(dict.fromkeys(target.sending_ips))
    if not zones or not addresses:
        return []
    by_zone = await asyncio.gather(*(_check_zone(zone, addresses, tools) for zone in zones))
    findings = [finding for findings in by_zone for finding in findings]
    if not findings:
        message = f"{_joined(addresses)} in none of {', '.join(zones)}"
        return [found("dnsbl.ok", message)]
    return findings


def _joined(addresses: tuple[Address, ...]) -> str:
    return ", ".join(map(str, addresses))


async def _check_zone(zone: str, addresses: tuple[Address, ...], tools: Tools) -> list[Finding]:
    trouble = await _test(zone, 4, tools)
    if trouble is not None:
        return [trouble]
    findings: list[Finding] = []
    if any(address.version == 6 for address in addresses):
        trouble = await _test(zone, 6, tools)
        if trouble is not None:
            findings.append(trouble)
            addresses = tuple(address for address in addresses if address.version == 4)
    found_by_address = await asyncio.gather(*(_look_up(address, zone, tools) for address in addresses))
    return findings + [finding for finding in found_by_address if finding is not None]


async def _test(zone: str, version: int, tools: Tools) -> Finding | None:
    """What is wrong with a list by its test entries for IPv4 or IPv6 (RFC 5782 §5)."""
    points = [next(p for p in both if p.version == version) for both in (dnsbl.LISTED, dnsbl.NOT_LISTED)]
    answers = await asyncio.gather(*(tools.ask(dnsbl.query_name(point, zone), "A") for point in points))
    trouble = dnsbl.judge(answers[0], answers[1], points[0], points[1])
    if not trouble:
        return None
    if version == 6 and answers[0].absent:  # many lists are for IPv4 alone
        message = f"{zone} does not list the IPv6 test entry, so it was not asked about IPv6"
        return found("dnsbl.no-ipv6", message, evidence=map(evidence, answers))
    return found(
        "dnsbl.unknown",
        f"{zone} says nothing: {trouble}",
        evidence=map(evidence, answers),
        expected=f"{points[0]} listed, {points[1]} not",
    )


async def _look_up(address: Address, zone: str, tools: Tools) -> Finding | None:
    name = dnsbl.query_name(address, zone)
    answer = await tools.ask(name, "A")
    listing = dnsbl.read(answer)
    if listing.verdict is Verdict.CLEAN:
        return None
    if listing.verdict is not Verdict.LISTED:
        message = f"{zone} says nothing about {address}: {listing.reason}"
        return found("dnsbl.unknown", message, evidence=[evidence(answer)])
    texts = await tools.ask(name, "TXT")  # RFC 5782 §2.1: the reason
    reason = " ".join(texts.texts())[:MOST_REASON]
    codes = ", ".join(map(str, listing.codes))
    return found(
        "dnsbl.listed",
        f"{address} is listed by {zone} ({codes})" + (f": {reason}" if reason else ""),
        evidence=[evidence(answer), evidence(texts)],
        expected="NXDOMAIN",
    )
