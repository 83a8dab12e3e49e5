"""MTA-STS: the record that announces a policy, and the policy (RFC 8461).

Promise: `parse_record` and `read_policy` take anything; what is no record is an `MtaStsSyntaxError` with every
reason, and a policy comes back with every problem, each at the field it concerns. `format_*` writes what they read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mailctl.standards import fields, names

VERSION: Final = "STSv1"
POLICY_PATH: Final = "/.well-known/mta-sts.txt"  # §3.3
POLICY_SIZE: Final = 65_536  # bytes; senders may stop there (§3.3)
LONGEST_AGE: Final = 31_557_600  # seconds, a year (§3.2)
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_FIELD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_AGE = re.compile(r"[0-9]{1,10}")
_MOST = 20  # problems that are named


class MtaStsSyntaxError(ValueError):
    """The text is no MTA-STS record, or no policy. `reasons` holds every problem."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Record:
    """The TXT record at _mta-sts. A new `id` tells senders that there is a new policy."""

    id: str
    extensions: tuple[tuple[str, str], ...] = ()


class Mode(StrEnum):
    """What senders do with an MX host that is not in the policy, or whose certificate is not good (§5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a policy. `field` is "version", "mode", "mx", "max_age", or "" for the syntax."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file. None means that the field is absent, or that its value is not valid."""

    mode: Mode | None = None
    mx: tuple[str, ...] = ()  # patterns: a host name, or "*." and a name
    max_age: int | None = None  # seconds
    extensions: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = field(default=(), compare=False)


def is_record(text: str) -> bool:
    return fields.is_record(text, VERSION)


def is_meant(text: str) -> bool:
    """Whether somebody meant a record and did not quite write one, such as "v=stsv1; id=1"."""
    return fields.is_meant(text, VERSION)


def parse_record(text: str) -> Record:
    """The record in a TXT text (§3.1); `MtaStsSyntaxError` with every reason if it is none."""
    found = fields.read(text, VERSION)
    problems = list(found.problems)
    identity = found.get("id")
    if identity is None:
        problems.append("it has no id=")
    elif not _ID.fullmatch(identity):
        problems.append(f"id= has to be 1 to 32 letters and digits, and is {identity[:40]!a}")
    problems += [
        f"{n}= has no valid value: {v[:40]!a}" for n, v in found.others("id") if not fields.is_value(v)
    ]
    if identity is None or problems:
        raise MtaStsSyntaxError(problems)
    return Record(identity, found.others("id"))


def format_record(record: Record) -> str:
    """The TXT value; `ValueError` for what could not be read back."""
    text = fields.format(VERSION, [("id", record.id), *record.extensions])
    if parse_record(text) != record:
        raise ValueError(f"cannot be written as an MTA-STS record: {record!r}")
    return text


def read_policy(body: bytes) -> Policy:
    """The policy in a file (§3.2), with all its problems. Lines end in LF or CRLF."""
    reader = _PolicyReader(body.decode("utf-8", "replace"))
    reader.check_version()
    mode = reader.mode()
    return Policy(mode, reader.mx(mode), reader.max_age(), reader.extensions(), reader.named_problems())


def parse_policy(text: str) -> Policy:
    """A policy without any problem; otherwise `MtaStsSyntaxError`."""
    policy = read_policy(text.encode("utf-8", "replace"))
    if policy.problems:
        raise MtaStsSyntaxError(problem.text for problem in policy.problems)
    return policy


def format_policy(policy: Policy) -> str:
    """The file, with CRLF; `ValueError` for what could not be read back."""
    lines = [("version", VERSION), ("mode", str(policy.mode)), *(("mx", mx) for mx in policy.mx)]
    lines += [("max_age", str(policy.max_age)), *policy.extensions]
    text = "".join(f"{name}: {value}\r\n" for name, value in lines)
    if parse_policy(text) != policy:
        raise ValueError(f"cannot be written as an MTA-STS policy: {policy!r}")
    return text


def covers(patterns: Iterable[str], host: str) -> bool:
    """Whether an MX host is allowed (§4.1): "*." stands for exactly one label, the leftmost."""
    host = host.rstrip(".").lower()
    wanted = {host, f"*.{names.parent(host)}"} if "." in host else {host}
    return any(pattern.rstrip(".").lower() in wanted for pattern in patterns)


class _PolicyReader:
    """Takes a policy apart and gathers what is wrong with it."""

    def __init__(self, text: str) -> None:
        self._first: dict[str, str] = {}
        self._mx: list[str] = []
        self.problems: list[Problem] = []
        for line in text.split("\n"):
            # The grammar knows no empty line; every sender passes over them, and many policies end in some.
            if line := line.removesuffix("\r").rstrip(fields.WSP):
                self._take(line)

    def _take(self, line: str) -> None:
        name, colon, value = line.partition(":")
        value = value.strip(fields.WSP)
        if not colon or not _FIELD_NAME.fullmatch(name) or not value.isprintable() or not value:
            self._complain("", f"not a key: value line: {line[:60]!a}")
        elif name == "mx":
            self._mx.append(value)
        elif name in self._first:
            self._complain("", f"{name} occurs more than once; the first counts")
        else:
            self._first[name] = value

    def _complain(self, name: str, text: str) -> None:
        self.problems.append(Problem(name, text))

    def named_problems(self) -> tuple[Problem, ...]:
        rest = len(self.problems) - _MOST
        more = [Problem("", f"and {rest} more problems")] if rest > 0 else []
        return (*self.problems[:_MOST], *more)

    def check_version(self) -> None:
        version = self._first.get("version")
        if version != VERSION:
            said = "there is no version" if version is None else f"the version is {version[:40]!a}"
            self._complain("version", f"{said}, and has to be {VERSION}")

    def mode(self) -> Mode | None:
        mode = self._first.get("mode")
        if mode in list(Mode):
            return Mode(mode)
        said = "there is no mode" if mode is None else f"the mode is {mode[:40]!a}"
        self._complain("mode", f"{said}, and has to be enforce, testing or none")
        return None

    def mx(self, mode: Mode | None) -> tuple[str, ...]:
        good = [pattern for pattern in self._mx if _is_pattern(pattern)]
        for pattern in self._mx:
            if pattern not in good:
                wanted = 'a host name, or "*." and a domain'
                self._complain("mx", f"the mx {pattern[:60]!a} is no pattern: it has to be {wanted}")
        if not self._mx and mode is not Mode.NONE:
            self._complain("mx", "there is no mx, so that no host is allowed")
        return tuple(good)

    def max_age(self) -> int | None:
        age = self._first.get("max_age")
        if age is not None and _AGE.fullmatch(age) and int(age) <= LONGEST_AGE:
            return int(age)
        said = "there is no max_age" if age is None else f"the max_age is {age[:40]!a}"
        self._complain("max_age", f"{said}, and has to be a number of seconds up to {LONGEST_AGE}")
        return None

    def extensions(self) -> tuple[tuple[str, str], ...]:
        known = ("version", "mode", "max_age")
        return tuple((name, value) for name, value in self._first.items() if name not in known)


def _is_pattern(pattern: str) -> bool:
    try:
        return names.host_name(pattern.removeprefix("*.")) == pattern.removeprefix("*.").lower()
    except names.BadName:
        return False
