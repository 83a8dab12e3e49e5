"""Between the values mailctl plans (`Record.value`) and what zone files hold (RFC 1035 §5.1).

Promise: `value_from_text(rdtype, zone_text(record)) == record.value` for the canonical values that
`Record` documents. Nothing here checks that a value makes sense; `RdataError` says that it cannot be read.
"""

import re
from ipaddress import IPv4Address, IPv6Address

from mailctl.standards.dns import Record, split_txt

# Which blank-separated fields of a type are domain names, by position.
_NAME_FIELDS: dict[str, tuple[int, ...]] = {
    "CNAME": (0,),
    "DNAME": (0,),
    "NS": (0,),
    "PTR": (0,),
    "MX": (1,),
    "SRV": (3,),
    "SOA": (0, 1),
}
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*)"|((?:[^\s"\\]|\\.)+)|\s+', re.DOTALL)
_ESCAPE = re.compile(rb"\\(\d{3}|.)", re.DOTALL)


class RdataError(ValueError):
    """A value that is no record data of its type."""


def quote(data: bytes) -> str:
    """One character-string in quotes; what is not printable ASCII as \\DDD (RFC 1035 §5.1)."""
    return '"' + "".join(_escaped(byte) for byte in data) + '"'


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


def zone_text(record: Record) -> str:
    """The record's data in zone-file form: TXT quoted and split, names absolute.

    Raises RdataError for a value that cannot be of its type.
    """
    if record.rdtype == "TXT":
        try:
            return " ".join(quote(part) for part in split_txt(record.value))
        except UnicodeEncodeError as error:
            raise RdataError(f"the TXT record of {record.name} has characters above U+00FF") from error
    return _with_names(record.rdtype, record.value, absolute=True)


def value_from_text(rdtype: str, text: str) -> str:
    """The `Record.value` of zone-file data: TXT joined and unescaped, names lower case without final dot."""
    if rdtype == "TXT":
        return b"".join(strings(text)).decode("latin-1")
    return _with_names(rdtype, text, absolute=False)


def _with_names(rdtype: str, text: str, *, absolute: bool) -> str:
    positions = _NAME_FIELDS.get(rdtype)
    if positions is None:
        return _address(rdtype, text) if rdtype in ("A", "AAAA") else text
    fields = text.split()
    for position in positions:
        if rdtype == "MX" and len(fields) == 1:
            fields.append(".")  # RFC 7505: the null MX, with its root name cut away
        if position >= len(fields):
            raise RdataError(f"{text!r} is no {rdtype} record: it has too few fields")
        bare = fields[position].rstrip(".").lower()
        fields[position] = (bare + "." if absolute else bare) or "."
    return " ".join(fields)


def _address(rdtype: str, text: str) -> str:
    try:
        return str(IPv4Address(text) if rdtype == "A" else IPv6Address(text))
    except ValueError as error:
        raise RdataError(f"{text!r} is no {rdtype} record: {error}") from error


def strings(text: str) -> tuple[bytes, ...]:
    """The character-strings of TXT data as it stands in a zone file, quoted or not."""
    found, position = [], 0
    while position < len(text):
        match = _STRINGS.match(text, position)
        if match is None:
            raise RdataError(f"TXT data with an open quote or a lone backslash at character {position + 1}")
        part = match.group(1) if match.group(1) is not None else match.group(2)
        if part is not None:
            found.append(_unescape(part))
        position = match.end()
    return tuple(found)


def _unescape(text: str) -> bytes:
    def byte(match: re.Match[bytes]) -> bytes:
        code = match.group(1)
        if len(code) == 1:
            return code
        if int(code) > 255:
            raise RdataError(f"\\{code.decode()} is no byte")
        return bytes([int(code)])

    return _ESCAPE.sub(byte, text.encode("utf-8"))
