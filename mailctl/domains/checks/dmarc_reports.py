"""Where DMARC reports are to go: may they, and can they arrive? (RFC 9990 §4, RFC 5321 §5.1)

Promise: one finding for one address and cause; of a destination that does not exist it is not said as well that it has
not agreed.
"""

import asyncio
from dataclasses import replace

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.dmarc_record import Seen
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.checks.target import Tools
from mailctl.domains.findings import Finding, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import dmarc
from mailctl.standards.dns import Answer, Status

_ADDRESSES = 10  # of one record; reporters need not follow more than two


async def judge(tools: Tools, domain: str, seen: Seen) -> list[Finding]:
    """What is to be said about the report addresses of the record at `_dmarc.domain`."""
    rua = seen.record.report_uris[:_ADDRESSES]
    ruf = [uri for uri in seen.record.failure_uris[:_ADDRESSES] if uri not in rua]
    jobs = [_aggregate(tools, domain, seen, uri) for uri in rua]
    jobs += [_authorised(tools, domain, "ruf", uri) for uri in ruf]
    return _each_once([finding for found_by in await asyncio.gather(*jobs) for finding in found_by])


def _each_once(findings: list[Finding]) -> list[Finding]:
    """Two addresses at one host have one cause."""
    return list({(f.id, f.fix or f.message, f.evidence): f for f in findings}.values())


async def _aggregate(tools: Tools, domain: str, seen: Seen, uri: str) -> list[Finding]:
    if not uri.lower().startswith("mailto:"):
        message = f"{uri[:80]} is not a mailto: URI"
        return [found("dmarc.rua-not-mailto", message, evidence=[evidence(seen.answer)])]
    unreachable = await _takes_mail(tools, dmarc.destination_host(uri), uri)
    return unreachable or await _authorised(tools, domain, "rua", uri)


async def _takes_mail(tools: Tools, host: str, uri: str) -> list[Finding]:
    """A finding where no report can be delivered; a domain without MX is reached by its address (RFC 5321 §5.1)."""
    exchanges = await tools.ask(host, "MX")
    asked: list[Answer] = [exchanges]
    why = ""
    if any(not mx.host for mx in exchanges.exchanges()):
        why = "has a null MX"
    elif exchanges.absent:
        asked += await asyncio.gather(tools.ask(host, "A"), tools.ask(host, "AAAA"))
        if all(answer.absent for answer in asked):
            why = (
                "does not exist"
                if exchanges.status is Status.NXDOMAIN
                else "has neither an MX nor an address"
            )
    silent = [answer for answer in asked if not answer.known]
    if silent and not any(answer.addresses() for answer in asked):
        message = f"whether {host} takes mail is unknown: {describe(silent[0])}"
        return [found("dmarc.unknown", message, evidence=map(evidence, silent))]
    if not why:
        return []
    message = f"reports to {uri[:80]} cannot be delivered: {host} {why}"
    return [found("dmarc.rua-domain-no-mail", message, evidence=map(evidence, asked))]


async def _authorised(tools: Tools, domain: str, tag: str, uri: str) -> list[Finding]:
    verdict = await dmarc.report_uri_authorised(tools.dns, domain, uri)
    if verdict.outcome == "temperror":
        message = f"whether {verdict.host} agrees to reports about {domain} is unknown: {verdict.reason}"
        asked = [await tools.ask(verdict.name, "TXT")] if verdict.name else []
        return [found("dmarc.unknown", message, evidence=map(evidence, asked))]
    if verdict.authorised or verdict.outcome == "invalid":
        return []
    answer = await tools.ask(verdict.name, "TXT")
    finding = found(
        f"dmarc.{tag}-not-authorised",
        f"{verdict.host} has not agreed to get reports about {domain}: {verdict.reason}",
        evidence=[evidence(answer)],
        expected="v=DMARC1",
        fix=txt_line(verdict.name, "v=DMARC1"),
    )
    return [replace(finding, elsewhere=True)]
