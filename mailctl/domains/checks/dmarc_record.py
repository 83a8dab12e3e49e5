"""What a DMARC record tells by itself (RFC 9989 §4.7, §4.8).

Promise: pure; one finding an id, however many tags are concerned; a fix is the whole record, mended, with nothing
else changed in it.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.standards import dmarc, tags
from mailctl.standards.dmarc_record import Disposition
from mailctl.standards.dns import Answer

_NAMED = 5  # things that a message names
_JUDGED = 50  # unknown tags that are looked at; a hostile record has thousands
_STRICTNESS = {Disposition.NONE: 0, Disposition.QUARANTINE: 1, Disposition.REJECT: 2}
_POLICIES = ("p", "sp", "np")
_REPORTS = ("rua", "ruf")
_KNOWN = ("v", *_POLICIES, "adkim", "aspf", "psd", "t", *_REPORTS, "fo")
# Names that people write for another: in capitals, or by a slip. Short ones would be found in anything.
_OFTEN_MISSPELT = ("adkim", "aspf", "rua", "ruf", "psd")
_LIKE = {
    "policy": "p",
    "dkim": "adkim",
    "spf": "aspf",
    "rau": "rua",
    "ura": "rua",
    "rfu": "ruf",
    "fuf": "ruf",
}
_MEANT = re.compile(r"[\s\"'\\`]*v?\s*=?\s*[\s\"']*dmarc\s*[0-9]*", re.IGNORECASE)
_LATER = re.compile(r";\s*v\s*=\s*dmarc1\s*(?=;|\Z)", re.IGNORECASE)  # v= is there, but not in front
_SIZE = re.compile(r"![0-9]+[kmgt]?\s*(?:,|\Z)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seen:
    """One DMARC record where it was found."""

    answer: Answer
    text: str
    record: dmarc.Record
    read: tags.TagList


@dataclass(frozen=True, slots=True)
class _Note:
    """A finding in the making: `mended` is the record as it should be, or ""."""

    id: str
    message: str
    mended: str = ""
    severity: Severity | None = None


def the_record(answer: Answer) -> Seen | None:
    """The one DMARC record of an answer; None where there is none, or more than one (§4.10)."""
    texts = [text for text in answer.texts() if dmarc.is_record(text)]
    if len(texts) != 1:
        return None
    return Seen(answer, texts[0], dmarc.parse(texts[0]), tags.read(texts[0]))


def meant_as_dmarc(answer: Answer) -> tuple[str, ...]:
    """The texts that somebody meant to be DMARC records, and that are none."""
    return tuple(
        t for t in answer.texts() if (_MEANT.match(t) or _LATER.search(t)) and not dmarc.is_record(t)
    )


def repaired(text: str) -> str:
    """A text that was meant to be DMARC, with the beginning that makes it so; "" if even that does not help."""
    text = text.replace("\\;", ";")
    rest = (_MEANT if _MEANT.match(text) else _LATER).sub("", text, count=1).strip(" \t\r\n\"'\\;,:`")
    rest = re.sub(r"\s+(?=[a-z]{1,5}\s*=)", "; ", re.sub(r"\s*;\s*", "; ", rest))
    mended = re.sub(r"(;\s*)+", "; ", f"v=DMARC1; {rest}").strip("; ")
    whole = dmarc.is_record(mended) and dmarc.parse(mended).policy is not None
    return mended if whole else ""


def judge(seen: Seen) -> list[Finding]:
    """Everything that a record has to answer for by itself."""
    notes = [note for check in _CHECKS for note in check(seen)]
    proof = [evidence(seen.answer)]
    return [
        found(n.id, n.message, evidence=proof, fix=txt_line(seen.answer.name, n.mended), severity=n.severity)
        for n in notes
    ]


def _named(words: list[str]) -> str:
    shown = [word if len(word) <= 80 else f"{word[:77]}..." for word in words[:_NAMED]]
    return ", ".join(shown) + (f" and {len(words) - _NAMED} more" if len(words) > _NAMED else "")


def _dropped(seen: Seen, *names: str) -> str:
    """The record without some of its tags."""
    return "; ".join(f"{name}={value}" for name, value in seen.read.pairs if name not in names)


def _renamed(seen: Seen, names: dict[str, str]) -> str:
    return "; ".join(f"{names.get(name, name)}={value}" for name, value in seen.read.pairs)


def _policy(seen: Seen) -> Iterator[_Note]:
    record = seen.record
    if record.invalid:
        values = _named([f"{name}={seen.read.get(name)!a}" for name in record.invalid])
        effect = "it acts as p=none" if record.report_uris else "DMARC is not applied at all"
        yield _Note("dmarc.invalid-policy", f"{values}: {effect}", _policies_mended(seen))
    elif record.policy is None and not record.report_uris:
        message = "the record has no p= and no valid rua=: DMARC is not applied"
        yield _Note("dmarc.no-effect", message, _with_policy(seen))
    elif record.policy is None:
        yield _Note("dmarc.policy-missing", "the record has no p=, and acts as p=none", _with_policy(seen))
    elif record.policy is Disposition.NONE:
        yield _Note("dmarc.policy-none", "p=none: mail that fails is delivered as any other")
    if record.testing and record.whole:
        yield _Note("dmarc.testing", "t=y: the policy is applied one level below", _dropped(seen, "t"))


def _with_policy(seen: Seen) -> str:
    if "P" in seen.read:
        return _renamed(seen, {"P": "p"})
    (_, version), *rest = seen.read.pairs
    return "; ".join([f"v={version}", "p=none", *(f"{name}={value}" for name, value in rest if name != "p")])


def _policies_mended(seen: Seen) -> str:
    """The record with a semicolon where it was forgotten, if that is what is wrong."""
    mended = re.sub(r"(?<![;,\s])[\s,]+(?=[a-z]{1,5}\s*=)", "; ", seen.text)
    try:
        return mended if dmarc.parse(mended).whole else ""
    except dmarc.DmarcSyntaxError:
        return ""


def _subdomains(seen: Seen) -> Iterator[_Note]:
    record = seen.record
    if record.policy is None or record.invalid:
        return
    existing = record.subdomain_policy or record.policy
    weaker = []
    if _STRICTNESS[existing] < _STRICTNESS[record.policy]:
        weaker.append(f"sp={existing} beside p={record.policy}")
    missing = record.nonexistent_policy
    if missing is not None and _STRICTNESS[missing] < _STRICTNESS[record.policy]:
        weaker.append(f"np={missing} beside p={record.policy}")
    if weaker:
        yield _Note("dmarc.subdomain-weaker", _named(weaker), _dropped(seen, "sp", "np"))


def _tags(seen: Seen) -> Iterator[_Note]:
    """Tags that have no effect: broken, misspelt, historic, unknown."""
    broken = [p for p in seen.record.problems if p.partition("=")[0] not in (*_POLICIES, *_REPORTS)]
    if broken:
        yield _Note("dmarc.invalid-tag", _named(broken))
    unknown = list(dict.fromkeys(name for name, _ in seen.read.pairs[1:] if name not in _KNOWN))[:_JUDGED]
    historic = [name for name in unknown if name.lower() in dmarc.HISTORIC_TAGS]
    slips = {name: meant for name in unknown if name not in historic and (meant := _meant(name))}
    if slips:
        words = [f"{name}= for {meant}=" for name, meant in slips.items()]
        yield _Note("dmarc.tag-misspelt", _named(words), _renamed(seen, slips))
    yield from _historic(seen, historic)
    others = [name for name in unknown if name not in historic and name not in slips]
    if others:
        yield _Note("dmarc.unknown-tag", f"ignored: {_named([f'{name}=' for name in others])}")


def _meant(name: str) -> str:
    """The tag that a name was meant as, or ""."""
    small = name.lower()
    if small in _KNOWN:
        return small
    if small in _LIKE:
        return _LIKE[small]
    close = difflib.get_close_matches(small[:20], _OFTEN_MISSPELT, n=1, cutoff=0.75)
    return close[0] if close else ""


def _historic(seen: Seen, names: list[str]) -> Iterator[_Note]:
    sized = [name for name in _REPORTS if _SIZE.search(seen.read.get(name))]
    words = [f"{name}={seen.read.get(name)[:20]}" for name in names] + [
        f"a size limit in {n}=" for n in sized
    ]
    if not words:
        return
    policy = seen.record.policy
    held_back = any(n.lower() == "pct" and seen.read.get(n).strip() != "100" for n in names)
    severity = Severity.WARNING if held_back and policy not in (None, Disposition.NONE) else None
    message = f"ignored since RFC 9989: {_named(words)}"
    if severity:
        message += f"; receivers that follow it apply p={policy} to all mail that fails, not to a part of it"
    yield _Note("dmarc.historic-tag", message, _dropped(seen, *names) if names else "", severity)


def _addresses(seen: Seen) -> Iterator[_Note]:
    """rua and ruf as they are written; where they lead is asked elsewhere."""
    broken = [p for p in seen.record.problems if p.partition("=")[0] in _REPORTS]
    if broken:
        yield _Note("dmarc.rua-syntax", _named(broken), _with_mailto(seen))
    elif "rua" not in seen.read:
        yield _Note("dmarc.no-rua", "the record has no rua=")


def _with_mailto(seen: Seen) -> str:
    """The record with mailto: in front of what are plain addresses, if that is what is wrong."""
    mended = {}
    for name in _REPORTS:
        parts = [part.strip() for part in re.split(r"[,\s]+", seen.read.get(name)) if part.strip()]
        uris = [p if p.lower().startswith("mailto:") or "@" not in p else f"mailto:{p}" for p in parts]
        mended[name] = ",".join(uris)
    text = "; ".join(f"{name}={mended.get(name, value)}" for name, value in seen.read.pairs)
    sound = dmarc.is_record(text) and not any(p.startswith(_REPORTS) for p in dmarc.parse(text).problems)
    return text if sound else ""


_CHECKS: tuple[Callable[[Seen], Iterator[_Note]], ...] = (_policy, _subdomains, _tags, _addresses)
