"""Whether the domain is there at all: the one question that decides whether the others make sense.

Promise: `exists` gives at most one finding; where it gives one, everything else would only repeat that cause.
"""

import asyncio

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards.dns import Answer, Status


async def exists(target: Target, tools: Tools) -> Finding | None:
    """The finding that ends the check of this domain, or None where the DNS knows the name."""
    first = await tools.ask(target.name, "SOA")
    if first.status in (Status.ANSWER, Status.NODATA):
        return None
    # Servers that know only some types, and a fault at one type, are no verdict on the name.
    others = await asyncio.gather(tools.ask(target.name, "MX"), tools.ask(target.name, "TXT"))
    if any(answer.status in (Status.ANSWER, Status.NODATA) for answer in others):
        return None
    return _absence(target.name, (first, *others))


async def check(target: Target, tools: Tools) -> list[Finding]:
    """One finding: the domain exists, or why nothing else can be said about it."""
    finding = await exists(target, tools)
    if finding is not None:
        return [finding]
    seen = await tools.ask(target.name, "SOA")
    return [found("domain.ok", f"{target.name} exists", evidence=[evidence(seen)])]


def _absence(name: str, answers: tuple[Answer, ...]) -> Finding:
    gone = [answer for answer in answers if answer.status is Status.NXDOMAIN]
    bogus = [answer for answer in answers if answer.status is Status.BOGUS]
    if bogus:
        return found(
            "dnssec.bogus",
            f"{describe(bogus[0])}: resolvers that validate do not see this domain, others do",
            evidence=map(evidence, bogus),
            expected="signatures that validate, or no DS record",
        )
    if not gone:
        return found(
            "domain.unknown", f"the DNS says nothing about {name}: {describe(answers[0])}",
            evidence=map(evidence, answers),
        )  # fmt: skip
    if gone[0].chain:
        message = f"{name} is an alias of {gone[0].chain[-1]}, which does not exist"
        return found("domain.leads-nowhere", message, evidence=map(evidence, gone[:1]))
    return found(
        "domain.does-not-exist", f"{name} does not exist (NXDOMAIN)", evidence=map(evidence, gone[:1])
    )
