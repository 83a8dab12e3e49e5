"""What an SPF record tells by itself, before anybody is asked (RFC 7208 §3 to §6).

Promise: pure; one finding an id, however many terms are concerned; every fix is the whole record, mended, and
nothing else is changed in it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import pairwise

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.findings import Finding, Severity, evidence
from mailctl.standards import spf
from mailctl.standards.dns import Answer, Txt
from mailctl.standards.spf import Mechanism, Modifier, Term

RECORD_BYTES = 450  # RFC 7208 §3.4
CUT = 255  # bytes of a string that a program cut (RFC 1035 §3.3)
DATAGRAM = 1232  # bytes of a DNS answer without fragments (DNS Flag Day 2020)
WHOLE_INTERNET = {4: 8, 6: 16}  # prefixes shorter than these belong to nobody alone
WIDE = {4: 16, 6: 32}  # the largest that one organisation commonly has is not shorter
_MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
_SLIPS = {**{name: name for name in _MECHANISMS}, "ipv4": "ip4", "ipv6": "ip6", "ip": "ip4"}
_NAMED = 5  # terms that a message names
_LONGEST_SLIP = 600  # characters of two terms that people ran together
_MENDED = 20  # slips that are mended for somebody to paste
_MEANT = re.compile(r"[\s\"'\\`]*(?:v\s*=\s*spf[\s.]*[0-9]*|spf1(?=\s))", re.IGNORECASE)
Fix = tuple[str, str, str]  # id, message, the mended record or ""


def named(terms: Sequence[str]) -> str:
    """A few terms for a message, each cut to a length that fits a line."""
    shown = [term if len(term) <= 60 else f"{term[:57]}..." for term in terms[:_NAMED]]
    return ", ".join(shown) + (f" and {len(terms) - _NAMED} more" if len(terms) > _NAMED else "")


def meant_as_spf(texts: Sequence[str]) -> tuple[str, ...]:
    """The TXT texts that somebody meant to be SPF records, and that are none."""
    return tuple(text for text in texts if _MEANT.match(text) and not spf.select([text]))


def repaired(text: str) -> str:
    """A text that was meant to be SPF, with the beginning that makes it so."""
    rest = _MEANT.sub("", text, count=1).strip(" \t\r\n\"'\\;,:`")
    return f"v=spf1 {rest}".strip()


def joined(answer: Answer, text: str) -> tuple[str, str]:
    """The term that two strings of the record make together by mistake, and the record as it was meant; else "".

    A string of exactly 255 bytes was cut by a program, and what it makes with the next is meant, unless it is no
    term (RFC 7208 §3.3).
    """
    strings = next((r.strings for r in answer.records if isinstance(r, Txt) and r.text == text), ())
    position, gaps, culprit = 0, [0], ""
    for string, following in pairwise(strings):
        position += len(string)
        left = text[max(text.rfind(" ", 0, position) + 1, gaps[-1]) : position]
        right = text[position:].partition(" ")[0]
        own = right[: len(following)]  # where the next string ends, another slip may follow
        if len(left) + len(right) > _LONGEST_SLIP:
            continue
        cut_by_a_program = len(string) == CUT and _is_term(left + right)
        if left and _is_end(left) and (_is_mechanism(right) or _is_mechanism(own)) and not cut_by_a_program:
            gaps.append(position)
            culprit = culprit or left + right
    pieces = [text[start:end] for start, end in pairwise([*gaps, len(text)])]
    return culprit, " ".join(pieces) if culprit else ""


def _is_end(text: str) -> bool:
    return text.lower() == "v=spf1" or _is_term(text)


def _is_term(text: str) -> bool:
    try:
        return bool(spf.parse(f"v=spf1 {text}").terms)
    except spf.SpfSyntaxError:
        return False


def _is_mechanism(text: str) -> bool:
    """Whether a text starts a term of its own; a modifier must be one that the standard knows."""
    try:
        (term,) = spf.parse(f"v=spf1 {text}").terms
    except (spf.SpfSyntaxError, ValueError):
        return False
    return isinstance(term, Mechanism) or term.name in ("redirect", "exp")


def judge(answer: Answer, text: str, record: spf.Record) -> list[Finding]:
    """Everything that a record which can be parsed has to answer for by itself."""
    findings = []
    for check in _CHECKS:
        for id_, message, mended in check(text, record):
            fix = txt_line(answer.name, mended) if mended else ""
            findings.append(found(id_, message, evidence=[evidence(answer)], fix=fix))
    return findings + _sizes(answer, text)


def _all(text: str, record: spf.Record) -> Iterator[Fix]:
    end = record.all
    if end is None:
        if record.redirect is None:
            message = "the record ends without all: whoever is not listed gets neutral"
            yield "spf.no-all", message, f"{text.rstrip(' ')} ~all"
        return
    mended = without(text, [end], put="~all")
    if end.qualifier == "?":
        yield "spf.neutral-all", f"the record ends in {end.written}: everybody else gets neutral", mended
    elif end.qualifier == "+":
        id_ = "spf.plus-all" if end.written.startswith("+") else "spf.bare-all"
        yield id_, f"{end.written} lets every address in the world send", mended


def _behind_all(text: str, record: spf.Record) -> Iterator[Fix]:
    end = record.all
    if end is None:
        return
    behind = [m for m in record.mechanisms if m.position > end.position]
    if behind:
        rest = without(text, [end, *behind])
        moved = " ".join(m.written for m in behind if m.name != "all")
        message = f"behind {end.written}, and never looked at: {named([m.written for m in behind])}"
        yield "spf.terms-after-all", message, " ".join(f"{rest} {moved} {end.written}".split())
    redirects = [m for m in record.modifiers if m.name == "redirect"]
    if redirects:
        message = f"{named([redirects[0].written])} has no effect, since the record has {end.written}"
        yield "spf.redirect-beside-all", message, without(text, redirects)


def _networks(text: str, record: spf.Record) -> Iterator[Fix]:
    kinds: dict[str, list[Term]] = {}
    for mechanism in reached(record):
        if kind := _kind(mechanism):
            kinds.setdefault(kind, []).append(mechanism)
    words = {
        "spf.whole-internet": "may send, and no one owns that much of the Internet",
        "spf.wide-network": "may send, all of it",
        "spf.private-network": "can be seen by no receiver",
    }
    for id_, terms in kinds.items():
        mended = without(text, terms) if id_ != "spf.wide-network" else ""
        yield id_, f"{named([t.written for t in terms])} {words[id_]}", mended
    inexact = [m for m in reached(record) if m.network and m.network.ip != m.network.network.network_address]
    inexact = [m for m in inexact if not _kind(m)]
    if inexact:
        meant = ", ".join(f"{m.written} means {m.network.network}" for m in inexact[:_NAMED] if m.network)
        yield "spf.host-bits", meant, ""


def _kind(mechanism: Mechanism) -> str:
    """The finding that a term's network makes, or ""."""
    if mechanism.qualifier != "+":
        return ""
    if mechanism.network is None:
        wide = mechanism.prefix4 < WHOLE_INTERNET[4] or mechanism.prefix6 < WHOLE_INTERNET[6]
        return "spf.whole-internet" if wide and mechanism.name in ("a", "mx") else ""
    network = mechanism.network.network
    if network.prefixlen < WHOLE_INTERNET[network.version]:
        return "spf.whole-internet"
    if _is_private(network):
        return "spf.private-network"
    return "spf.wide-network" if network.prefixlen < WIDE[network.version] else ""


