"""SPF: is there one record, can it be evaluated, does it keep strangers out, do our own addresses pass? (RFC 7208)

Promise: what a record costs and where it leads is found by following it, and whether the limits hold by evaluating
it for addresses that nobody has; a part that nobody answered for is `spf.unknown`, and the rest is judged still.
"""

from collections.abc import Iterable, Sequence

from mailctl.domains.checks import spf_follow, spf_record, spf_results
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import spf, spf_edit
from mailctl.standards.dns import Answer
from mailctl.standards.spf_check import LOOKUP_LIMIT
from mailctl.standards.spf_tree import count

_SOUND = (Severity.OK, Severity.INFO)


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about the SPF record of one domain."""
    answer = await tools.ask(target.name, "TXT")
    if not answer.known:
        return [found("spf.unknown", describe(answer), evidence=[evidence(answer)])]
    records = spf.select(answer.texts())
    if len(records) > 1:
        return [_several(answer, records)]
    if not records:
        return [await _none(target, tools, answer)]
    text = records[0]
    culprit, meant = spf_record.joined(answer, text)
    if culprit:
        return [_joined(answer, culprit, meant)]
    if len(text) > spf.LONGEST:
        return [_endless(answer, text)]
    try:
        record = spf.parse(text)
    except spf.SpfSyntaxError as error:
        return [_broken(answer, text, error)]
    if target.profile is Profile.PARKED and (parked := _parked(answer, record)):
        return [parked]
    return await _sound(target, tools, answer, text, record)


async def _sound(
    target: Target, tools: Tools, answer: Answer, text: str, record: spf.Record
) -> list[Finding]:
    """Of a record that can be parsed: what it says, where it leads, and whom it lets pass."""
    findings = spf_record.judge(answer, text, record)
    tree = await count(tools.dns, target.name, text=text)
    findings += await spf_follow.follow(tools, tree, answer, text, record)
    findings += await spf_results.limits(tools, tree)
    passing, failing = await spf_results.sending(target, tools, text, sound=not _faulty(findings))
    findings += failing
    if all(finding.severity in _SOUND for finding in findings):
        spent = f"{tree.lookups} of {LOOKUP_LIMIT} lookups"
        message = "; ".join([f"the record of {target.name} is sound: {spent}", *passing])
        findings.insert(0, found("spf.ok", message, evidence=[evidence(answer)]))
    return findings


def _faulty(findings: Iterable[Finding]) -> bool:
    return any(f.severity in (Severity.ERROR, Severity.UNKNOWN) for f in findings)


# No record, or not one


def _several(answer: Answer, records: Sequence[str]) -> Finding:
    listed = " | ".join(text if len(text) <= 100 else f"{text[:97]}..." for text in records[:5])
    merged = _merged(records)
    return found(
        "spf.multiple-records",
        f"{answer.name} has {len(records)} SPF records: {listed}",
        evidence=[evidence(answer)],
        expected="one record",
        fix=txt_line(answer.name, merged) if merged else "",
    )


def _merged(records: Sequence[str]) -> str:
    """One record that lets everybody pass whom any of these does; "" where one of them is broken."""
    terms: dict[str, None] = {}
    ends: list[str] = []
    for text in records:
        try:
            record = spf.parse(text)
        except spf.SpfSyntaxError:
            return ""
        if record.redirect is not None:
            return ""
        terms |= dict.fromkeys(m.written for m in spf_record.reached(record))
        ends += [record.all.qualifier] if record.all else []
    # The strictest end that does not turn away everybody at once: two records may have hidden a sender.
    end = "-all" if ends and set(ends) == {"-"} else "~all"
    return " ".join(["v=spf1", *terms, end])


async def _none(target: Target, tools: Tools, answer: Answer) -> Finding:
    meant = spf_record.meant_as_spf(answer.texts())
    if meant:
        culprit, mended = spf_record.joined(answer, meant[0])
        if culprit:
            return _joined(answer, culprit, mended)
        shown = ascii(meant[0] if len(meant[0]) <= 100 else f"{meant[0][:97]}...")
        message = f"{shown} is not an SPF record, and {answer.name} has no other"
        mended = spf_record.repaired(meant[0])
        fix = txt_line(answer.name, mended)
        return found(
            "spf.not-recognised", message, evidence=[evidence(answer)], expected="v=spf1 and a space", fix=fix
        )
    doubled = f"{target.name}.{target.name}"
    elsewhere = await tools.ask(doubled, "TXT")
    suggestion = _suggestion(target)
    if len(spf.select(elsewhere.texts())) == 1:
        message = (
            f"the SPF record is at {doubled}, where nobody asks: the zone was appended to the name twice"
        )
        fix = txt_line(target.name, spf.select(elsewhere.texts())[0])
        seen = [evidence(answer), evidence(elsewhere)]
        return found(
            "spf.wrong-place", message, evidence=seen, expected=f"a record at {target.name}", fix=fix
        )
    return found(
        "spf.missing",
        f"{target.name} has no SPF record",
        evidence=[evidence(answer)],
        expected=suggestion,
        fix=txt_line(target.name, suggestion),
        severity=Severity.WARNING if target.profile is Profile.RECEIVING else None,
    )


def _suggestion(target: Target) -> str:
    if target.profile in (Profile.PARKED, Profile.RECEIVING):
        return "v=spf1 -all"
    return spf_edit.authorise(None, target.sending_ips) if target.sending_ips else "v=spf1 mx ~all"


def _joined(answer: Answer, culprit: str, meant: str) -> Finding:
    return found(
        "spf.joined-without-space",
        f"two strings of the record join to {culprit[:80]!a}",
        evidence=[evidence(answer)],
        expected=meant if len(meant) <= spf_record.RECORD_BYTES else "",
        fix=txt_line(answer.name, meant),
    )


def _endless(answer: Answer, text: str) -> Finding:
    """No resolver brings such a record in a datagram, and no one wrote it: it is not looked into."""
    message = f"the record has {len(text)} bytes; it is not judged further"
    expected = f"at most {spf_record.RECORD_BYTES} bytes"
    seen = [evidence(answer)]
    return found("spf.record-too-long", message, evidence=seen, expected=expected, severity=Severity.ERROR)


def _broken(answer: Answer, text: str, error: spf.SpfSyntaxError) -> Finding:
    reasons = "; ".join(map(str, error.problems[:5]))
    more = f" and {len(error.problems) - 5} more" if len(error.problems) > 5 else ""
    return found(
        "spf.syntax",
        f"{reasons}{more}",
        evidence=[evidence(answer)],
        fix=_without_problems(answer, text, error),
    )


def _without_problems(answer: Answer, text: str, error: spf.SpfSyntaxError) -> str:
    """The record with the commonest slips mended, if that makes it one that can be parsed."""
    mended = text.replace(",", " ").replace(";", " ").replace("\t", " ")
    for wrong, right in (
        ("ipv4:", "ip4:"),
        ("ipv6:", "ip6:"),
        ("include ", "include:"),
        ("redirect:", "redirect="),
    ):
        mended = mended.replace(f" {wrong}", f" {right}")
    for problem in error.problems:
        start = problem.term.lower()
        if start.startswith(("a:", "mx:", "include:")) and start.partition(":")[2].replace(".", "").isdigit():
            mended = mended.replace(f" {problem.term}", f" ip4:{problem.term.partition(':')[2]}")
    mended = " ".join(mended.split())
    try:
        spf.parse(mended)
    except spf.SpfSyntaxError:
        return ""
    return txt_line(answer.name, mended)


def _parked(answer: Answer, record: spf.Record) -> Finding | None:
    severity = spf_record.locked(record)
    if severity is Severity.OK:
        return None
    message = (
        f"{answer.name} is parked, but its record lets somebody send"
        if severity is Severity.ERROR
        else f"{answer.name} is parked, but its record does not turn everybody away"
    )
    fix = txt_line(answer.name, "v=spf1 -all")
    seen = [evidence(answer)]
    return found(
        "spf.parked-sends", message, evidence=seen, expected="v=spf1 -all", fix=fix, severity=severity
    )
