"""DANE for SMTP: TLSA records, which of them senders use, and whether a certificate matches (RFC 6698, RFC 7672).

Promise: `parse` takes any text; what is no TLSA record is a `TlsaSyntaxError`. `matches` looks at bytes only: names
and dates are the caller's.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]{1,3}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_LONGEST = 140_000  # characters: 65,535 bytes in hexadecimal, and blanks
_LENGTHS = {1: 32, 2: 64}  # bytes of a digest, by matching type (RFC 6698 §2.1.3)
_DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}
_USAGES = {0: "PKIX-TA", 1: "PKIX-EE", 2: "DANE-TA", 3: "DANE-EE"}  # RFC 7218 §2.1


class TlsaSyntaxError(ValueError):
    """The text is no TLSA record."""


@dataclass(frozen=True, slots=True)
class Tlsa:
    """A TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that a host showed: the whole of it, and its public key, both DER."""

    certificate: bytes
    spki: bytes


def name(host: str, port: int = 25) -> str:
    """Where the TLSA records of an MX host are (RFC 7672 §2.2.3)."""
    return f"_{port}._tcp.{host}"


def parse(text: str) -> Tlsa:
    """The record in presentation form: "3 1 1 0d6f…", the hexadecimal digits in one piece or in several."""
    parts = text.split(None, 3) if len(text) <= _LONGEST else []
    numbers, digits = parts[:3], "".join("".join(parts[3:]).split())
    if len(numbers) < 3 or not all(_NUMBER.fullmatch(n) and int(n) < 256 for n in numbers):
        raise TlsaSyntaxError(f"not usage, selector, matching type and data: {text[:60]!a}")
    if not _HEX.fullmatch(digits):
        raise TlsaSyntaxError(f"the data is not hexadecimal: {text[:60]!a}")
    usage, selector, matching = map(int, numbers)
    return Tlsa(usage, selector, matching, bytes.fromhex(digits))


def format(record: Tlsa) -> str:  # noqa: A001 - the module's verb, used as dane.format
    """The record's value as a zone file has it."""
    text = f"{record.usage} {record.selector} {record.matching} {record.data.hex()}"
    if parse(text) != record:
        raise ValueError(f"cannot be written as a TLSA record: {record!r}")
    return text


def why_unusable(record: Tlsa) -> str:
    """Why senders pass over a record (RFC 7672 §3.1.3, RFC 6698 §4.1); "" if they use it."""
    if record.usage not in (2, 3):
        usage = _USAGES.get(record.usage, "unknown")
        return f"usage {record.usage} ({usage}) is not for SMTP: 3 (DANE-EE) or 2 (DANE-TA) is"
    if record.selector not in (0, 1):
        return f"selector {record.selector} is unknown: 1 (public key) or 0 (certificate) is meant"
    if record.matching not in (0, 1, 2):
        return f"matching type {record.matching} is unknown: 1 (SHA-256) is meant"
    length = _LENGTHS.get(record.matching)
    if length is not None and len(record.data) != length:
        return f"{len(record.data)} bytes of data, and matching type {record.matching} has {length}"
    return "" if record.data else "it has no data"


def matches(record: Tlsa, chain: Sequence[Shown]) -> bool:
    """Whether a usable record matches what a host showed, its own certificate first (RFC 7671 §5.1, §5.2)."""
    candidates = chain[:1] if record.usage == 3 else chain
    return any(_data(record, shown) == record.data for shown in candidates)


def digest_of(shown: Shown) -> Tlsa:
    """The record that publishes a certificate as RFC 7672 §3.1.1 counsels: 3 1 1."""
    return Tlsa(3, 1, 1, hashlib.sha256(shown.spki).digest())


def _data(record: Tlsa, shown: Shown) -> bytes:
    selected = shown.spki if record.selector == 1 else shown.certificate
    digest = _DIGESTS.get(record.matching)
    return selected if digest is None else digest(selected).digest()
