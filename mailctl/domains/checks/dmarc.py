"""DMARC: which policy is in force for this very name, and does it do what it says? (RFC 9989)

Promise: the policy is found by the tree walk that receivers make; a record that is at fault is judged where it stands,
be it above the domain; a question that nobody answered is `dmarc.unknown`.
"""

from mailctl.domains.checks import dmarc_reports
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.dmarc_record import Seen, judge, meant_as_dmarc, repaired, the_record
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import dmarc
from mailctl.standards.dmarc_record import Disposition
from mailctl.standards.dns import Answer
from mailctl.standards.names import is_public_suffix

_SOUND = (Severity.OK, Severity.INFO)
_FIRST_RECORD = "v=DMARC1; p=none"
_PARKED_RECORD = "v=DMARC1; p=reject"


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about the DMARC policy of one domain."""
    own = await tools.ask(f"_dmarc.{target.name}", "TXT")
    if not own.known:
        return [found("dmarc.unknown", describe(own), evidence=[evidence(own)])]
    policy = await dmarc.discover(tools.dns, target.name)
    if policy.record is not None:
        findings = await _in_force(target, tools, policy, own)
    else:
        findings = await _without(target, tools, policy, own)
    if all(finding.severity in _SOUND for finding in findings):
        seen = await _source(tools, policy, own)
        findings.insert(0, found("dmarc.ok", policy.reason, evidence=[evidence(seen)]))
    return findings


async def _source(tools: Tools, policy: dmarc.Policy, own: Answer) -> Answer:
    """The answer with the record that is in force."""
    if policy.domain in ("", policy.author_domain):
        return own
    return await tools.ask(f"_dmarc.{policy.domain}", "TXT")


async def _in_force(target: Target, tools: Tools, policy: dmarc.Policy, own: Answer) -> list[Finding]:
    """There is a record, at the domain or above it."""
    answer = await _source(tools, policy, own)
    seen = the_record(answer)
    if seen is None:  # it changed between two questions
        return [found("dmarc.unknown", f"{answer.name} has just changed", evidence=[evidence(answer)])]
    findings = judge(seen)
    if policy.status == "temperror":
        findings.append(found("dmarc.unknown", policy.reason, evidence=[evidence(answer)]))
    if target.profile is Profile.PARKED and seen.record.whole:
        findings = [f for f in findings if f.id != "dmarc.policy-none"] + _parked(policy, seen)
    findings += _misuse_of_psd(policy, seen)
    findings += await _above(tools, policy)
    if policy.domain != target.name:
        findings += _unrecognised(target, own)
    findings += await dmarc_reports.judge(tools, policy.domain, seen)
    return findings + await _another_one(target, tools)


def _parked(policy: dmarc.Policy, seen: Seen) -> list[Finding]:
    if policy.effective in (None, Disposition.REJECT):
        return []
    severity = Severity.WARNING if policy.effective is Disposition.QUARANTINE else None
    fix = txt_line(f"_dmarc.{policy.author_domain}", _PARKED_RECORD)
    return [
        found(
            "dmarc.parked-not-reject",
            f"{policy.author_domain} is parked, but {policy.reason}",
            evidence=[evidence(seen.answer)],
            expected=_PARKED_RECORD,
            fix=fix,
            severity=severity,
        )
    ]


def _misuse_of_psd(policy: dmarc.Policy, seen: Seen) -> list[Finding]:
    if seen.record.psd != "y" or is_public_suffix(policy.domain):
        return []
    message = (
        f"the record at _dmarc.{policy.domain} says psd=y, but nobody registers names below {policy.domain}"
    )
    fix = txt_line(seen.answer.name, "; ".join(f"{n}={v}" for n, v in seen.read.pairs if n != "psd"))
    return [found("dmarc.psd-misuse", message, evidence=[evidence(seen.answer)], fix=fix)]


async def _another_one(target: Target, tools: Tools) -> list[Finding]:
    """A second record at the domain itself, which has no effect beside the one that is in force."""
    apex = await tools.ask(target.name, "TXT")
    if not any(dmarc.is_record(text) for text in apex.texts()):
        return []
    message = f"{target.name} itself has a DMARC record, where nobody asks for one"
    seen, severity = [evidence(apex)], Severity.WARNING
    return [found("dmarc.wrong-place", message, evidence=seen, fix="Remove it.", severity=severity)]


# No record


async def _without(target: Target, tools: Tools, policy: dmarc.Policy, own: Answer) -> list[Finding]:
    """No record is in force: for what reason, the one that explains most first."""
    for cause in (await _above(tools, policy), _dangling(own), _unrecognised(target, own)):
        if cause:
            return cause
    if hidden := await _hidden(tools, policy):
        return hidden
    return [await _misplaced(target, tools, own) or _missing(target, own)]


async def _above(tools: Tools, policy: dmarc.Policy) -> list[Finding]:
    """Names with more than one record, all of which are discarded: the domain's own, or one above it."""
    steps = policy.walk.steps if policy.walk else ()
    findings = []
    for step in steps:
        if step.count > 1:
            message = f"_dmarc.{step.domain} has {step.count} DMARC records"
            proof = [evidence(await tools.ask(f"_dmarc.{step.domain}", "TXT"))]
            findings.append(found("dmarc.multiple-records", message, evidence=proof, expected="one record"))
    return findings


