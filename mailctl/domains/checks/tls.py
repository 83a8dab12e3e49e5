"""TLS: who may issue certificates (CAA), and on request what the mail hosts show on port 25 (STARTTLS).

Promise: no host is contacted without `tools.smtp`; a host that cannot be reached from here is unknown. What a
certificate lacks is a warning, since most senders do not look, and an error where the domain's MTA-STS policy has
them look.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from mailctl.domains.checks import exchanges, mtasts_policy
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Evidence, Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.edges.smtp_probe import Certificate, Probed, Prober, Trouble
from mailctl.standards import caa, mta_sts
from mailctl.standards.reachable import sift

_SOUND = (Severity.OK, Severity.INFO)
_HOSTS = 20  # that are contacted
_SOON = timedelta(days=14)
_OLD = ("SSLv3", "TLSv1", "TLSv1.1")
# What senders with an enforced policy do not put up with (RFC 8461 §4.2).
_STRICT = ("tls.certificate-name", "tls.certificate-expired", "tls.certificate-untrusted")


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about TLS of one domain."""
    issuing, hosts = await asyncio.gather(_caa(target, tools), _hosts(target, tools))
    findings = issuing + hosts
    if all(finding.severity in _SOUND for finding in findings):
        looked = "CAA and the mail hosts" if tools.smtp else "CAA (the mail hosts were not contacted)"
        findings.insert(0, found("tls.ok", f"nothing speaks against {looked}"))
    return findings


async def _caa(target: Target, tools: Tools) -> list[Finding]:
    relevant = await caa.relevant_records(tools.dns, target.name)
    answer = relevant.answer
    if not answer.known and answer.name == target.name:
        return [found("tls.unknown", describe(answer), evidence=[evidence(answer)])]
    if not answer.records:
        above = "" if answer.known else f"; whether {answer.name} has one is unknown"
        message = f"{target.name} has no CAA record{above}"
        fix = f'{target.name}. 3600 IN CAA 0 issue "letsencrypt.org"'
        return [found("tls.caa-missing", message, evidence=[evidence(answer)], fix=fix)]
    records, unreadable = caa.records_of(answer)
    problems = (*unreadable, *caa.problems(records))
    if not problems:
        return []
    message = f"the CAA records of {relevant.name}: {'; '.join(problems[:5])}"
    return [found("tls.caa-invalid", message, evidence=[evidence(answer)])]


async def _hosts(target: Target, tools: Tools) -> list[Finding]:
    if tools.smtp is None:
        return []
    mail = await exchanges.find(target, tools)
    if mail.unknown is not None:
        return [found("tls.unknown", describe(mail.unknown), evidence=[evidence(mail.unknown)])]
    smtp = tools.smtp
    looked = await asyncio.gather(*(_host(name, tools, smtp) for name in mail.hosts[:_HOSTS]))
    findings = [finding for host in looked for finding in host]
    if any(finding.id in _STRICT for finding in findings) and await _is_enforced(target, tools):
        return [replace(f, severity=Severity.ERROR) if f.id in _STRICT else f for f in findings]
    return findings


async def _is_enforced(target: Target, tools: Tools) -> bool:
    """Whether senders are told to verify the certificates."""
    record = await tools.ask(f"_mta-sts.{target.name}", "TXT")
    if not any(mta_sts.is_record(text) for text in record.texts()):
        return False
    policy = await mtasts_policy.published(target, tools)
    return policy is not None and policy.mode is mta_sts.Mode.ENFORCE


async def _host(name: str, tools: Tools, smtp: Prober) -> list[Finding]:
    asked = await exchanges.addresses(name, tools)
    addresses, refused = sift(exchanges.all_of(asked), allow_private=tools.allow_private)
    if refused and not addresses:
        message = f"{name} was not contacted: {'; '.join(refused)}"
        return [found("tls.not-contacted", message, evidence=map(evidence, asked))]
    if not addresses:
        return []  # the mx check says so
    probed = await smtp.probe(name, addresses)
    if probed.trouble is not None:
        return [_not_seen(probed, probed.trouble)]
    findings = [] if probed.certificate is None else _certificate(probed, probed.certificate, tools.now)
    if probed.protocol in _OLD:
        message = f"{name} takes {probed.protocol}, and nothing newer"
        findings.append(
            found("tls.old-protocol", message, evidence=[_proof(probed)], expected="TLSv1.2 or TLSv1.3")
        )
    return findings


def _proof(probed: Probed, said: str = "") -> Evidence:
    said = said or f"{probed.protocol}, {probed.cipher}"
    return Evidence(f"STARTTLS {probed.host}:{probed.port}", said, probed.address)


def _not_seen(probed: Probed, trouble: Trouble) -> Finding:
    """Why there is nothing to say about a host's certificate."""
    proof = [_proof(probed, f"{trouble.value}: {probed.detail}")]
    match trouble:
        case Trouble.NO_STARTTLS:
            said = ", ".join(probed.extensions) or "nothing"
            message = f"{probed.host} does not offer STARTTLS (it offers {said})"
            return found("tls.starttls-missing", message, evidence=proof, expected="STARTTLS")
        case Trouble.TLS:
            message = f"{probed.host}: no TLS after STARTTLS: {probed.detail}"
            return found("tls.handshake-failed", message, evidence=proof)
        case _:
            message = f"{probed.host} could not be looked at: {probed.detail}"
            return found("tls.unreachable", message, evidence=proof)


def _certificate(probed: Probed, own: Certificate, now: datetime) -> list[Finding]:
    """What is wrong with the certificate that a host showed."""
    host = probed.host
    proof = [
        _proof(
            probed,
            f"{', '.join(own.names[:10]) or 'no names'}, until {own.not_after:%Y-%m-%d}, by {own.issuer}",
        )
    ]
    findings = []
    if not own.not_before <= now <= own.not_after:
        when = (
            f"ended on {own.not_after:%Y-%m-%d}"
            if own.not_after < now
            else f"begins on {own.not_before:%Y-%m-%d}"
        )
        message = f"the certificate of {host} {when}"
        findings.append(found("tls.certificate-expired", message, evidence=proof))
    elif own.not_after - now < _SOON:
        days = (own.not_after - now).days
        message = f"the certificate of {host} ends in {days} days, on {own.not_after:%Y-%m-%d}"
        findings.append(found("tls.expires-soon", message, evidence=proof))
    if not probed.name_matches:
        names = ", ".join(own.names[:10]) or "no name at all"
        message = f"the certificate of {host} is for {names}"
        findings.append(found("tls.certificate-name", message, evidence=proof, expected=host))
    if probed.untrusted and probed.no_authorities:
        message = (
            f"the certificate of {host} could not be verified: this machine has no certificate authorities"
        )
        findings.append(
            found("tls.unreachable", message, evidence=proof, fix="apt-get install ca-certificates")
        )
    elif probed.untrusted:
        message = f"the certificate of {host} is not trusted: {probed.untrusted}"
        findings.append(found("tls.certificate-untrusted", message, evidence=proof))
    return findings
