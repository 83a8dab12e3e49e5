"""Names of sending addresses: PTR, its forward confirmation, and the HELO name.

Promise: only addresses that somebody named as senders are looked at; one finding for each address and cause.
"""

import asyncio
import re
from collections.abc import Sequence

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards.dns import Address, Answer

MOST_NAMES = 10  # RFC 7208 §5.5 looks at ten as well; a reverse zone may hold thousands


async def check(target: Target, tools: Tools) -> list[Finding]:
    """PTR and forward confirmation of every sending address, and where the HELO name leads."""
    addresses = tuple(dict.fromkeys(target.sending_ips))
    checks = [_check_address(address, target, tools) for address in addresses]
    found_by_address = await asyncio.gather(*checks, _check_helo(target, tools))
    return [finding for findings in found_by_address for finding in findings]


async def _check_address(address: Address, target: Target, tools: Tools) -> list[Finding]:
    answer = await tools.ask(address.reverse_pointer, "PTR")
    if not answer.known:
        message = f"the name of {address} is unknown: {describe(answer)}"
        return [found("ptr.unknown", message, evidence=[evidence(answer)])]
    wanted = _fix(address, target)
    if answer.absent:
        message = f"{address} has no PTR record"
        expected = "a PTR record with the host's name"
        return [found("ptr.missing", message, evidence=[evidence(answer)], expected=expected, fix=wanted)]
    names = answer.hosts()[:MOST_NAMES]
    forward = await asyncio.gather(*(_forward(name, address, tools) for name in names))
    confirmed = [one.name for one in forward if address in one.addresses()]
    seen = [evidence(answer), *map(evidence, forward)]
    if not confirmed:
        return [_unconfirmed(address, forward, answer, wanted)]
    findings = []
    if len(answer.hosts()) > 1:
        message = f"{address} has {len(answer.hosts())} names; {', '.join(confirmed)} lead back to it"
        findings.append(found("ptr.several", message, evidence=seen))
    if all(is_generic(name, address) for name in confirmed):
        message = f"{address} is called {confirmed[0]}, a name made of its numbers"
        expected = "the host's own name"
        return [*findings, found("ptr.generic", message, evidence=seen, expected=expected, fix=wanted)]
    message = f"{address} is called {confirmed[0]}, which leads back to it"
    return [found("ptr.ok", message, evidence=seen), *findings]


def _fix(address: Address, target: Target) -> str:
    """Who can mend it, and what to ask for."""
    name = target.hostname or f"mail.{target.name}"
    return f"ask whoever gave you the address to set {address.reverse_pointer}. PTR {name}."


async def _forward(name: str, address: Address, tools: Tools) -> Answer:
    return await tools.ask(name, "A" if address.version == 4 else "AAAA")


def _unconfirmed(address: Address, forward: Sequence[Answer], answer: Answer, wanted: str) -> Finding:
    unknown = [one for one in forward if not one.known]
    seen = [evidence(answer), *map(evidence, forward)]
    if unknown:
        message = f"whether the name of {address} leads back to it is unknown: {describe(unknown[0])}"
        return found("ptr.unknown", message, evidence=seen)
    leads = "; ".join(
        f"{one.name} has " + (", ".join(map(str, one.addresses())) or f"no {one.rdtype} record")
        for one in forward
    )
    record = f"{forward[0].name}. 3600 IN {forward[0].rdtype} {address}"
    return found(
        "ptr.not-confirmed",
        f"no name of {address} leads back to it: {leads}",
        evidence=seen,
        expected=record,
        fix=f"{record}  (or {wanted})",
    )


def is_generic(name: str, address: Address) -> bool:
    """Whether a host name spells out all four numbers of its IPv4 address, forwards or backwards.

    Only the exact sequence counts: a name may hold numbers for good reasons.
    """
    if address.version != 4:
        return False
    octets = str(address).split(".")
    numbers = [str(int(number)) for number in re.findall(r"\d{1,9}", name)]
    runs = [numbers[start : start + 4] for start in range(len(numbers) - 3)]
    return octets in runs or octets[::-1] in runs


async def _check_helo(target: Target, tools: Tools) -> list[Finding]:
    """Where the HELO name leads; nothing to say where it is not known, or leads where it should."""
    name = target.hostname
    if not name:
        return []
    answers = await asyncio.gather(tools.ask(name, "A"), tools.ask(name, "AAAA"))
    addresses = {address for answer in answers for address in answer.addresses()}
    seen = [evidence(answer) for answer in answers]
    unknown = [answer for answer in answers if not answer.known]
    if not addresses and unknown:
        return [found("ptr.unknown", f"where {name} leads is unknown: {describe(unknown[0])}", evidence=seen)]
    records = "\n".join(
        f"{name}. 3600 IN {'A' if address.version == 4 else 'AAAA'} {address}"
        for address in target.sending_ips
    )
    if not addresses:
        message = f"the HELO name {name} has neither A nor AAAA"
        return [found("ptr.helo-missing", message, evidence=seen, expected=records, fix=records)]
    if target.sending_ips and not unknown and not addresses & set(target.sending_ips):
        leads = ", ".join(sorted(map(str, addresses)))
        message = f"the HELO name {name} leads to {leads}, to none of the sending addresses"
        return [found("ptr.helo-elsewhere", message, evidence=seen, expected=records, fix=records)]
    return []
