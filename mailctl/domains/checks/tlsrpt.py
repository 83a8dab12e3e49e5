"""TLS-RPT: is there one record, and do reports have somewhere to go (RFC 8460).

Promise: a destination is called unreachable only where the DNS says that nothing is there.
"""

import asyncio

from mailctl.domains.checks import exchanges
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import dmarc, tls_rpt
from mailctl.standards.dns import Answer

_SOUND = (Severity.OK, Severity.INFO)
_DESTINATIONS = 10  # that are looked at


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about TLS-RPT of one domain."""
    answer = await tools.ask(f"_smtp._tls.{target.name}", "TXT")
    seen = [evidence(answer)]
    if not answer.known:
        return [found("tlsrpt.unknown", describe(answer), evidence=seen)]
    texts = [text for text in answer.texts() if tls_rpt.is_record(text)]
    if len(texts) > 1:
        message = f"{len(texts)} records at {answer.name}: senders use none of them"
        return [found("tlsrpt.several-records", message, evidence=seen, expected="one record")]
    texts = texts or [text for text in answer.texts() if tls_rpt.is_meant(text)]
    if not texts:
        return [await _without(target, tools, answer)]
    try:
        record = tls_rpt.parse(texts[0])
    except tls_rpt.TlsRptSyntaxError as error:
        return [_invalid(target, answer, error)]
    findings = await _destinations(tools, record)
    if all(finding.severity in _SOUND for finding in findings):
        where = ", ".join(record.report_uris[:_DESTINATIONS])
        findings.insert(0, found("tlsrpt.ok", f"reports on {target.name} go to {where}", evidence=seen))
    return findings


async def _without(target: Target, tools: Tools, answer: Answer) -> Finding:
    seen = [evidence(answer)]
    if answer.absent and answer.chain:
        message = f"{answer.name} is an alias of {answer.chain[-1]}, where there is no record"
        return found("tlsrpt.dangling-cname", message, evidence=seen)
    apex = await tools.ask(target.name, "TXT")
    if any(tls_rpt.is_record(text) for text in apex.texts()):
        message = f"the TLS-RPT record is at {target.name}, not at {answer.name}"
        return found("tlsrpt.record-misplaced", message, evidence=[evidence(apex), *seen])
    if (await exchanges.find(target, tools)).none:
        return found("tlsrpt.not-needed", f"{target.name} takes no mail", evidence=seen)
    fix = f'{answer.name}. 3600 IN TXT "v=TLSRPTv1; rua=mailto:tls-reports@{target.name}"'
    return found("tlsrpt.missing", f"{target.name} has no TLS-RPT", evidence=seen, fix=fix)


def _invalid(target: Target, answer: Answer, error: tls_rpt.TlsRptSyntaxError) -> Finding:
    wanted = f"v=TLSRPTv1; rua=mailto:tls-reports@{target.name}"
    return found(
        "tlsrpt.record-invalid",
        f"the record at {answer.name} does not count: {error}",
        evidence=[evidence(answer)],
        expected=wanted,
        fix=f'{answer.name}. 3600 IN TXT "{wanted}"',
    )


async def _destinations(tools: Tools, record: tls_rpt.Record) -> list[Finding]:
    uris = record.report_uris[:_DESTINATIONS]
    return [
        one for one in await asyncio.gather(*(_destination(tools, uri) for uri in uris)) if one is not None
    ]


async def _destination(tools: Tools, uri: str) -> Finding | None:
    """What speaks against one report URI."""
    host = dmarc.destination_host(uri)
    if uri.lower().startswith("mailto:"):
        why, answer = await exchanges.why_undeliverable(host, tools)
        asked: tuple[Answer, ...] = (answer,)
    else:
        asked = await exchanges.addresses(host, tools)
        why = f"{host} has no address" if all(answer.absent for answer in asked) else ""
    if why:
        message = f"reports to {uri} get lost: {why}"
        return found("tlsrpt.destination-unreachable", message, evidence=map(evidence, asked))
    unknown = [answer for answer in asked if not answer.known]
    if unknown and not exchanges.all_of(asked):
        message = f"whether {uri} can be reached is unknown: {describe(unknown[0])}"
        return found("tlsrpt.unknown", message, evidence=[evidence(unknown[0])])
    return None
