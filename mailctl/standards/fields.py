"""A version and fields after it: the record syntax that MTA-STS and TLS-RPT share (RFC 8461 §3.1, RFC 8460 §3).

Promise: `read` takes any text, never raises, and names every problem. Unlike tag lists (RFC 6376) the version comes
first and is spelled exactly, names may hold dots and hyphens, and of a repeated field the first counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

WSP = " \t"
MAX_LENGTH = 65_535  # bytes that a TXT record can hold (RFC 1035 §3.2.1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e]+")  # visible, without ";"
_MOST = 20  # problems that are named


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields behind the version, in their order, of each name the first."""

    pairs: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()

    def get(self, name: str) -> str | None:
        return dict(self.pairs).get(name)

    def others(self, *known: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, value) for name, value in self.pairs if name not in known)


def is_record(text: str, version: str) -> bool:
    """Whether `text` counts: others are discarded before they are counted (RFC 8461 §3.1, RFC 8460 §3)."""
    return text.startswith(f"v={version};")


def is_meant(text: str, version: str) -> bool:
    """Whether somebody meant such a record and did not quite write one: "v=stsv1; id=1", "v=STSv2; id=1"."""
    start = "".join(text[:80].split()).strip("\"'").lower()
    kind = version.lower().rstrip("0123456789").removesuffix("v")
    return start.startswith((f"v={kind}", version.lower()))


def read(text: str, version: str) -> Fields:
    """Every field that can be made out in `text`, with the problems of the rest."""
    if len(text) > MAX_LENGTH:
        return Fields((), (f"{len(text)} characters are more than a TXT record can hold",))
    first, *parts = text.split(";")
    problems = [] if first == f"v={version}" and parts else [_bad_start(text, version)]
    if parts and not parts[-1].strip(WSP):
        parts.pop()  # a trailing ";" is legal
    pairs: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.strip(WSP).partition("=")
        if not equals or not _NAME.fullmatch(name):
            problems.append(f"not a name=value pair: {part.strip(WSP)[:60]!a}")
        elif name in pairs:
            problems.append(f"{name}= occurs more than once; the first counts")
        else:
            pairs[name] = value
    problems[_MOST:] = [f"and {len(problems) - _MOST} more problems"] if len(problems) > _MOST else []
    return Fields(tuple(pairs.items()), tuple(problems))


def _bad_start(text: str, version: str) -> str:
    return f"it has to begin with v={version}; exactly so, and begins with {text[:30]!a}"


def is_value(value: str) -> bool:
    """Whether an extension may have this value: visible characters without "=" and ";"."""
    return "=" not in value and _VALUE.fullmatch(value) is not None


def format(version: str, pairs: Iterable[tuple[str, str]]) -> str:  # noqa: A001 - used as fields.format
    """The text of a record; `ValueError` for what could not be read back."""
    pairs = tuple(pairs)
    text = "".join([f"v={version};", *(f" {name}={value};" for name, value in pairs)])
    found = read(text, version)
    if found.problems or found.pairs != pairs:
        raise ValueError(f"cannot be written as name=value: {pairs!r}")
    return text
