"""The inventory: a TOML file with a `[[domain]]` table for each domain that somebody wants checked.

Promise: either every table is a `Target` that knows its line, or `BadInput` names everything that is wrong, each with
its line; unknown keys come with the nearest known one. A syntax error in one table does not hide those in the others.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mailctl.domains.checks.catalogue import catalogue
from mailctl.domains.checks.target import Profile, Target
from mailctl.errors import BadInput
from mailctl.standards.names import domain_name, host_name, selector_name, shown

KEYS = ("name", "selectors", "profile", "sending_ips", "ignore", "hostname")
PROFILES = tuple(profile.value for profile in Profile)
LARGEST = 16 * 1024 * 1024  # bytes; a hundred thousand domains fit

# The lexemes that decide where a line begins a table or a key (TOML 1.0); everything else is "other".
_LEXEME = re.compile(
    r"""(?P<comment>\#[^\n]*)|(?P<newline>\n)
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<open>[\[{])|(?P<close>[\]}])|(?P<other>[^\#\n\[\]{}"']+|["'])""",
    re.VERBOSE | re.DOTALL,
)
_HEADER = re.compile(r"[ \t]*\[")
_DOMAIN_HEADER = re.compile(r"[ \t]*\[\[[ \t]*(domain|\"domain\"|'domain')[ \t]*\]\][ \t]*(#.*)?")
_KEY = re.compile(r"[ \t]*(?:([A-Za-z0-9_-]+)|\"([^\"\n]*)\"|'([^'\n]*)')[ \t]*=")


@dataclass
class _Part:
    """One table as it is written: its header and its lines, and where each key and each string of a value stands."""

    line: int  # of the header; 0 for what comes before the first
    header: str = ""
    text: str = ""
    keys: dict[str, int] = field(default_factory=dict)
    items: dict[str, list[int]] = field(default_factory=dict)


def read_inventory(path: Path) -> tuple[Target, ...]:
    """The domains of the file, in its order; raises `BadInput` with every reason."""
    targets, problems = parse_inventory(_text(path))
    if problems:
        count = "something" if len(problems) == 1 else f"{len(problems)} things"
        raise BadInput(
            f"{count} in the inventory {path} cannot be used",
            details=[f"{path}:{line}: {what}" for line, what in sorted(set(problems))],
            hint="nothing was checked; mend the lines, and run the same command again",
        )
    return tuple(targets)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(
            f"the inventory {path} cannot be read: {error.strerror}", hint="name a file that you may read"
        ) from error
    if len(data) > LARGEST:
        raise BadInput(
            f"the inventory {path} is larger than {LARGEST // 1024 // 1024} MiB", hint="split it in several"
        )
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1

        details = [f"{path}:{line}: bytes that are no text"]
        raise BadInput(
            f"the inventory {path} is not UTF-8", details=details, hint="save it as UTF-8"
        ) from error


def parse_inventory(text: str) -> tuple[list[Target], list[tuple[int, str]]]:
    """What the text says, and every problem with its line."""
    targets: list[Target] = []
    problems: list[tuple[int, str]] = []
    first: dict[str, int] = {}
    parts = list(_parts(text))
    for part in parts:
        table, wrong = _table(part)
        values, more = _values(part, table) if table is not None else ({}, [])
        name = values.get("name")
        if name is not None and (before := first.setdefault(name, part.line)) != part.line:
            more.append((part.keys["name"], f"name: {name} is in line {before} already"))
        problems += wrong + more
        if table is not None and not more:
            targets.append(Target(line=part.line, **values))
    if not any(part.header for part in parts) and not problems:
        problems.append((1, "there is no [[domain]] table"))
    return targets, problems


def _parts(text: str) -> Iterator[_Part]:
    """The text cut before each header, with the lines of keys and strings."""
    text = f"{text}\n"
    part, key, depth, line, start, begin = _Part(0), "", 0, 1, True, 0
    for lexeme in _LEXEME.finditer(text):
        at = lexeme.start()
        # Inside of an array there is no [[domain]]: one that begins a line means that the array was not closed.
        if start and (_DOMAIN_HEADER if depth else _HEADER).match(text, at):
            part.text = text[begin:at]
            yield part
            header = text[at : text.index("\n", at)]
            part, key, depth, begin = _Part(line, header), "", 0, at + len(header)
        elif start and depth == 0 and (found := _KEY.match(text, at)):
            key = next(name for name in found.groups() if name is not None)
            part.keys.setdefault(key, line)
            part.items.setdefault(key, [])
        if lexeme.lastgroup == "string" and key and at >= begin and not _KEY.match(text, at):
            part.items[key].append(line)
        depth += {"open": 1, "close": -1}.get(lexeme.lastgroup or "", 0) if at >= begin else 0
        depth = max(depth, 0)
        line += lexeme[0].count("\n")
        start = lexeme.lastgroup == "newline"
    part.text = text[begin:]
    yield part


def _table(part: _Part) -> tuple[dict[str, Any] | None, list[tuple[int, str]]]:
    """The keys and values of a `[[domain]]` table; None, with the reasons, for everything else."""
    if part.header and not _DOMAIN_HEADER.fullmatch(part.header):
        name = part.header.strip().strip("[]").strip()
        near = ": it takes double brackets" if name == "domain" else "; the nearest is [[domain]]"
        return None, [(part.line, f"{shown(part.header.strip())} is not a table of an inventory{near}")]
    try:
        table = tomllib.loads(part.text)
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax(part, str(error))]
    if not part.header:
        return None, [
            (line, f"{key} stands outside of a [[domain]] table") for key, line in part.keys.items()
        ]
    return table, []


