"""DANE: the TLSA records of the mail hosts, whether senders will use them, and whether they match (RFC 7672).

Promise: that records are secure or not is said only on the word of a resolver that is trusted to validate; a host is
contacted only where `tools.smtp` is there.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mailctl.domains.checks import exchanges
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Evidence, Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.edges.smtp_probe import Probed, Trouble
from mailctl.standards import dane
from mailctl.standards.dane import Shown, Tlsa, TlsaSyntaxError
from mailctl.standards.dns import Answer, Raw
from mailctl.standards.mta_sts import covers
from mailctl.standards.reachable import sift

_SOUND = (Severity.OK, Severity.INFO)
_HOSTS = 20  # that are looked at


@dataclass(frozen=True, slots=True)
class _Host:
    """One mail host: the answer on its TLSA records, those that senders use, and why not the others."""

    name: str
    answer: Answer
    addresses: tuple[Answer, ...]  # asked only where there are TLSA records
    usable: tuple[Tlsa, ...]
    unusable: tuple[str, ...]
    only_usage: bool  # all that is wrong is a usage that mail does not have


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about DANE of one domain."""
    mail = await exchanges.find(target, tools)
    if mail.unknown is not None:
        return [found("dane.unknown", describe(mail.unknown), evidence=[evidence(mail.unknown)])]
    if mail.none:
        return [found("dane.not-needed", f"{target.name} takes no mail", evidence=[evidence(mail.answer)])]
    hosts = await asyncio.gather(*(_look(name, tools) for name in mail.hosts[:_HOSTS]))
    findings = _presence(target, hosts)
    for host in hosts:
        findings += _records(host)
    used = [host for host in hosts if host.usable]
    if used:
        insecure = _insecure(used, mail.answer) if tools.trust_ad else ()
        findings += _security(used, insecure, trusted=tools.trust_ad)
        severity = (
            Severity.WARNING if insecure else None
        )  # senders pass over them, so that no mail is stopped
        live = await asyncio.gather(*(_match(target, host, tools, severity) for host in used))
        findings += [finding for finding in live if finding is not None]
    if used and all(finding.severity in _SOUND for finding in findings):
        names = ", ".join(host.name for host in used[:10])
        seen = [evidence(host.answer) for host in used]
        state = "are secure and can be used" if tools.trust_ad else "are well-formed"
        findings.insert(0, found("dane.ok", f"the TLSA records of {names} {state}", evidence=seen))
    return findings


async def _look(name: str, tools: Tools) -> _Host:
    answer = await tools.ask(dane.name(name), "TLSA")
    asked = await exchanges.addresses(name, tools) if answer.records else ()
    usable, unusable, usages = [], [], []
    for rdata in answer.records:
        text = rdata.text if isinstance(rdata, Raw) else str(rdata)
        try:
            record = dane.parse(text)
            why = dane.why_unusable(record)
        except TlsaSyntaxError as error:
            unusable.append(str(error))
            usages.append(False)
            continue
        if why:
            unusable.append(f"{text[:60]}: {why}")
            usages.append(record.usage not in (2, 3))
        else:
            usable.append(record)
    return _Host(name, answer, asked, tuple(usable), tuple(unusable), all(usages))


def _presence(target: Target, hosts: Iterable[_Host]) -> list[Finding]:
    """Which hosts have records, and of which it is not known."""
    hosts = list(hosts)
    findings = [
        found(
            "dane.unknown",
            f"the TLSA records of {host.name}: {describe(host.answer)}",
            evidence=[evidence(host.answer)],
        )
        for host in hosts
        if not host.answer.known
    ]
    absent = [host for host in hosts if host.answer.absent]
    for host in [host for host in absent if host.answer.chain]:
        message = f"{host.answer.name} is an alias of {host.answer.chain[-1]}, where there is no TLSA record"
        findings.append(found("dane.dangling-cname", message, evidence=[evidence(host.answer)]))
    bare = [host for host in absent if not host.answer.chain]
    names, seen = ", ".join(host.name for host in bare), [evidence(host.answer) for host in bare]
    if bare and any(host.answer.records for host in hosts):
        message = f"{names} has no TLSA record, and other mail hosts of {target.name} have"
        findings.append(found("dane.partial", message, evidence=seen))
    elif bare:
        findings.append(found("dane.missing", f"no TLSA record at {names}", evidence=seen))
    return findings


