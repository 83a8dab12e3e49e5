"""BIMI: is there one record, and does the DMARC policy let it count.

Promise: that a domain shows no logo is never called a fault; a record that cannot work is.
"""

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import bimi, dmarc
from mailctl.standards.dns import Answer

_SOUND = (Severity.OK, Severity.INFO)


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about BIMI of one domain."""
    answer = await tools.ask(f"default._bimi.{target.name}", "TXT")
    seen = [evidence(answer)]
    if not answer.known:
        return [found("bimi.unknown", describe(answer), evidence=seen)]
    texts = [text for text in answer.texts() if bimi.is_record(text)]
    meant = [text for text in answer.texts() if bimi.is_meant(text)]
    if not texts and not meant and (inherited := await _inherited(target, tools)) is not None:
        answer, seen = inherited, [evidence(inherited)]
        texts = [text for text in answer.texts() if bimi.is_record(text)]
    if len(texts) > 1:
        message = f"{len(texts)} records at {answer.name}: none of them counts"
        return [found("bimi.several-records", message, evidence=seen, expected="one record")]
    texts = texts or meant
    if not texts:
        return [_without(target, answer)]
    try:
        record = bimi.parse(texts[0])
    except bimi.BimiSyntaxError as error:
        message = f"the record at {answer.name} does not count: {error}"
        wanted = f"v=BIMI1; l=https://{target.name}/logo.svg"
        return [found("bimi.record-invalid", message, evidence=seen, expected=wanted)]
    if record.declines:
        return [found("bimi.declined", f"{target.name} wants no logo shown", evidence=seen)]
    findings = _record(answer, record) + await _policy(target, tools, answer)
    if all(finding.severity in _SOUND for finding in findings):
        findings.insert(0, found("bimi.ok", f"the logo of {target.name} may be shown", evidence=seen))
    return findings


async def _inherited(target: Target, tools: Tools) -> Answer | None:
    """The organizational domain's records, which count where a name has none (Assertion Record Discovery)."""
    policy = await dmarc.discover(tools.dns, target.name)
    above = policy.organizational_domain
    if not above or above == target.name:
        return None
    answer = await tools.ask(f"default._bimi.{above}", "TXT")
    return answer if any(bimi.is_record(text) for text in answer.texts()) else None


def _without(target: Target, answer: Answer) -> Finding:
    if target.profile is Profile.PARKED:
        return found("bimi.not-needed", f"{target.name} sends no mail", evidence=[evidence(answer)])
    return found("bimi.missing", f"{target.name} has no BIMI record", evidence=[evidence(answer)])


def _record(answer: Answer, record: bimi.Record) -> list[Finding]:
    findings = []
    if record.other_format:
        message = f"the logo {record.location[:200]} is not an SVG file"
        findings.append(found("bimi.not-svg", message, evidence=[evidence(answer)], expected="….svg"))
    if not record.evidence:
        message = f"the record at {answer.name} names no mark certificate"
        findings.append(found("bimi.no-certificate", message, evidence=[evidence(answer)]))
    return findings


async def _policy(target: Target, tools: Tools, answer: Answer) -> list[Finding]:
    """Whether the DMARC policy is strict enough; RFC 9989 decides which one it is."""
    policy = await dmarc.discover(tools.dns, target.name)
    if policy.status == "temperror":
        message = f"whether DMARC lets BIMI count is unknown: {policy.reason}"
        fault = policy.walk.steps[-1].domain if policy.walk else target.name
        asked = await tools.ask(f"_dmarc.{fault}", "TXT")
        return [found("bimi.unknown", message, evidence=[evidence(asked)])]
    why = _why_not_enforcing(policy)
    if not why:
        return []
    message = f"the record at {answer.name} has no effect: {why}"
    seen = [evidence(answer)]
    if policy.domain:
        seen.append(evidence(await tools.ask(f"_dmarc.{policy.domain}", "TXT")))
    return [
        found(
            "bimi.dmarc-not-enforcing",
            message,
            evidence=seen,
            expected="p=quarantine or p=reject",
            fix=f'_dmarc.{policy.domain or target.name}. 3600 IN TXT "v=DMARC1; p=quarantine; rua=…"',
        )
    ]


def _why_not_enforcing(policy: dmarc.Policy) -> str:
    """Why mailboxes show no logo under this policy (Authentication Requirements); "" if they may."""
    record = policy.record
    if policy.status != "found" or record is None:
        return f"there is no DMARC policy ({policy.reason})"
    if policy.effective is dmarc.Disposition.NONE:
        return policy.reason or "the DMARC policy is none"
    records = {policy.domain: record, **_organizational(policy)}
    return next((why for domain, one in records.items() if (why := _weakness(domain, one))), "")


def _organizational(policy: dmarc.Policy) -> dict[str, dmarc.Record]:
    """The record of the organizational domain, which has to be strict as well."""
    records = dict(policy.walk.records) if policy.walk else {}
    return {name: record for name, record in records.items() if name == policy.organizational_domain}


def _weakness(domain: str, record: dmarc.Record) -> str:
    where = f"the record at _dmarc.{domain}"
    if record.policy is dmarc.Disposition.NONE:
        return f"{where} says p=none"
    if record.subdomain_policy is dmarc.Disposition.NONE:
        return f"{where} says sp=none"
    # RFC 9989 has no pct, and mailboxes that show logos still look at it.
    percent = dict(record.others).get("pct", "100")
    if record.policy is dmarc.Disposition.QUARANTINE and percent != "100":
        return f"{where} says pct={percent[:10]}"
    return ""