def _syntax(part: _Part, message: str) -> tuple[int, str]:
    """A problem that tomllib found, at its line in the file."""
    base = max(part.line, 1)
    found = re.search(r"\(at line (\d+), column (\d+)\)", message)
    if found:
        return base + int(found[1]) - 1, f"{message[: found.start()].strip()} (column {found[2]})"
    return base + part.text.rstrip().count("\n"), message.partition(" (at")[0]


def _values(part: _Part, table: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """The fields of a `Target` as far as they can be used, and what is wrong with the others."""
    problems: list[tuple[int, str]] = []
    values: dict[str, Any] = {}
    nearest: list[str] = []
    for key, value in table.items():
        line = part.keys.get(key, part.line)
        if key not in _READERS:
            nearest += difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)
            problems.append((line, f"{shown(key)} is not a key; the nearest is {nearest[-1]}"))
            continue
        read, wrong = _READERS[key](value, line, part.items.get(key, []))
        problems += [(at, f"{key}: {what}") for at, what in wrong]
        if not wrong:
            values[key] = read
    if "name" not in table and "name" not in nearest:
        problems.append((part.line, "this [[domain]] has no name"))
    return values, problems


_Read = tuple[Any, list[tuple[int, str]]]


def _one(convert: Callable[[str], Any]) -> Callable[[Any, int, list[int]], _Read]:
    """A reader of one string."""

    def read(value: Any, line: int, _: list[int]) -> _Read:
        if not isinstance(value, str):
            return None, [(line, f"must be a string, seen: {shown(str(value))}")]
        try:
            return convert(value), []
        except ValueError as error:
            return None, [(line, str(error))]

    return read


def _many(convert: Callable[[str], Any], collect: Callable[[list[Any]], Any] = tuple) -> Callable[..., _Read]:
    """A reader of a list of strings; each problem has the line of its item."""

    def read(value: Any, line: int, lines: list[int]) -> _Read:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return None, [(line, f"must be a list of strings, seen: {shown(str(value))}")]
        places = lines if len(lines) == len(value) else [line] * len(value)
        results = [_one(convert)(item, place, []) for item, place in zip(value, places, strict=True)]
        return collect([result for result, wrong in results if not wrong]), [
            w for _, wrong in results for w in wrong
        ]

    return read


def check_id(text: str) -> str:
    """`text` if it is the id of a finding; ValueError with the nearest one."""
    if text in catalogue():
        return text
    near = difflib.get_close_matches(text, list(catalogue()), n=1, cutoff=0.0)[0]
    raise ValueError(f"{shown(text)} is not the id of a finding; the nearest is {near}")


def _profile(text: str) -> Profile:
    if text in PROFILES:
        return Profile(text)
    near = difflib.get_close_matches(text, PROFILES, n=1, cutoff=0.0)[0]
    raise ValueError(f"{shown(text)} is not a profile; the nearest is {near}")


def checked_name(text: str) -> str:
    """The name of a domain to look at; a public suffix may be looked at too. ValueError with every reason."""
    return domain_name(text, allow_public_suffix=True)


_READERS: Mapping[str, Callable[[Any, int, list[int]], _Read]] = {
    "name": _one(checked_name),
    "selectors": _many(selector_name),
    "profile": _one(_profile),
    "sending_ips": _many(ip_address),
    "ignore": _many(check_id, frozenset),
    "hostname": _one(host_name),
}
