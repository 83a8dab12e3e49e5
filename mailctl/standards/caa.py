"""CAA: which authorities may issue certificates for a name (RFC 8659, RFC 9495 for S/MIME).

Promise: `parse` takes any text; what is no CAA record is a `CaaSyntaxError`. A DNS fault on the way up the tree is
reported, and is never "no record".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailctl.standards import names, presentation
from mailctl.standards.dns import Answer, Lookup, Raw

CRITICAL: Final = 0x80  # RFC 8659 §4.1
PROPERTIES: Final = ("issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone")
_TAG = re.compile(r"[A-Za-z0-9]{1,255}")
_LABEL = re.compile(r"[A-Za-z0-9-]{1,63}")
_LONGEST = 270_000  # characters: 65,535 bytes, each escaped
_PARAMETER = re.compile(r"(?P<tag>[A-Za-z0-9][A-Za-z0-9-]*)[ \t]*=[ \t]*(?P<value>[\x21-\x3a\x3c-\x7e]*)")


class CaaSyntaxError(ValueError):
    """The text is no CAA record, or its value is none of its property."""


@dataclass(frozen=True, slots=True)
class Caa:
    """One property. `tag` is in lower case (§4.1: matched without regard to case)."""

    flags: int
    tag: str
    value: str

    @property
    def critical(self) -> bool:
        return bool(self.flags & CRITICAL)


@dataclass(frozen=True, slots=True)
class Issuer:
    """The value of issue, issuewild, issuemail and issuevmc. `domain` "" forbids every authority (§4.2)."""

    domain: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Relevant:
    """The record set that counts for a name (§3), and the answer that it, or the end of the search, rests on."""

    name: str  # where it was found; "" where there is none
    answer: Answer


def parse(text: str) -> Caa:
    """The record in presentation form: `0 issue "ca.example"` (§4.1.1)."""
    parts = text.split(None, 2) if len(text) <= _LONGEST else []
    flags, tag, value = parts if len(parts) == 3 else ("", "", "")
    if not re.fullmatch("[0-9]{1,3}", flags) or int(flags) > 255 or not _TAG.fullmatch(tag):
        raise CaaSyntaxError(f"not flags, a tag and a value: {text[:60]!a}")
    try:
        strings = presentation.strings(value)
    except presentation.RdataError as error:
        raise CaaSyntaxError(str(error)) from error
    if len(strings) != 1:
        raise CaaSyntaxError(f"the value is not one character-string: {text[:60]!a}")
    return Caa(int(flags), tag.lower(), strings[0].decode("latin-1"))


def format(record: Caa) -> str:  # noqa: A001 - the module's verb, used as caa.format
    """The record's value as a zone file has it; `ValueError` for what could not be read back."""
    text = f"{record.flags} {record.tag} {presentation.quote(record.value.encode('latin-1'))}"
    if parse(text) != record:
        raise ValueError(f"cannot be written as a CAA record: {record!r}")
    return text


def parse_issuer(value: str) -> Issuer:
    """The value of an issue property (§4.2); one that cannot be read forbids every authority, so say so."""
    domain, *parts = (part.strip(" \t") for part in value.split(";"))
    if domain and not all(_is_label(label) for label in domain.split(".")):
        raise CaaSyntaxError(f"{domain[:60]!a} is no authority's domain name")
    pairs = [_PARAMETER.fullmatch(part) for part in parts if part]
    if None in pairs:
        raise CaaSyntaxError(f"the parameters are not tag=value: {value[:60]!a}")
    return Issuer(domain.lower(), tuple((pair["tag"], pair["value"]) for pair in pairs if pair))


def _is_label(label: str) -> bool:
    return _LABEL.fullmatch(label) is not None and not label.startswith("-") and not label.endswith("-")


def problems(records: Iterable[Caa]) -> tuple[str, ...]:
    """What an authority stumbles over in a record set, in words."""
    found = []
    for record in records:
        if record.tag not in PROPERTIES and record.critical:
            # §4.1: an authority must not issue when a critical property is unknown to it.
            found.append(f"the property {record.tag[:40]!a} is critical and unknown: nobody will issue")
        if record.tag in ("issue", "issuewild", "issuemail", "issuevmc"):
            try:
                parse_issuer(record.value)
            except CaaSyntaxError as error:
                found.append(f"{record.tag}: {error}: it forbids every authority")
        if record.tag == "iodef" and not record.value.lower().startswith(("mailto:", "http://", "https://")):
            found.append(f"iodef is no mailto:, http: or https: URI: {record.value[:60]!a}")
    return tuple(found)


async def relevant_records(lookup: Lookup, name: str) -> Relevant:
    """The record set that counts for `name`: its own, or that of the nearest name above it (§3)."""
    answer = await lookup(name, "CAA")
    for ancestor in names.ancestors(name):
        if ancestor != name:
            answer = await lookup(ancestor, "CAA")
        if not answer.known or answer.records:
            return Relevant(ancestor if answer.records else "", answer)
    return Relevant("", answer)


def records_of(answer: Answer) -> tuple[tuple[Caa, ...], tuple[str, ...]]:
    """The records of an answer to a CAA question, and why others cannot be read."""
    good, bad = [], []
    for record in answer.records:
        try:
            good.append(parse(record.text if isinstance(record, Raw) else str(record)))
        except CaaSyntaxError as error:
            bad.append(str(error))
    return tuple(good), tuple(bad)
