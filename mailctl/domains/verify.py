"""The first verify: everything that setup planned against what is there, and whether our own addresses pass.

Promise: what is expected is the very plan that setup would publish (`zone_plan.plan_zone`), so the two cannot drift.
`missing` and `wrong` rest on an answer; where nobody answered, the finding is `unknown`; where the authoritative
servers have a record that the resolver does not show yet, it is `propagating`.
"""

import asyncio
from dataclasses import replace

from mailctl.domains.authentication import spf_verdict
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.entries.planned import STATES, finding_id
from mailctl.domains.desired import ELSEWHERE, MailDomain, Purpose
from mailctl.domains.export import zone_fragment
from mailctl.domains.findings import Evidence, Finding, Report, Severity, evidence, sort
from mailctl.domains.publish import look, sight
from mailctl.domains.zone_plan import Action, Seen, ZoneChange, ZonePlan, plan_zone, questions
from mailctl.edges.resolver import DnsClient
from mailctl.standards import dmarc
from mailctl.standards.dns import Address, Answer, Lookup, Record


async def verify(domain: MailDomain, resolver: DnsClient, zone: str) -> Report:
    """Check one domain. Never raises for what the DNS does."""
    seen = await look(resolver, questions(domain))
    plan = plan_zone(domain, seen)
    planned, evaluated = await asyncio.gather(
        _check_plan(plan, seen, resolver, zone), _check_sending(domain, resolver)
    )
    return Report(domain.name, sort(_one_cause(planned, evaluated)))


Found = tuple[Purpose, Finding]  # and which record it is about


async def _check_plan(plan: ZonePlan, seen: Seen, resolver: DnsClient, zone: str) -> list[Found]:
    mine = [change for change in plan.changes if change.action is not Action.FOREIGN]
    findings = await asyncio.gather(*(_check_change(c, seen, resolver, zone) for c in mine))
    return [(change.purpose, finding) for change, finding in zip(mine, findings, strict=True)]


async def _check_change(change: ZoneChange, seen: Seen, resolver: DnsClient, zone: str) -> Finding:
    answer = seen[change.name, change.rdtype]
    if change.action in (Action.CREATE, Action.CHANGE) and change.zone != ELSEWHERE:
        sighting = await sight(resolver, change, zone)
        if sighting.complete:
            return _finding(change, answer, "propagating")
    return _finding(change, answer, _STATES[change.action])


_STATES = {
    Action.KEEP: "ok",
    Action.CREATE: "missing",
    Action.CHANGE: "wrong",
    Action.CONFLICT: "conflict",
    Action.UNKNOWN: "unknown",
}
_MESSAGES = {
    "ok": "{name} {rdtype} is as planned",
    "missing": "{name} has no {rdtype} record of ours: {reason}",
    "wrong": "{name} {rdtype} is not what was planned",
    "conflict": "{reason}",
    "propagating": "{name} {rdtype} is at every authoritative server, but not yet at the resolver",
    "unknown": "{name} {rdtype}: {reason}",
}


def _finding(change: ZoneChange, answer: Answer, state: str) -> Finding:
    finding = found(
        finding_id(change.purpose, state),
        _MESSAGES[state].format(name=change.name, rdtype=change.rdtype, reason=change.reason),
        evidence=[evidence(answer)],
        expected=" | ".join(change.after),
        fix="" if state in ("ok", "unknown") else _fix(change, state, answer),
        severity=STATES[state].severity,
    )
    return replace(finding, elsewhere=change.zone == ELSEWHERE)


def _fix(change: ZoneChange, state: str, answer: Answer) -> str:
    if state == "propagating":
        return f"wait: the old answer may be kept for {answer.ttl} s more"
    if change.purpose is Purpose.PTR:
        return f"ask whoever gave you the address to set {change.name} PTR {change.after[0]}"
    if state == "conflict":
        return change.reason
    return zone_fragment(
        Record(change.name, change.rdtype, value, change.ttl) for value in change.after
    ).rstrip()


async def _check_sending(domain: MailDomain, lookup: Lookup) -> list[Found]:
    """What receivers will find: SPF for each address, and the DMARC policy in force."""
    spf = await asyncio.gather(*(_check_spf(domain, lookup, address) for address in domain.addresses))
    judged = [(Purpose.RETURN_PATH_SPF, finding) for finding in spf]
    return [*judged, (Purpose.DMARC, await _check_dmarc(domain, lookup))]


async def _check_spf(domain: MailDomain, lookup: Lookup, address: Address) -> Finding:
    verdict = await spf_verdict(lookup, address, domain.hostname, f"bounces@{domain.return_path}")
    ids = {"pass": "spf.address-passes", "temperror": "spf.evaluation-unknown"}
    return found(
        ids.get(verdict.result, "spf.address-does-not-pass"),
        f"mail from {address} as {domain.return_path}: spf={verdict.result} ({verdict.reason})",
        evidence=[Evidence(f"check_host({address}, {domain.return_path})", verdict.result)],
        expected="pass",
        fix="" if verdict.result in ids else f"mailctl dns apply {domain.name}",
    )


async def _check_dmarc(domain: MailDomain, lookup: Lookup) -> Finding:
    outcome = await dmarc.evaluate(lookup, domain.name, (domain.return_path, "pass"), [(domain.name, "pass")])
    ids = {"pass": "dmarc.aligned", "temperror": "dmarc.evaluation-unknown"}
    aligned = {i.method for i in outcome.identifiers if i.alignment == "aligned"}
    if outcome.result == "pass" and aligned != {"spf", "dkim"}:
        return found("dmarc.one-leg", outcome.reason)
    return found(
        ids.get(outcome.result, "dmarc.not-in-force"),
        f"a message whose SPF and DKIM pass gets dmarc={outcome.result}: {outcome.reason}",
        expected="pass",
        fix="" if outcome.result in ids else f"mailctl dns apply {domain.name}",
    )


def _one_cause(planned: list[Found], evaluated: list[Found]) -> list[Finding]:
    """One finding for one cause: an evaluation that fails because of its own record says nothing new."""
    faulty = {purpose for purpose, finding in planned if finding.severity is not Severity.OK}
    told = [f for purpose, f in evaluated if f.severity is Severity.OK or purpose not in faulty]
    return [*(finding for _, finding in planned), *told]