_PRIVATE = tuple(
    ip_network(n) for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10",
                            "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128")
)  # fmt: skip


def _is_private(network: IPv4Network | IPv6Network) -> bool:
    return any(network.network_address in one and network.prefixlen >= one.prefixlen for one in _PRIVATE)


def is_whole_internet(mechanism: Mechanism) -> bool:
    """Whether one passing term lets a part of the Internet send that no one owns."""
    return _kind(mechanism) == "spf.whole-internet"


def _ptr(text: str, record: spf.Record) -> Iterator[Fix]:
    terms = [m for m in reached(record) if m.name == "ptr"]
    if terms:
        yield "spf.ptr", f"the record uses {named([m.written for m in terms])}", without(text, terms)


def _modifiers(text: str, record: spf.Record) -> Iterator[Fix]:
    unknown = [m for m in record.modifiers if m.name not in ("redirect", "exp")]
    slips = [m for m in unknown if m.name in _SLIPS]
    if slips:
        mended = text
        for slip in reversed(slips[:_MENDED]):
            mended = without(mended, [slip], put=_with_colon(slip))
        yield (
            "spf.equals-for-colon",
            f"ignored by every receiver: {named([m.written for m in slips])}",
            mended,
        )
    others = [m for m in unknown if m not in slips]
    if others:
        yield "spf.unknown-modifier", f"ignored by every receiver: {named([m.written for m in others])}", ""


