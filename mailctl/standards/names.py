"""Domain, host, record and selector names: strict, from text to lower case A-labels.

Promise: what these functions return has only letters, digits, hyphens and dots (`record_name`: also
underscores), no final dot, and sizes that the DNS takes (RFC 1035 §2.3.4), so it can go into a zone or a
configuration file as it is. Anything else raises `BadName` with every reason at once. Nothing is
mended in silence: a character that Unicode merely maps to another one is refused (RFC 5895 is wider).
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address

import idna

NAME_LENGTH = 253  # RFC 1035 §2.3.4: 255 octets on the wire
LABEL_LENGTH = 63
# Past this nobody means a name; the IDN tables are not asked to work on it.
TEXT_LENGTH = 1000

_ASCII_LABEL = re.compile(r"[A-Za-z0-9-]*")
_RECORD_LABEL = re.compile(r"[A-Za-z0-9_-]*")
_SUFFIX_FORM = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_NUMBER_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
# UTS 39 §5.2, "highly restrictive": scripts that people do write together within one word.
_SCRIPT_SETS = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"},
    {"LATIN", "CJK", "BOPOMOFO"},
    {"LATIN", "CJK", "HANGUL"},
)
_NO_SCRIPT = {"DIGIT", "HYPHEN-MINUS", "COMBINING", "MIDDLE"}


class BadName(ValueError):
    """A text that is no such name. `reasons` holds all that is wrong, safe to print."""

    def __init__(self, text: str, kind: str, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{shown(text)} is not a {kind}: {'; '.join(reasons)}")
        self.text = text
        self.reasons = reasons


def domain_name(text: str, *, allow_public_suffix: bool = False) -> str:
    """The name of a domain that somebody can own: a host name below a public suffix.

    Only the suffixes of registries count; the private part of the list (github.io) names domains that
    have an owner who may well send mail.
    """
    reasons, name = _examine(text, _ASCII_LABEL, least=2)
    if not allow_public_suffix and _SUFFIX_FORM.fullmatch(name) and is_public_suffix(name):
        reasons += (f"{name} is a public suffix: names are registered below it, nobody owns it",)
    return _or_refuse(text, "domain name", reasons, name)


def host_name(text: str) -> str:
    """A fully qualified host name (RFC 1123 §2.1, RFC 5321 §2.3.5): at least two labels."""
    return _or_refuse(text, "host name", *_examine(text, _ASCII_LABEL, least=2))


def record_name(text: str) -> str:
    """The owner name of a DNS record; labels may hold underscores (RFC 8552): _dmarc.shop.example."""
    return _or_refuse(text, "record name", *_examine(text, _RECORD_LABEL, least=2))


def selector_name(text: str) -> str:
    """A DKIM selector (RFC 6376 §3.1): one or more labels, without underscores."""
    return _or_refuse(text, "selector", *_examine(text, _ASCII_LABEL, least=1, numbers=True))


def parent(name: str) -> str:
    """The name one label up; "" for a single label. Takes what the functions above return."""
    return name.partition(".")[2]


def ancestors(name: str) -> Iterator[str]:
    """The name itself, then each name above it, down to the last label."""
    while name:
        yield name
        name = parent(name)


def is_at_or_below(name: str, zone: str) -> bool:
    """Whether `name` is `zone` or lies within it; "" is the root."""
    return not zone or name == zone or name.endswith("." + zone)


def is_public_suffix(name: str) -> bool:
    """Whether registries register below `name`; a top-level domain that is not on the list counts."""
    return _public_suffix_check()(name)


def shown(text: str) -> str:
    """`text` for a message: quoted, escaped, cut to a length that fits a line."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")


def _or_refuse(text: str, kind: str, reasons: tuple[str, ...], name: str) -> str:
    if reasons:
        raise BadName(text, kind, reasons)
    return name


@cache
def _public_suffix_check() -> Callable[[str], bool]:
    # Reading the list takes 0.1 s: only for those who ask.
    from publicsuffixlist import PublicSuffixList

    suffixes = PublicSuffixList(only_icann=True)
    return lambda name: bool(suffixes.is_public(name))


