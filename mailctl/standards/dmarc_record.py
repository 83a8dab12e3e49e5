"""DMARC policy records: reading and writing them (RFC 9989 §4.7, §4.8).

Promise: `parse` takes any text. What is no DMARC record at all is a `DmarcSyntaxError`; in a record, a tag
that is unknown is kept and ignored, and one that is wrong is named in `problems` and has its default (§4.8).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, TypeVar, cast

from mailctl.standards import tags

Alignment = Literal["r", "s"]
Psd = Literal["y", "n", "u"]
T = TypeVar("T", bound=str)

HISTORIC_TAGS: Final = ("pct", "rf", "ri")  # RFC 7489 had them, RFC 9989 §9.3 has not
_KNOWN = ("v", "p", "sp", "np", "adkim", "aspf", "psd", "t", "rua", "ruf", "fo")
_VERSION = re.compile(r"[ \t]*[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")  # the value is case-sensitive
_SIZE = re.compile(r"![0-9]+[kmgt]?\Z", re.IGNORECASE)  # obs-dmarc-report-size: ignored
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+;=-]|%[0-9A-Fa-f]{2})+")
_MAILTO = re.compile(r"mailto:[^@?]+@[A-Za-z0-9.-]+(?:\?.*)?", re.IGNORECASE)


class DmarcSyntaxError(ValueError):
    """The text is no DMARC policy record."""


class Disposition(StrEnum):
    """What to do with a message that fails: the values of p, sp and np."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"

    @property
    def lowered(self) -> "Disposition":
        """One level below, as t=y asks (RFC 9989 §4.7)."""
        return Disposition.QUARANTINE if self is Disposition.REJECT else Disposition.NONE


@dataclass(frozen=True, slots=True)
class Record:
    """A DMARC policy record. None and empty mean that the tag is absent, or that its value is not valid."""

    policy: Disposition | None = None  # "p"
    subdomain_policy: Disposition | None = None  # "sp"
    nonexistent_policy: Disposition | None = None  # "np"
    dkim_alignment: Alignment = "r"  # "adkim"
    spf_alignment: Alignment = "r"  # "aspf"
    psd: Psd = "u"
    testing: bool = False  # "t"
    report_uris: tuple[str, ...] = ()  # "rua", the valid ones
    failure_uris: tuple[str, ...] = ()  # "ruf", the valid ones
    failure_options: tuple[str, ...] = ()  # "fo"
    others: tuple[tuple[str, str], ...] = ()  # tags that RFC 9989 does not know
    invalid: tuple[str, ...] = ()  # which of p, sp and np are there with a value that is none
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def whole(self) -> bool:
        """Whether the policy tags can be used; if not, §4.10.1 assumes p=none or does nothing."""
        return self.policy is not None and not self.invalid


def is_record(text: str) -> bool:
    """Whether `text` counts as a DMARC record in DNS: "v=DMARC1" comes first (RFC 9989 §4.7, v)."""
    return _VERSION.match(text) is not None


def parse(text: str) -> Record:
    """The record in a TXT text. `DmarcSyntaxError` if it does not begin with v=DMARC1."""
    if not is_record(text):
        raise DmarcSyntaxError("a DMARC record begins with v=DMARC1, in capitals (RFC 9989 §4.7)")
    reader = _Reader(tags.read(text))
    policy, subdomain, nonexistent = (reader.disposition(name) for name in ("p", "sp", "np"))
    return Record(
        policy=policy,
        subdomain_policy=subdomain,
        nonexistent_policy=nonexistent,
        dkim_alignment=cast(Alignment, reader.choice("adkim", "rs", "r")),
        spf_alignment=cast(Alignment, reader.choice("aspf", "rs", "r")),
        psd=cast(Psd, reader.choice("psd", "ynu", "u")),
        testing=reader.choice("t", "yn", "n") == "y",
        report_uris=reader.uris("rua"),
        failure_uris=reader.uris("ruf"),
        failure_options=reader.failure_options(),
        others=tuple((n, v) for n, v in reader.found.pairs if n.lower() not in _KNOWN),
        invalid=tuple(reader.invalid),
        problems=(*reader.found.problems, *reader.problems),
    )


class _Reader:
    """Takes the tags of one record apart and gathers what is wrong with them."""

    def __init__(self, found: tags.TagList) -> None:
        self.found = found
        self.repeated = found.repeated
        self.problems: list[str] = []
        self.invalid: list[str] = []

    def _value(self, name: str) -> str:
        """The value of a tag, "" if it is absent. A repeated tag has none: which one was meant?"""
        return "" if name in self.repeated else self.found.get(name)

    def disposition(self, name: str) -> Disposition | None:
        value = self._value(name).lower()
        if value in list(Disposition):
            return Disposition(value)
        if name in self.found:
            self.invalid.append(name)
            self.problems.append(f"{name}= must be none, quarantine or reject, not {value[:40]!a}")
        return None

    def choice(self, name: str, allowed: str, default: str) -> str:
        value = self._value(name).lower()
        if len(value) == 1 and value in allowed:
            return value
        if name in self.found:
            self.problems.append(f"{name}= must be {' or '.join(allowed)}, not {value[:40]!a}")
        return default

    def uris(self, name: str) -> tuple[str, ...]:
        if name not in self.found:
            return ()
        valid = []
        for part in self._value(name).split(","):
            uri = _SIZE.sub("", part.strip(tags.FWS))
            if is_report_uri(uri):
                valid.append(uri)
            else:
                self.problems.append(f"{name}= holds no valid URI: {uri[:80]!a}")
        return tuple(valid)

    def failure_options(self) -> tuple[str, ...]:
        if "fo" not in self.found:
            return ()
        options = tuple(option.lower() for option in tags.colon_list(self._value("fo")))
        unique = len(set(options)) == len(options)
        if unique and set(options) <= {"0", "1", "d", "s"} and not {"0", "1"} <= set(options):
            return options
        self.problems.append(f"fo= must be 0 or 1, with d and s, each once: {self._value('fo')[:40]!a}")
        return ()


def is_report_uri(uri: str) -> bool:
    """Whether `uri` is a URI that can take reports; a mailto must name an address (RFC 9989 §4.6)."""
    if uri.lower().startswith("mailto:") and not _MAILTO.fullmatch(uri):
        return False
    return _URI.fullmatch(uri) is not None


def format(record: Record) -> str:  # noqa: A001 - the module's verb, used as dmarc.format
    """The TXT value of a record; defaults are left out. `ValueError` for tags that could not be read back."""
    pairs = [
        ("p", record.policy or ""),
        ("sp", record.subdomain_policy or ""),
        ("np", record.nonexistent_policy or ""),
        ("adkim", _unless(record.dkim_alignment, "r")),
        ("aspf", _unless(record.spf_alignment, "r")),
        ("psd", _unless(record.psd, "u")),
        ("t", "y" if record.testing else ""),
        ("rua", _uri_list(record.report_uris)),
        ("ruf", _uri_list(record.failure_uris)),
        ("fo", ":".join(record.failure_options)),
    ]
    return tags.format([("v", "DMARC1"), *((n, str(v)) for n, v in pairs if v), *record.others])


def _unless(value: T, default: str) -> T | Literal[""]:
    return "" if value == default else value


def _uri_list(uris: Iterable[str]) -> str:
    uris = tuple(uris)
    if bad := [uri for uri in uris if not is_report_uri(uri)]:
        raise ValueError(f"not a report URI: {bad[0][:80]!a}")
    return ",".join(uris)
