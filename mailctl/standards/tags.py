"""Tag=value lists: the syntax that DKIM signatures, DKIM keys and DMARC records share (RFC 6376 §3.2).

Promise: `read` takes any text, never raises, and names every problem; `parse` is `read` for callers that want
no problem at all. Tag names are case-sensitive and values keep their inner whitespace, as the RFC says.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FWS: Final = " \t\r\n"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_BAD_VALUE = re.compile(r"[^\x20-\x3a\x3c-\x7e\t\r\n]")
_MAX_PROBLEMS = 20  # that are named: a hostile record must not make a report of megabytes
MAX_LENGTH: Final = 65_535  # bytes that a TXT record can hold (RFC 1035 §3.2.1)


class TagSyntaxError(ValueError):
    """The text is not a tag list. `reasons` holds every problem."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class TagList:
    """The pairs of a tag list in their order, repeated names included."""

    pairs: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()

    def get(self, name: str, default: str = "") -> str:
        """The value of the first tag of that name."""
        return next((value for tag, value in self.pairs if tag == name), default)

    def __contains__(self, name: object) -> bool:
        return any(tag == name for tag, _ in self.pairs)

    @property
    def repeated(self) -> frozenset[str]:
        """Names that occur more than once, which RFC 6376 §3.2 forbids."""
        counts = Counter(name for name, _ in self.pairs)
        return frozenset(name for name, count in counts.items() if count > 1)


def _shown(text: str) -> str:
    """A piece of foreign text for a message, with a bounded length."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")


def read(text: str) -> TagList:
    """Every pair that can be made out in `text`, with the problems of the rest."""
    pairs: list[tuple[str, str]] = []
    problems: list[str] = []
    if len(text) > MAX_LENGTH:
        return TagList((), (f"{len(text)} characters are more than a TXT record can hold",))
    parts = text.split(";")
    if len(parts) > 1 and not parts[-1].strip(FWS):
        parts.pop()  # a trailing ";" is legal
    for part in parts:
        name, equals, value = part.partition("=")
        name, value = name.strip(FWS), value.strip(FWS)
        if not equals or not _NAME.fullmatch(name):
            problems.append(f"not a tag=value pair: {_shown(part.strip(FWS))}")
            continue
        if _BAD_VALUE.search(value):
            problems.append(
                f"{_shown(name)[1:-1]}= holds a character that is not printable ASCII: {_shown(value)}"
            )
        pairs.append((name, value))
    repeated = sorted(TagList(tuple(pairs)).repeated)
    problems += [f"{_shown(name)[1:-1]}= occurs more than once (RFC 6376 §3.2)" for name in repeated]
    if len(problems) > _MAX_PROBLEMS:
        problems[_MAX_PROBLEMS:] = [f"and {len(problems) - _MAX_PROBLEMS} more problems"]
    return TagList(tuple(pairs), tuple(problems))


def parse(text: str) -> TagList:
    """A tag list without any problem; otherwise `TagSyntaxError`."""
    tags = read(text)
    if tags.problems:
        raise TagSyntaxError(tags.problems)
    return tags


def format(pairs: Iterable[tuple[str, str]]) -> str:  # noqa: A001 - the module's verb, used as tags.format
    """The text of a tag list; `ValueError` for what could not be read back."""
    pairs = tuple(pairs)
    text = "; ".join(f"{name}={value}" for name, value in pairs)
    if parse(text).pairs != pairs:
        raise ValueError(f"cannot be written as tag=value: {pairs!r}")
    return text


def colon_list(value: str) -> tuple[str, ...]:
    """The members of a colon-separated value, whitespace around them removed (RFC 6376 §3.6.1)."""
    return tuple(item.strip(FWS) for item in value.split(":"))


def unfold(value: str) -> str:
    """A value without any whitespace: base64 may be folded anywhere (RFC 6376 §3.2)."""
    return value.translate({ord(c): None for c in FWS})
