"""SPF records (RFC 7208): select, parse, format. Evaluation is in `spf_check`, editing in `spf_edit`.

Promise: `parse` accepts exactly the grammar of §12, up to a length that no honest record has, and says everything
that is wrong with a record at once, each with its position; `parse(format(record)) == record`. No text makes it fail
otherwise, and its work is linear in the length of the text.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from mailctl.standards.spf_macro import ALL_LETTERS, DOMAIN_LETTERS, MacroError, parts

QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}  # §4.6.2
# §4.6.4: the mechanisms that cost one of the ten lookups; so does the modifier redirect.
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})
PROBLEM_LIMIT = 20  # more of them help nobody
LONGEST = (
    8_192  # bytes of a record that is read; ours: §3.4 counsels 450, and a stranger's zone can hold 64 kB
)

_VERSION = "v=spf1"
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_MECHANISM = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?::(?P<domain>.*?))?(?:/(?P<p4>[0-9]*))?(?://(?P<p6>[0-9]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (characters from the start of the record), in which term, and why."""

    position: int
    term: str
    reason: str

    def __str__(self) -> str:
        where = ascii(self.term if len(self.term) <= 60 else self.term[:57] + "...")
        return f"{where} at {self.position}: {self.reason}"


class SpfSyntaxError(ValueError):
    """A record that breaks the grammar: `problems` holds everything, `position` where the first is."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)[:PROBLEM_LIMIT]
        self.position = self.problems[0].position
        super().__init__("; ".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Mechanism:
    """§5: one mechanism. `written` is the term as it stands in the record."""

    name: str  # all, include, a, mx, ptr, ip4, ip6, exists
    qualifier: str = "+"
    domain: str = ""  # the domain-spec as written, macros and all; "" where there is none
    network: IPv4Interface | IPv6Interface | None = None  # ip4:192.0.2.77/24 keeps its host bits
    prefix4: int = 32  # of a and mx
    prefix6: int = 128
    position: int = field(default=0, compare=False)
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        text = ("" if self.qualifier == "+" else self.qualifier) + self.name
        if self.network is not None:
            full = self.network.network.prefixlen == self.network.max_prefixlen
            return f"{text}:{self.network.ip if full else self.network}"
        text += f":{self.domain}" if self.domain else ""
        text += f"/{self.prefix4}" if self.prefix4 != 32 else ""
        return text + (f"//{self.prefix6}" if self.prefix6 != 128 else "")


@dataclass(frozen=True, slots=True)
class Modifier:
    """§6: name=value; the name in lower case."""

    name: str
    value: str
    position: int = field(default=0, compare=False)
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


Term = Mechanism | Modifier


@dataclass(frozen=True, slots=True)
class Record:
    """A record, its terms in order."""

    terms: tuple[Term, ...]

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        return tuple(t for t in self.terms if isinstance(t, Mechanism))

    @property
    def modifiers(self) -> tuple[Modifier, ...]:
        return tuple(t for t in self.terms if isinstance(t, Modifier))

    @property
    def all(self) -> Mechanism | None:
        """The first `all`: nothing after it is ever looked at (§5.1)."""
        return next((m for m in self.mechanisms if m.name == "all"), None)

    @property
    def redirect(self) -> str | None:
        """The domain-spec of redirect=, where it has an effect: beside `all` it has none (§6.1)."""
        return None if self.all else self._value("redirect")

    @property
    def explanation(self) -> str | None:
        """The domain-spec of exp= (§6.2)."""
        return self._value("exp")

    def _value(self, name: str) -> str | None:
        return next((m.value for m in self.modifiers if m.name == name), None)


def select(texts: Iterable[str]) -> tuple[str, ...]:
    """The SPF records among the TXT texts of a name (§4.5); more than one is a permerror."""
    return tuple(text for text in texts if _is_spf(text))


def parse(text: str) -> Record:
    """A record from its text; `SpfSyntaxError` with everything that is wrong (§4.6: also after `all`)."""
    if not _is_spf(text):
        raise SpfSyntaxError([Problem(0, text[:20], "an SPF record starts with v=spf1 and a space")])
    if len(text) > LONGEST:
        reason = f"the record has {len(text)} bytes, and nobody reads more than {LONGEST}"
        raise SpfSyntaxError([Problem(0, text[:20], reason)])
    terms: list[Term] = []
    problems: list[Problem] = []
    for found in re.compile("[^ ]+").finditer(text, len(_VERSION)):
        try:
            terms.append(_term(found[0], found.start()))
        except _TermError as error:
            problems.append(Problem(found.start() + error.offset, found[0], error.reason))
        if len(problems) >= PROBLEM_LIMIT:
            break
    seen: set[str] = set()
    for term in terms:
        if isinstance(term, Modifier) and term.name in ("redirect", "exp"):
            if term.name in seen:  # §6
                problems.append(Problem(term.position, term.written, f"{term.name}= appears twice"))
            seen.add(term.name)
    if problems:
        raise SpfSyntaxError(sorted(problems, key=lambda p: p.position))
    return Record(tuple(terms))


def format(record: Record) -> str:  # noqa: A001 - every standard has parse and format
    """The text of a record: one space between terms, qualifiers and prefix lengths only where they say
    something."""
    return " ".join([_VERSION, *map(str, record.terms)])


class _TermError(ValueError):
    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def _is_spf(text: str) -> bool:
    version, _, _ = text[: len(_VERSION) + 1].partition(" ")
    return version.lower() == _VERSION


def _term(text: str, position: int) -> Term:
    # §4.6.1: a term whose name is followed by "=" is a modifier, whatever its name is.
    if modifier := _MODIFIER.fullmatch(text):
        return _modifier(modifier[1].lower(), modifier[2], position, text)
    mechanism = _MECHANISM.fullmatch(text)
    if not mechanism:
        raise _TermError("neither a mechanism nor a modifier")
    qualifier, name, rest = mechanism[1] or "+", mechanism[2].lower(), mechanism[3]
    if name not in _FORMS:
        raise _TermError(_unknown(name))
    fields = _FORMS[name](name, rest, len(text) - len(rest))
    return Mechanism(name, qualifier, *fields, position=position, written=text)


def _unknown(name: str) -> str:
    if name in ("redirect", "exp"):
        return f"{name} is a modifier and is written {name}="
    return f"there is no mechanism {name[:30]!r}"


def _modifier(name: str, value: str, position: int, text: str) -> Modifier:
    offset = len(name) + 1
    if name in ("redirect", "exp"):
        _check_domain(value, offset)  # §6.1, §6.2; a broken one is not an unknown modifier
    else:
        _macros(value, offset, ALL_LETTERS)
    return Modifier(name, value, position, text)


_Fields = tuple[str, IPv4Interface | IPv6Interface | None, int, int]


def _form_all(_name: str, rest: str, offset: int) -> _Fields:
    if rest:
        raise _TermError("all takes no argument", offset)
    return "", None, 32, 128


def _form_domain(name: str, rest: str, offset: int) -> _Fields:
    """include, exists: a domain-spec (§5.2, §5.7); ptr: perhaps one (§5.5)."""
    if not rest and name == "ptr":
        return "", None, 32, 128
    if not rest.startswith(":"):
        raise _TermError(f"{name} is written {name}:domain", offset)
    _check_domain(rest[1:], offset + 1)
    return rest[1:], None, 32, 128


def _form_dual_cidr(name: str, rest: str, offset: int) -> _Fields:
    """a, mx: perhaps a domain-spec, perhaps /prefix and //prefix (§5.3, §5.4)."""
    found = _DUAL_CIDR.fullmatch(rest)
    if not found:
        raise _TermError(f"{name} is written {name}, {name}:domain, {name}/24 or {name}//64", offset)
    if found["domain"] is not None:
        _check_domain(found["domain"], offset + 1)
    prefix4 = _prefix(found["p4"], 32, offset)
    prefix6 = _prefix(found["p6"], 128, offset)
    return found["domain"] or "", None, prefix4, prefix6


