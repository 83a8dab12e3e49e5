"""The name servers of the zone that holds the domain: enough of them, to be found, and of one mind.

Promise: only with `tools.authoritative` is any of them asked directly. A server that does not answer is `unknown`;
one that answers that it does not hold the zone is lame.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.holding import holding_zone
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe, server_names
from mailctl.errors import Undetermined
from mailctl.standards import spf
from mailctl.standards.dns import Address, Answer, Status, rdata_text

_SOUND = (Severity.OK, Severity.INFO)


@dataclass(frozen=True, slots=True)
class _Server:
    """One name server and where it is."""

    name: str
    asked: tuple[Answer, ...]

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(address for answer in self.asked for address in answer.addresses())


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about the name servers; nothing where they are a registry's."""
    try:
        zone = await holding_zone(target, tools)
    except Undetermined as error:
        message = "; ".join((error.message, *error.details))
        return [found("ns.unknown", message)]
    if not zone:
        return []
    answer = await tools.ask(zone, "NS")
    if not answer.known:
        message = f"the name servers are unknown: {describe(answer)}"
        return [found("ns.unknown", message, evidence=[evidence(answer)])]
    if answer.absent:
        return [found("ns.missing", f"{zone} has no NS records", evidence=[evidence(answer)])]
    names = server_names(answer)
    servers = await asyncio.gather(*(_locate(name, tools) for name in names))
    findings = _count(zone, answer, servers)
    findings += [finding for server in servers if (finding := _place(server)) is not None]
    if tools.authoritative:
        findings += await _directly(zone, target, tools, servers)
    if all(finding.severity in _SOUND for finding in findings):
        message = f"{zone} is served by {', '.join(names)}"
        findings.insert(0, found("ns.ok", message, evidence=[evidence(answer)]))
    return findings


async def _locate(name: str, tools: Tools) -> _Server:
    first = await tools.ask(name, "A")
    if first.status is Status.ANSWER and not tools.authoritative:
        return _Server(name, (first,))
    return _Server(name, (first, await tools.ask(name, "AAAA")))


def _count(zone: str, answer: Answer, servers: Sequence[_Server]) -> list[Finding]:
    """Whether there is more than one server."""
    seen = [evidence(answer)]
    if len(servers) == 1:
        message = f"{servers[0].name} is the only name server of {zone}"
        return [found("ns.single", message, evidence=seen, expected="at least two")]
    places = {server.addresses for server in servers}
    if len(places) == 1 and servers[0].addresses:
        message = f"all name servers of {zone} are at {', '.join(map(str, servers[0].addresses))}"
        return [found("ns.same-address", message, evidence=seen)]
    return []


def _place(server: _Server) -> Finding | None:
    """What is wrong with a server's name; one cause each."""
    seen = [evidence(answer) for answer in server.asked]
    unknown = [answer for answer in server.asked if not answer.known]
    if server.addresses:
        chain = next((answer.chain for answer in server.asked if answer.chain), ())
        if not chain:
            return None
        first = server.addresses[0]
        return found(
            "ns.is-cname",
            f"{server.name} is an alias of {chain[-1]}",
            evidence=seen,
            expected=f"addresses at {server.name}",
            fix=f"{server.name}. 3600 IN {'A' if first.version == 4 else 'AAAA'} {first}  (in place of the CNAME)",
        )
    if unknown:
        message = f"where {server.name} is is unknown: {describe(unknown[0])}"
        return found("ns.unknown", message, evidence=seen)
    return found(
        "ns.unresolvable",
        f"{server.name} has neither A nor AAAA ({server.asked[0].status.value.upper()})",
        evidence=seen,
        expected="an A record",
        fix=f"{server.name}. 3600 IN A ADDRESS  (or take it out of the NS records and the delegation)",
    )


async def _directly(zone: str, target: Target, tools: Tools, servers: Sequence[_Server]) -> list[Finding]:
    """What each server answers when it is asked itself."""
    versions = await tools.dns.ask_authoritative(zone, zone, "SOA")
    homeless = {server.name for server in servers if not server.addresses}
    asked = [answer for answer in versions if answer.server not in homeless]
    if asked and all(answer.detail.startswith("lame") for answer in asked):
        message = (
            f"no server of {zone} answers with authority: something between them and here answers for them"
        )
        return [found("ns.unknown", message, evidence=map(evidence, asked))]
    findings = [_silent_or_lame(zone, answer, servers) for answer in asked if not answer.known]
    serials = {_serial(answer) for answer in asked if answer.status is Status.ANSWER}
    if sum(answer.known for answer in asked) < 2:
        return findings
    mail = [(target.name, "MX"), (target.name, "TXT"), (f"_dmarc.{target.name}", "TXT")]
    mail += [(f"{selector}._domainkey.{target.name}", "TXT") for selector in target.selectors]
    answered = await asyncio.gather(
        *(tools.dns.ask_authoritative(zone, name, rdtype) for name, rdtype in mail)
    )
    differing = [answers for answers in answered if len(set(map(_content, _known(answers)))) > 1]
    if differing:
        return findings + [_disagree(answers, len(serials) > 1) for answers in differing]
    if len(serials) > 1:
        message = f"the servers of {zone} hold the versions {', '.join(sorted(serials))}"
        findings.append(found("ns.propagating", message, evidence=map(evidence, asked)))
    return findings


def _silent_or_lame(zone: str, answer: Answer, servers: Sequence[_Server]) -> Finding:
    host = answer.server.rpartition(":")[0].strip("[]")
    names = ", ".join(server.name for server in servers if host in map(str, server.addresses))
    words = f"{names or answer.server} ({answer.server})"
    malformed = answer.detail.startswith("malformed")
    if answer.status is Status.TIMEOUT or malformed:
        return found("ns.unknown", f"{words} gave no answer: {answer.detail}", evidence=[evidence(answer)])
    why = answer.detail or answer.status.value
    message = f"{words} does not hold {zone}: {why}"
    return found("ns.lame", message, evidence=[evidence(answer)], expected="an authoritative answer")


def _serial(answer: Answer) -> str:
    fields = rdata_text(answer.records[0]).split()
    return fields[2] if len(fields) > 2 else ""


def _known(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.known]


def _content(answer: Answer) -> tuple[str, ...]:
    """What matters for mail in an answer: of a domain's own TXT records only SPF."""
    if answer.rdtype == "TXT" and not answer.name.startswith("_") and "._domainkey." not in answer.name:
        return tuple(sorted(spf.select(answer.texts())))
    return tuple(sorted(rdata_text(record) for record in answer.records))


def _disagree(answers: Sequence[Answer], versions_differ: bool) -> Finding:
    known = _known(answers)
    by_content = defaultdict(list)
    for answer in known:
        by_content[_content(answer)].append(answer.server)
    said = "; ".join(
        f"{', '.join(servers)} say {' | '.join(content)[:200] or 'there is none'}"
        for content, servers in by_content.items()
    )
    what = f"{known[0].name} {known[0].rdtype}"
    return found(
        "ns.disagree",
        f"the servers differ about {what}: {said}",
        evidence=map(evidence, known),
        expected="the same answer from every server",
        severity=Severity.WARNING if versions_differ else None,
    )