def _records(host: _Host) -> list[Finding]:
    """What is wrong with a host's records; an error where senders are left with none."""
    if not host.unusable:
        return []
    left = "" if host.usable else "; senders are left with none that they could use"
    return [
        found(
            "dane.usage" if host.only_usage else "dane.record-invalid",
            f"{host.answer.name}: {'; '.join(host.unusable[:5])}{left}",
            evidence=[evidence(host.answer)],
            expected="3 1 1 and 64 hexadecimal digits",
            severity=Severity.WARNING if host.usable else None,
        )
    ]


def _insecure(hosts: Iterable[_Host], mx: Answer) -> tuple[Answer, ...]:
    """The answers without which senders do not use the records, and that did not validate (RFC 7672 §2.2)."""
    asked = [mx, *(answer for host in hosts for answer in (host.answer, *host.addresses))]
    return tuple(dict.fromkeys(answer for answer in asked if answer.known and not answer.authenticated))


def _security(hosts: Iterable[_Host], insecure: tuple[Answer, ...], *, trusted: bool) -> list[Finding]:
    if not trusted:
        message = "the TLSA records count only if they validate, and no trusted resolver was asked"
        seen = [evidence(host.answer) for host in hosts]
        return [found("dane.not-validated", message, evidence=seen)]
    if not insecure:
        return []
    names = ", ".join(f"{answer.name} {answer.rdtype}" for answer in insecure)
    message = f"senders do not use the TLSA records: not secured by DNSSEC: {names}"
    return [found("dane.insecure", message, evidence=map(evidence, insecure))]


async def _match(target: Target, host: _Host, tools: Tools, severity: Severity | None) -> Finding | None:
    """Whether the certificate that the host shows fits its records."""
    addresses, _ = sift(exchanges.all_of(host.addresses), allow_private=tools.allow_private)
    if tools.smtp is None or not addresses:
        return None
    probed = await tools.smtp.probe(host.name, addresses)
    if probed.trouble in (Trouble.NO_STARTTLS, Trouble.TLS):
        return None  # the tls check says so
    if probed.certificate is None:
        message = f"the certificate of {host.name} could not be seen: {probed.detail}"
        proof = Evidence(f"STARTTLS {host.name}:{probed.port}", probed.detail, probed.address)
        return found("dane.unknown", message, evidence=[proof])
    chain = [Shown(one.der, one.spki) for one in probed.chain]
    matching = [record for record in host.usable if dane.matches(record, chain)]
    if any(record.usage == 3 or _is_valid(target, probed, tools.now) for record in matching):
        return None
    shown = dane.format(dane.digest_of(chain[0]))
    why = (
        "matches, but DANE-TA asks for a name and a date that are good as well"
        if matching
        else "matches none"
    )
    proof = Evidence(f"STARTTLS {host.name}:{probed.port}", f"certificate {shown}", probed.address)
    return found(
        "dane.mismatch",
        f"the certificate of {host.name} {why} of its TLSA records",
        evidence=[proof, evidence(host.answer)],
        expected=shown,
        fix=f"{host.answer.name}. 3600 IN TLSA {shown}",
        severity=severity,
    )


def _is_valid(target: Target, probed: Probed, now: datetime) -> bool:
    """What DANE-TA asks for besides a match (RFC 7672 §3.1.2, §3.2.3)."""
    own = probed.certificate
    named = own is not None and (probed.name_matches or covers(own.names, target.name))
    return named and own is not None and own.not_before <= now <= own.not_after
