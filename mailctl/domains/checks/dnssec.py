"""DNSSEC: secure, unsigned, or broken (RFC 4035 §4.3), as far as the resolver can be believed.

Promise: `ok` rests on the AD bit of a trusted resolver; `bogus` on a refusal that turns into an answer once the
resolver is told not to check. No signature is verified here.
"""

import asyncio

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.holding import holding_zone
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.errors import Undetermined
from mailctl.standards.dns import Answer, Status, rdata_text
from mailctl.standards.dnssec import leads_to_key


async def check(target: Target, tools: Tools) -> list[Finding]:
    """One finding on how the domain stands with DNSSEC."""
    asked = await asyncio.gather(*(tools.ask(target.name, rdtype) for rdtype in ("SOA", "MX", "TXT")))
    bogus = [answer for answer in asked if answer.status is Status.BOGUS]
    if bogus:
        return [_bogus(target.name, bogus)]
    if asked[0].authenticated:
        message = f"{target.name} is signed, and a trusted resolver validated it"
        return [found("dnssec.ok", message, evidence=[evidence(asked[0])])]
    try:
        zone = await holding_zone(target, tools)
    except Undetermined:
        return []  # the check of the name servers says that the zone is unknown
    return [await _delegation(zone, tools)] if zone else []


def _bogus(name: str, answers: list[Answer]) -> Finding:
    return found(
        "dnssec.bogus",
        f"{name} fails validation: {describe(answers[0])}",
        evidence=map(evidence, answers),
        expected="signatures that validate, or no DS record",
    )


async def _delegation(zone: str, tools: Tools) -> Finding:
    """What the parent says about the zone, for an answer that nobody vouched for."""
    ds, keys = await asyncio.gather(tools.ask(zone, "DS"), tools.ask(zone, "DNSKEY"))
    seen = [evidence(ds), evidence(keys)]
    if Status.BOGUS in (ds.status, keys.status):
        return _bogus(zone, [answer for answer in (ds, keys) if answer.status is Status.BOGUS])
    if not ds.known:
        return found("dnssec.unknown", f"whether {zone} is signed is unknown: {describe(ds)}", evidence=seen)
    if ds.absent:
        if keys.status is Status.ANSWER:
            return found("dnssec.island", f"{zone} has keys, but its parent has no DS record", evidence=seen)
        return found("dnssec.unsigned", f"{zone} is not signed", evidence=seen[:1])
    if not keys.known:
        return found("dnssec.unknown", f"the keys of {zone} are unknown: {describe(keys)}", evidence=seen)
    if not leads_to_key(zone, map(rdata_text, ds.records), map(rdata_text, keys.records)):
        message = f"none of the DS records of {zone} is of one of its keys"
        return found("dnssec.no-key", message, evidence=seen, expected="a DS of a key that the zone has")
    doubt = (
        "no validating resolver vouched for it" if tools.trust_ad else "the resolver is not trusted to say"
    )
    return found("dnssec.not-proven", f"{zone} is signed; whether it validates: {doubt}", evidence=seen)
