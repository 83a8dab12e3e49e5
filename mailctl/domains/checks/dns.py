"""The shape of the zone at the domain's name: aliases, and wildcards that answer for everything.

Promise: an alias at a name below the top of a zone is no fault unless other records stand beside it.
"""

import asyncio

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards.dns import Answer, Status, rdata_text
from mailctl.standards.names import is_public_suffix, parent

# A name that nobody publishes at. It is always the same, so that the answer can be cached.
PROBE = "mailctl-wildcard-probe"


async def check(target: Target, tools: Tools) -> list[Finding]:
    """Whether the name is an alias, and whether a wildcard answers for every TXT below it."""
    alias, probe = await asyncio.gather(
        tools.ask(target.name, "CNAME"), tools.ask(f"{PROBE}.{target.name}", "TXT")
    )
    findings = await _alias(target.name, alias, tools)
    if not findings:
        findings = [found("dns.ok", f"{target.name} is not an alias", evidence=[evidence(alias)])]
    return findings + _wildcard(target.name, probe)


async def _alias(name: str, alias: Answer, tools: Tools) -> list[Finding]:
    if not alias.known:
        message = f"whether {name} is an alias is unknown: {describe(alias)}"
        return [found("dns.unknown", message, evidence=[evidence(alias)])]
    if alias.status is not Status.ANSWER:
        return []
    to = alias.hosts()[0]
    others = await asyncio.gather(*(tools.ask(name, rdtype) for rdtype in ("SOA", "NS", "MX", "TXT")))
    beside = [other for other in others if other.status is Status.ANSWER and not other.chain]
    seen = [evidence(alias), *map(evidence, beside)]
    kinds = ", ".join(other.rdtype for other in beside)
    # Where a resolver shows the alias alone: a name that a registry delegates is the top of a zone all the same.
    if {"SOA", "NS"} & {other.rdtype for other in beside} or is_public_suffix(parent(name)):
        message = f"{name} is the top of a zone and an alias of {to}" + (f", beside {kinds}" if kinds else "")
        return [found("dns.cname-at-apex", message, evidence=seen, expected="no CNAME")]
    if beside:
        message = f"{name} is an alias of {to} and has {kinds} of its own"
        return [found("dns.cname-beside-others", message, evidence=seen, expected="a CNAME alone, or none")]
    return [found("dns.alias", f"{name} is an alias of {to}", evidence=seen)]


def _wildcard(name: str, probe: Answer) -> list[Finding]:
    """A wildcard TXT; one that only forbids sending is good practice for names that do not send."""
    texts = probe.texts()
    if probe.chain or not texts or all(text.strip().lower() == "v=spf1 -all" for text in texts):
        return []
    shown = " | ".join(rdata_text(record)[:80] for record in probe.records)
    message = f"every name below {name} has a TXT record: {shown}"
    return [found("dns.wildcard-txt", message, evidence=[evidence(probe)])]