def _form_ip(name: str, rest: str, offset: int) -> _Fields:
    """ip4, ip6: a network (§5.6), whose host bits may be set."""
    address, slash, prefix = rest[1:].partition("/")
    version = 4 if name == "ip4" else 6
    length = _prefix(prefix if slash else None, 32 if version == 4 else 128, offset)
    try:
        # Python takes zone indices (fe80::1%eth0), SPF does not.
        network = ip_interface(f"{address}/{length}") if "%" not in address else None
    except ValueError:
        network = None
    if not rest.startswith(":") or network is None or network.version != version:
        raise _TermError(f"{name} is written {name}:address or {name}:address/prefix", offset)
    return "", network, 32, 128


_FORMS: dict[str, Callable[[str, str, int], _Fields]] = {
    "all": _form_all,
    "include": _form_domain,
    "a": _form_dual_cidr,
    "mx": _form_dual_cidr,
    "ptr": _form_domain,
    "ip4": _form_ip,
    "ip6": _form_ip,
    "exists": _form_domain,
}


def _prefix(digits: str | None, longest: int, offset: int) -> int:
    if digits is None:
        return longest
    # §5.6 forbids leading zeros in addresses; the test suite reads it so for prefixes too.
    if not re.fullmatch("0|[1-9][0-9]{0,2}", digits) or int(digits) > longest:
        raise _TermError(f"a prefix length is a number from 0 to {longest}", offset)
    return int(digits)


def _macros(text: str, offset: int, letters: frozenset[str]) -> None:
    try:
        parts(text, letters=letters)
    except MacroError as error:
        raise _TermError(error.reason, offset + error.position) from None


def _check_domain(text: str, offset: int) -> None:
    """§7.1 domain-spec: ends in a macro, or in a dot and a top label, perhaps with a final dot."""
    if not text:
        raise _TermError("the domain is empty", offset)
    _macros(text, offset, DOMAIN_LETTERS)
    literal = re.sub(r"%\{[^}]*\}|%[%_-]", "%", text).rpartition("%")[2]
    if not literal:
        return
    rest, dot, top = literal.removesuffix(".").rpartition(".")
    if dot and top.isalnum() and top.isdigit():
        hint = "; an address belongs into ip4:" if rest.replace(".", "").isdigit() else ""
        raise _TermError(f"the domain ends in a number{hint}", offset)
    hyphens = top.startswith("-") or top.endswith("-")
    if not dot or hyphens or not top.replace("-", "").isalnum():
        raise _TermError("the domain does not end in a macro or in a top-level label", offset)
