"""MTA-STS: the record, whether a policy stands behind it, and whether the policy lets mail through (RFC 8461).

Promise: what cannot be reached from here is unknown; what the policy host says or refuses is evidence. Whether the id
changed when the policy did takes two looks: `verify --baseline` compares them.
"""

from mailctl.domains.checks import exchanges, mtasts_policy
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import mta_sts
from mailctl.standards.dns import Answer

_SOUND = (Severity.OK, Severity.INFO)


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about MTA-STS of one domain."""
    answer = await tools.ask(f"_mta-sts.{target.name}", "TXT")
    if not answer.known:
        return [found("mtasts.unknown", describe(answer), evidence=[evidence(answer)])]
    texts = [text for text in answer.texts() if mta_sts.is_record(text)]
    if not texts and not any(mta_sts.is_meant(text) for text in answer.texts()):
        return [await _without(target, tools, answer)]
    findings = _record(answer, texts)
    policy = await mtasts_policy.check(target, tools, answer)
    findings += policy.findings
    if all(finding.severity in _SOUND for finding in findings):
        said = "the record and the policy" if tools.https else "the record"
        proof = [evidence(answer), *([policy.proof] if policy.proof else [])]
        ok = found("mtasts.ok", f"{said} of {target.name} are in order", evidence=proof)
        findings.insert(0, ok)
    return findings


def _record(answer: Answer, texts: list[str]) -> list[Finding]:
    """What is wrong with the record itself."""
    seen = [evidence(answer)]
    if len(texts) > 1:
        message = f"{len(texts)} records at {answer.name}: senders use none of them"
        return [found("mtasts.several-records", message, evidence=seen, expected="one record")]
    text = texts[0] if texts else next(text for text in answer.texts() if mta_sts.is_meant(text))
    try:
        mta_sts.parse_record(text)
    except mta_sts.MtaStsSyntaxError as error:
        message = f"the record at {answer.name} does not count: {error}"
        wanted = mta_sts.format_record(mta_sts.Record("1"))
        return [
            found(
                "mtasts.record-invalid",
                message,
                evidence=seen,
                expected=wanted,
                fix=f'{answer.name}. 3600 IN TXT "{wanted}"  (a new id each time the policy changes)',
            )
        ]
    return []


async def _without(target: Target, tools: Tools, answer: Answer) -> Finding:
    """There is no record. That is worth a word only where mail is taken, or where a policy waits for it."""
    seen = [evidence(answer)]
    if answer.absent and answer.chain:
        message = f"{answer.name} is an alias of {answer.chain[-1]}, where there is no record"
        return found("mtasts.dangling-cname", message, evidence=seen)
    apex = await tools.ask(target.name, "TXT")
    if any(mta_sts.is_record(text) for text in apex.texts()):
        message = f"the MTA-STS record is at {target.name}, not at {answer.name}"
        return found("mtasts.record-misplaced", message, evidence=[evidence(apex), *seen])
    policy = await mtasts_policy.published(target, tools)
    if policy is not None:
        message = f"a policy is served at mta-sts.{target.name}, and {answer.name} does not announce it"
        wanted = f'{answer.name}. 3600 IN TXT "v=STSv1; id=1"'
        return found("mtasts.record-missing", message, evidence=seen, expected="v=STSv1; id=…", fix=wanted)
    if (await exchanges.find(target, tools)).none:
        return found("mtasts.not-needed", f"{target.name} takes no mail", evidence=seen)
    return found("mtasts.missing", f"{target.name} has no MTA-STS", evidence=seen)
