"""Authentication-Results: writing what was found about a message (RFC 8601, RFC 6008, RFC 9989 §9.1).

Promise: whatever the values hold, the field stays one field of the form that RFC 8601 §2.2 gives: no control
character, no line break but our folding, no quote that ends early, bounded lengths.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mailctl.standards.dkim_verify import SignatureResult
    from mailctl.standards.dmarc import Evaluation

MAX_VALUE: Final = 255  # characters of a property's value; ours
MAX_REASON: Final = 400  # characters of a reason; ours
_LONG = 500  # characters, from where on each part has its line: RFC 5322 §2.1.1 allows 998
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9-]*")  # RFC 8601 §2.2: method, result, ptype, property
_DOMAIN = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
# What may stand as it is (§2.2, pvalue): a token, or an address whose local part is a dot-atom.
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+^_`{|}~.-]*(@[A-Za-z0-9._-]+)?")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Property:
    """What was evaluated, as `header.d=example.com`."""

    ptype: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method's result; `ValueError` for keywords that RFC 8601 could not hold."""

    method: str
    result: str
    properties: tuple[Property, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        words = [self.method, self.result, *(w for p in self.properties for w in (p.ptype, p.name))]
        if bad := [word for word in words if not _KEYWORD.fullmatch(word)]:
            raise ValueError(f"not a keyword of Authentication-Results: {bad[0][:40]!a}")


def format(  # noqa: A001 - the module's verb, used as authres.format
    authserv_id: str, results: Sequence[MethodResult], *, fold: str = "\r\n\t"
) -> str:
    """The field's value, a method a line. `ValueError` if `authserv_id`, the name of the host, is none.

    `fold` goes between the methods: a line break and a blank in a message, what you like on a screen.
    """
    if not _DOMAIN.fullmatch(authserv_id) or len(authserv_id) > MAX_VALUE:
        raise ValueError(f"not a host name: {authserv_id[:80]!a}")
    if not results:
        return f"{authserv_id}; none"  # §2.2, no-result
    return f"{authserv_id};{fold}" + f";{fold}".join(_method(result, fold) for result in results)


def _method(result: MethodResult, fold: str) -> str:
    parts = [f"{result.method}={result.result}"]
    if result.reason:
        parts.append(f"reason={_quoted(_clean(result.reason, MAX_REASON))}")
    parts += [f"{p.ptype}.{p.name}={_value(p.value)}" for p in result.properties]
    line = " ".join(parts)
    return line if len(line) <= _LONG else fold.join(parts)


def _clean(text: str, length: int) -> str:
    """Printable ASCII of a bounded length; anything else becomes a question mark."""
    text = _UNPRINTABLE.sub("?", text)
    return text if len(text) <= length else text[: length - 3] + "..."


def _quoted(text: str) -> str:
    """RFC 5322 §3.2.4."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(text: str) -> str:
    text = _clean(text, MAX_VALUE)
    return text if text and _PLAIN.fullmatch(text) else _quoted(text)


def _properties(pairs: Iterable[tuple[str, str, str]]) -> tuple[Property, ...]:
    return tuple(Property(ptype, name, value) for ptype, name, value in pairs if value)


def of_spf(result: str, mail_from: str, helo: str, reason: str = "") -> MethodResult:
    """An SPF result (RFC 8601 §2.7.2). `mail_from` is "" for a null sender."""
    pairs = [("smtp", "mailfrom", mail_from), ("smtp", "helo", "" if mail_from else helo)]
    return MethodResult("spf", result, _properties(pairs), reason)


def of_dkim(found: "SignatureResult") -> MethodResult:
    """The result of one signature (RFC 8601 §2.7.1, RFC 6008 §4)."""
    pairs = [
        ("header", "d", found.domain),
        ("header", "s", found.selector),
        ("header", "a", found.algorithm),
        ("header", "i", found.identity),
        ("header", "b", found.start),
    ]
    return MethodResult("dkim", found.result, _properties(pairs), found.reason)


def of_dmarc(found: "Evaluation") -> MethodResult:
    """A DMARC result (RFC 9989 §9.1); policy.dmarc is the effective policy."""
    pairs = [
        ("header", "from", found.policy.author_domain),
        ("policy", "dmarc", found.policy.effective or ""),
    ]
    reason = "" if found.result == "pass" else found.reason
    return MethodResult("dmarc", found.result, _properties(pairs), reason)
