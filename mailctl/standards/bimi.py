"""BIMI: the assertion record that points to a logo (draft-brand-indicators-for-message-identification).

Promise: `parse` takes any text; what is no record is a `BimiSyntaxError` with every reason. A record with an empty
l= and a= declines to show anything (Declination to Publish), and is a good one. Sections are named by their titles,
whose numbers change from one draft to the next.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailctl.standards import names, tags

VERSION: Final = "BIMI1"
_START = re.compile(r"[ \t]*v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|\Z)")
_MEANT = re.compile(r"\s*\"?\s*(?:v\s*=?\s*)?bimi[0-9]*\b", re.IGNORECASE)
_URI = re.compile(r"https://([^/?#\s]+)([/?#]\S*)?", re.IGNORECASE)
_KNOWN = ("v", "l", "a")
_OTHER_FORMATS = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".bmp",
    ".ico",
    ".tif",
    ".tiff",
    ".avif",
    ".pdf",
    ".eps",
)


class BimiSyntaxError(ValueError):
    """The text is no BIMI record. `reasons` holds every problem."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Record:
    """The TXT record at SELECTOR._bimi."""

    location: str  # "l": the logo, an SVG file
    evidence: str = ""  # "a": the mark certificate, a PEM file
    others: tuple[tuple[str, str], ...] = ()

    @property
    def declines(self) -> bool:
        return not self.location and not self.evidence

    @property
    def other_format(self) -> bool:
        """Whether the logo's name ends as that of an image that is no SVG (Supported Image Formats)."""
        return self.location.partition("?")[0].lower().endswith(_OTHER_FORMATS)


def is_record(text: str) -> bool:
    """Whether `text` counts: others are discarded (Assertion Record Discovery)."""
    return _START.match(text) is not None


def is_meant(text: str) -> bool:
    """Whether somebody meant a record and did not quite write one."""
    return _MEANT.match(text[:80]) is not None


def parse(text: str) -> Record:
    """The record in a TXT text (Assertion Record Definition); `BimiSyntaxError` with every reason if it is none."""
    found = tags.read(text)
    problems = list(found.problems)
    if not is_record(text):
        problems.append("it has to begin with v=BIMI1;")
    if "l" not in found:
        problems.append("it has no l=, which says where the logo is")
    location, evidence = found.get("l"), found.get("a")
    problems += [why for name in ("l", "a") if (why := _why_no_uri(name, found.get(name)))]
    if evidence and not location:
        problems.append("a= without l=: a mark certificate for no logo")
    if problems:
        raise BimiSyntaxError(problems)
    return Record(location, evidence, tuple(pair for pair in found.pairs if pair[0] not in _KNOWN))


def format(record: Record) -> str:  # noqa: A001 - the module's verb, used as bimi.format
    """The TXT value; `ValueError` for what could not be read back."""
    evidence = [("a", record.evidence)] if record.evidence or record.declines else []
    text = tags.format([("v", VERSION), ("l", record.location), *evidence, *record.others])
    if parse(text) != record:
        raise ValueError(f"cannot be written as a BIMI record: {record!r}")
    return text


def _why_no_uri(tag: str, uri: str) -> str:
    if not uri:
        return ""  # empty declines
    shown = f"{tag}= {uri[:60]!a}"
    if "," in uri:
        return f"{shown} holds a comma: one URI is allowed, and a comma in it is written %2C"
    found = _URI.fullmatch(uri)
    if found is None:
        return f"{shown} is no https: URI"
    try:
        names.host_name(found.group(1).rpartition("@")[2].partition(":")[0])
    except names.BadName as error:
        return f"{shown} names no host: {'; '.join(error.reasons)}"
    return ""