def _with_colon(slip: Modifier) -> str:
    name = _SLIPS[slip.name]
    if name in ("ip4", "ip6"):
        name = "ip6" if ":" in slip.value else "ip4"
    return f"{name}:{slip.value}" if name != "all" else "~all"


def _repeated(text: str, record: spf.Record) -> Iterator[Fix]:
    counts = Counter(str(m) for m in reached(record))
    if all(count == 1 for count in counts.values()):
        return
    seen: set[str] = set()
    again: list[Term] = []
    for mechanism in reached(record):
        if str(mechanism) in seen:
            again.append(mechanism)
        seen.add(str(mechanism))
    message = f"written more than once: {named(list(dict.fromkeys(m.written for m in again)))}"
    yield "spf.repeated-term", message, without(text, again)


_CHECKS: tuple[Callable[[str, spf.Record], Iterator[Fix]], ...] = (
    _all,
    _behind_all,
    _networks,
    _ptr,
    _modifiers,
    _repeated,
)


def _sizes(answer: Answer, text: str) -> list[Finding]:
    findings = []
    if len(text) > RECORD_BYTES:
        message = f"the record has {len(text)} bytes"
        expected = f"at most {RECORD_BYTES} bytes"
        findings.append(found("spf.record-too-long", message, evidence=[evidence(answer)], expected=expected))
    texts = answer.texts()
    # 12 bytes for a record's head, one for the length of each string; the question and EDNS come to it.
    size = sum(len(t) + len(t) // 255 + 13 for t in texts) + len(answer.name) + 29
    if size > DATAGRAM:
        message = f"the {len(texts)} TXT records of {answer.name} make an answer of about {size} bytes"
        expected = f"at most {DATAGRAM} bytes"
        findings.append(
            found("spf.answer-needs-tcp", message, evidence=[evidence(answer)], expected=expected)
        )
    return findings


def reached(record: spf.Record) -> tuple[Mechanism, ...]:
    """The terms before `all`, which alone are ever looked at (RFC 7208 §5.1)."""
    end = record.all
    return tuple(m for m in record.mechanisms if end is None or m.position < end.position)


def without(text: str, terms: Sequence[Term], *, put: str = "") -> str:
    """The record without some of its terms, or with `put` in the place of each."""
    pieces, end = list[str](), 0
    for term in sorted(terms, key=lambda t: t.position):
        before = text[end : term.position]
        pieces.append(before + put if put else before.rstrip(" "))
        end = term.position + len(term.written)
    return "".join(pieces) + text[end:]


def locked(record: spf.Record) -> Severity:
    """How far a record is from `v=spf1 -all`: OK, a WARNING where it passes nobody, an ERROR where somebody may."""
    if [str(term) for term in record.terms if not _is_plain(term)] == ["-all"]:
        return Severity.OK
    passes = record.redirect is not None or any(m.qualifier == "+" for m in record.mechanisms)
    return Severity.ERROR if passes else Severity.WARNING


def _is_plain(term: Term) -> bool:
    """A modifier that lets nobody send: exp= and what nobody knows."""
    return isinstance(term, Modifier) and term.name != "redirect"