def _dangling(own: Answer) -> list[Finding]:
    if not (own.absent and own.chain):
        return []
    message = f"{own.name} is an alias of {own.chain[-1]}, which has no TXT record"
    return [found("dmarc.cname-dangling", message, evidence=[evidence(own)])]


def _unrecognised(target: Target, own: Answer) -> list[Finding]:
    meant = meant_as_dmarc(own)
    if not meant:
        return []
    shown = ascii(meant[0] if len(meant[0]) <= 100 else f"{meant[0][:97]}...")
    message = f"{shown} is not a DMARC record, and _dmarc.{target.name} has no other"
    fix = txt_line(own.name, repaired(meant[0]))
    return [
        found("dmarc.not-recognised", message, evidence=[evidence(own)], expected="v=DMARC1; p=…", fix=fix)
    ]


async def _hidden(tools: Tools, policy: dmarc.Policy) -> list[Finding]:
    """A name above the domain that nobody answered for, and that may hold its policy.

    What a registry's own name would say is no record of the domain: that it has none is known without it.
    """
    step = policy.walk.steps[-1] if policy.walk else None
    if step is None or not step.fault or "." not in step.domain or is_public_suffix(step.domain):
        return []
    silent = await tools.ask(f"_dmarc.{step.domain}", "TXT")
    return [found("dmarc.unknown", step.fault, evidence=[evidence(silent)])]


async def _misplaced(target: Target, tools: Tools, own: Answer) -> Finding | None:
    """A record at a name where people put it by mistake."""
    name = target.name
    for place in (name, f"_dmarc.{name}.{name}", f"_dmarc.www.{name}", f"dmarc.{name}"):
        answer = await tools.ask(place, "TXT")
        texts = [text for text in answer.texts() if dmarc.is_record(text)]
        if texts:
            message = f"the DMARC record is at {place}, where nobody asks for the policy of {name}"
            proof, expected = [evidence(own), evidence(answer)], f"a record at {own.name}"
            fix = txt_line(own.name, texts[0])
            return found("dmarc.wrong-place", message, evidence=proof, expected=expected, fix=fix)
    return None


def _missing(target: Target, own: Answer) -> Finding:
    expected = _PARKED_RECORD if target.profile is not Profile.SENDER else _FIRST_RECORD
    if target.profile is Profile.BULK_SENDER:
        expected = f"{_FIRST_RECORD}; rua=mailto:postmaster@{target.name}"
    return found(
        "dmarc.missing",
        f"there is no DMARC record at {own.name} or above it",
        evidence=[evidence(own)],
        expected=expected,
        fix=txt_line(own.name, expected),
        severity=Severity.WARNING if target.profile is Profile.RECEIVING else None,
    )
