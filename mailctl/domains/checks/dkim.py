"""DKIM: does each selector publish one key that receivers can use? (RFC 6376 §3.6.2)

Promise: a selector that was named and has no key is `missing`; one that was only guessed proves nothing by its absence,
and what stands there without being a key (a wildcard) is not held against the domain.
"""

import asyncio
from dataclasses import dataclass, replace
from itertools import permutations

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.dkim_key import Verdict, judge, looks_like_key
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import dkim_record
from mailctl.standards.dns import Answer

_SOUND = (Severity.OK, Severity.INFO)
_SHOWN = 3  # absent guesses that are enough of a proof
_NEEDLESS = (Profile.PARKED, Profile.RECEIVING)


@dataclass(frozen=True, slots=True)
class _Looked:
    """One selector and what is there."""

    selector: str
    answer: Answer
    findings: tuple[Finding, ...]
    key: dkim_record.KeyRecord | None = None

    @property
    def usable(self) -> bool:
        return self.key is not None and not self.key.revoked


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about the keys of one domain."""
    if target.selectors and target.profile is not Profile.PARKED:
        given = await asyncio.gather(*(_given(tools, target.name, s, None) for s in target.selectors))
        return _summed_up(target, list(given))
    return await _guessed(target, tools)


async def check_selector(tools: Tools, domain: str, selector: str, expected: str | None) -> list[Finding]:
    """One selector that is known to be in use; `expected` is the record of the private key held here, if it is."""
    looked = await _given(tools, domain, selector, expected)
    return _summed_up(Target(domain, (selector,)), [looked])


def _summed_up(target: Target, looked: list[_Looked]) -> list[Finding]:
    findings = [finding for one in looked for finding in one.findings]
    usable = [one for one in looked if one.usable]
    if target.profile is Profile.PARKED and usable:
        message = f"{target.name} is parked, but has a key at {_selectors(usable)}"
        seen = [evidence(one.answer) for one in usable]
        findings.append(found("dkim.parked-key", message, evidence=seen))
    elif usable and all(one.key and one.key.algorithm == "ed25519" for one in usable):
        seen = [evidence(one.answer) for one in usable]
        findings.append(
            found("dkim.ed25519-only", f"the only keys are at {_selectors(usable)}", evidence=seen)
        )
    if usable and all(finding.severity in _SOUND for finding in findings):
        seen = [evidence(one.answer) for one in usable]
        findings.insert(0, found("dkim.ok", f"sound keys: {_selectors(usable)}", evidence=seen))
    return findings


def _selectors(looked: list[_Looked]) -> str:
    """The selectors in words: "s1 (rsa 2048)"."""
    words = []
    for one in looked[:10]:
        size = f" {one.key.bits}" if one.key and one.key.algorithm == "rsa" else ""
        words.append(f"{one.selector} ({one.key.algorithm if one.key else 'no key'}{size})")
    return ", ".join(words) + (f" and {len(looked) - 10} more" if len(looked) > 10 else "")


# Selectors that somebody named


async def _given(tools: Tools, domain: str, selector: str, expected: str | None) -> _Looked:
    name = f"{selector}._domainkey.{domain}"
    answer = await tools.ask(name, "TXT")
    if not answer.known:
        finding = found("dkim.unknown", f"{selector}: {describe(answer)}", evidence=[evidence(answer)])
        return _Looked(selector, answer, (finding,))
    if answer.absent:
        return _Looked(selector, answer, (await _absent(tools, domain, answer, expected),))
    verdict = _records(answer)
    if expected is not None and verdict.key and (wrong := _wrong(answer, verdict.key, expected)):
        verdict = replace(verdict, findings=(wrong, *verdict.findings))
    return _Looked(selector, answer, _told(selector, verdict), verdict.key)


def _told(selector: str, verdict: Verdict) -> tuple[Finding, ...]:
    return tuple(replace(f, message=f"{selector}: {f.message}") for f in verdict.findings)


async def _absent(tools: Tools, domain: str, answer: Answer, expected: str | None) -> Finding:
    seen = [evidence(answer)]
    if answer.chain:
        message = f"{answer.name} is an alias of {answer.chain[-1]}, which has no key"
        return found("dkim.cname-dangling", message, evidence=seen, expected=expected or "")
    doubled = await tools.ask(f"{answer.name}.{domain}", "TXT")
    if any(looks_like_key(text) for text in doubled.texts()):
        message = f"the key is at {doubled.name}: the zone was appended to the name twice"
        fix = txt_line(answer.name, doubled.texts()[0])
        seen.append(evidence(doubled))
        return found(
            "dkim.wrong-place", message, evidence=seen, expected=f"a record at {answer.name}", fix=fix
        )
    fix = txt_line(answer.name, expected) if expected else ""
    message = f"{answer.name} has no TXT record ({answer.status.value.upper()})"
    return found("dkim.missing", message, evidence=seen, expected=expected or "a key record", fix=fix)


def _records(answer: Answer) -> Verdict:
    """The one record at a selector, judged; several are a finding of their own."""
    texts = answer.texts()
    if len(texts) == 1:
        return judge(answer, texts[0])
    keys = [text for text in texts if looks_like_key(text)]
    message = f"{len(texts)} TXT records at {answer.name}, {len(keys)} of them meant as keys"
    whole = _put_together(texts) if len(keys) < 2 else ""
    if whole:
        message += "; two of them together are the key"
    fix = txt_line(answer.name, whole or (keys[0] if len(keys) == 1 else ""))
    finding = found(
        "dkim.multiple-records", message, evidence=[evidence(answer)], expected="one record", fix=fix
    )
    return Verdict((finding,))


def _put_together(texts: tuple[str, ...]) -> str:
    """A key that was published as two records instead of two strings."""
    for first, second in permutations(texts[:4], 2):
        if looks_like_key(first) and not _is_key(first) and _is_key(first + second):
            return first + second
    return ""


def _is_key(text: str) -> bool:
    try:
        return not dkim_record.parse_key(text).revoked
    except dkim_record.KeyProblem:
        return False


def _wrong(answer: Answer, key: dkim_record.KeyRecord, expected: str) -> Finding | None:
    """A published key that is not that of the private key held here (same bytes, whatever is around them)."""
    wanted = dkim_record.parse_key(expected)
    if (key.algorithm, key.public) == (wanted.algorithm, wanted.public):
        return None
    message = "the key in the DNS is not that of the private key held here: every signature fails"
    fix = txt_line(answer.name, expected)
    return found("dkim.wrong", message, evidence=[evidence(answer)], expected=expected, fix=fix)


# Selectors by convention


async def _guessed(target: Target, tools: Tools) -> list[Finding]:
    # None of a parked domain's selectors needs to be there: those that are named are tried like the rest.
    selectors = tuple(dict.fromkeys((*target.selectors, *tools.guessed_selectors)))
    names = [f"{selector}._domainkey.{target.name}" for selector in selectors]
    answers = await asyncio.gather(*(tools.ask(name, "TXT") for name in names))
    looked: list[_Looked] = []
    seen: set[tuple[str, ...]] = set()
    for selector, answer in zip(selectors, answers, strict=True):
        # A wildcard answers for every selector: what it says is said once.
        if answer.texts() and answer.texts() not in seen and (one := _hit(selector, answer)):
            looked.append(one)
            seen.add(answer.texts())
    keys = [one for one in looked if one.key is None or not one.key.revoked]
    dangling = [f for f in map(_dangling, selectors, answers) if f is not None]
    if keys:
        return _summed_up(target, looked) + dangling
    return _none_found(target, looked, dict(zip(selectors, answers, strict=True))) + dangling


def _hit(selector: str, answer: Answer) -> _Looked | None:
    """What a guess found, if it is meant as a key at all. A revoked one is what revoking leaves behind."""
    if not any(looks_like_key(text) for text in answer.texts()):
        return None
    verdict = _records(answer)
    softened = (
        replace(f, severity=Severity.INFO) if f.id == "dkim.revoked" else f for f in _told(selector, verdict)
    )
    return _Looked(selector, answer, tuple(softened), verdict.key)


def _dangling(selector: str, answer: Answer) -> Finding | None:
    if not (answer.absent and answer.chain):
        return None
    message = f"{selector}: an alias of {answer.chain[-1]}, which has no key"
    return found("dkim.cname-dangling", message, evidence=[evidence(answer)], severity=Severity.INFO)


def _none_found(target: Target, revoked: list[_Looked], answers: dict[str, Answer]) -> list[Finding]:
    """No usable key by guessing: a fault of the DNS if that is why, and else nothing that proves anything."""
    faults = [answer for answer in answers.values() if not answer.known]
    if faults:
        message = (
            f"{len(faults)} of {len(answers)} common selectors could not be looked up: {describe(faults[0])}"
        )
        return [found("dkim.unknown", message, evidence=map(evidence, faults))]
    seen = [evidence(answer) for answer in list(answers.values())[:_SHOWN]]
    notes = [finding for one in revoked for finding in one.findings]
    if target.profile in _NEEDLESS:
        message = f"{target.name} sends no mail, and no common selector has a key in use"
        return [found("dkim.not-needed", message, evidence=seen), *notes]
    message = f"none of the {len(answers)} common selectors has a key: {', '.join(answers)}"
    return [found("dkim.none-found", message, evidence=seen), *notes]