def _examine(
    text: str, label_form: re.Pattern[str], *, least: int, numbers: bool = False
) -> tuple[tuple[str, ...], str]:
    """All reasons against `text`, and the name it is where there is none."""
    if not text:
        return ("it is empty",), ""
    if len(text) > TEXT_LENGTH:
        return (f"it has {len(text)} characters, and a name has at most {NAME_LENGTH}",), ""
    if _is_address(text):
        return ("it is an IP address",), ""
    reasons = list(_bad_characters(text, label_form))
    labels = (text[:-1] if text.endswith(".") else text).split(".")
    if labels[0] == "" and len(labels) > 1:
        reasons.append("it starts with a dot")
    if "" in labels[1:] or labels == [""]:
        reasons.append("it has an empty label (two dots in a row)")
    encoded = []
    for label in filter(None, labels):
        try:
            encoded.append(_a_label(label))
        except ValueError as error:
            encoded.append(label)
            # The IDN tables would only repeat what a bad character or a size already explains.
            if not reasons and len(label) <= LABEL_LENGTH:
                reasons.append(str(error).encode("ascii", "backslashreplace").decode())
    name = ".".join(encoded).lower()
    reasons += _bad_sizes(encoded, name)
    if len(encoded) < least:
        reasons.append("it has a single label; a full name such as mail.shop.example is needed")
    if encoded and not numbers and _NUMBER_LABEL.fullmatch(encoded[-1]):
        reasons.append(f"its last label, {shown(encoded[-1])}, is a number")  # RFC 3696 §2
    return tuple(reasons), name


def _is_address(text: str) -> bool:
    try:
        ip_address(text.removeprefix("[").removesuffix("]").rstrip(".").removeprefix("IPv6:"))
    except ValueError:
        return False
    return True


def _bad_characters(text: str, label_form: re.Pattern[str]) -> Iterator[str]:
    found = dict.fromkeys(c for c in text if c != "." and c.isascii() and not label_form.fullmatch(c))
    if "_" in found:
        del found["_"]
        yield "it has an underscore, which only the names of records may have"
    if any(c.isspace() for c in text):
        yield "it has white space or a line end in it"
    control = [c for c in text if unicodedata.category(c).startswith("C")]
    if control:
        listed = ", ".join(f"U+{ord(c):04X}" for c in dict.fromkeys(control[:5]))
        yield f"it has control or invisible characters in it ({listed})"
    rest = "".join(c for c in found if c.isprintable() and not c.isspace())
    if rest:
        yield f"it has characters that no name has: {' '.join(rest[:10])}"


def _bad_sizes(labels: list[str], name: str) -> Iterator[str]:
    for label in labels:
        if len(label) > LABEL_LENGTH:
            yield f"the label {shown(label)} has {len(label)} characters; {LABEL_LENGTH} is the most"
        if label.startswith("-") or label.endswith("-"):
            yield f"the label {shown(label)} starts or ends with a hyphen"  # RFC 1123 §2.1
    if len(name) > NAME_LENGTH:
        yield f"it has {len(name)} characters; {NAME_LENGTH} is the most"


def _a_label(label: str) -> str:
    """One label as an A-label (RFC 5891 §4); ValueError says why it cannot be."""
    if label.isascii() and not label.lower().startswith("xn--"):
        return label.lower()
    if label.isascii():
        try:
            return _a_label(idna.ulabel(label.lower()))
        except idna.IDNAError as error:
            raise ValueError(f"the label {shown(label)} is not valid punycode: {error}") from None
    plain = unicodedata.normalize("NFC", label.lower())
    try:
        mapped = idna.uts46_remap(plain, std3_rules=True, transitional=False)
        # Soft hyphens, full-width letters and the like become something else: say so, do not guess.
        if mapped != plain or mapped.isascii():
            raise ValueError(f"the label {shown(label)} holds look-alikes; {shown(mapped)} may be meant")
        _refuse_mixed_scripts(plain)
        return idna.alabel(plain).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"the label {shown(label)} is not valid in a domain name: {error}") from None


def _refuse_mixed_scripts(label: str) -> None:
    """UTS 39 §5.2: one script a label, or a set that is written together; ValueError otherwise."""
    words = {unicodedata.name(c, "UNNAMED").split()[0] for c in label}
    scripts = words - _NO_SCRIPT
    if len(scripts) > 1 and not any(scripts <= allowed for allowed in _SCRIPT_SETS):
        mixed = ", ".join(sorted(s.title() for s in scripts))
        raise ValueError(f"the label {shown(label)} mixes scripts that look alike ({mixed})")
