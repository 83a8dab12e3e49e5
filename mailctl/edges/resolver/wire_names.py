"""Domain names between text and the bytes of DNS messages (RFC 1035 §3.1, §4.1.4, §5.1).

Promise: `from_wire` ends whatever the bytes are: a compression pointer leads backwards only, and no more than
`POINTERS` of them follow one another. Text is lower case without the final dot; the root is "".
"""

import re

NAME_LENGTH = 255
LABEL_LENGTH = 63
POINTERS = 16  # dnspython's limit as well; every pointer of an honest server leads to a label
_POINTER = 0xC0
_PLAIN = re.compile(rb"[!#%&'*+,\-/0-9:<=>?A-Z\[\]^_`a-z{|}~]*")  # needs no escape (RFC 1035 §5.1)
_SPECIAL = b'"().;\\@$'
_TEXT_PARTS = re.compile(r"\\(?:(\d{3})|(\D))|(\.)|([^\\.]+)")


class MalformedError(Exception):
    """Bytes that are no answer to the question."""


def to_wire(name: str) -> bytes:
    """The uncompressed bytes of a name; raises ValueError, with the reason, where no message can hold it."""
    try:
        ascii_name = name.encode("ascii")
    except UnicodeEncodeError as error:
        raise ValueError("not ASCII") from error
    ascii_name = ascii_name.removesuffix(b".") if b"\\" not in ascii_name else ascii_name
    labels = _labels(name) if b"\\" in ascii_name else ascii_name.split(b".") if ascii_name else []
    for label in labels:
        if not label:
            raise ValueError("an empty label")
        if len(label) > LABEL_LENGTH:
            raise ValueError(f"a label of {len(label)} bytes; {LABEL_LENGTH} is the most")
    wire = b"".join([bytes((len(label),)) + label for label in labels]) + b"\0"
    if len(wire) > NAME_LENGTH:
        raise ValueError(f"a name of {len(wire)} bytes; {NAME_LENGTH} is the most")
    return wire


def _labels(name: str) -> list[bytes]:
    """The labels of a name with escapes: \\. for a dot in a label, \\DDD for any byte."""
    labels, label, position = [], bytearray(), 0
    while position < len(name):
        match = _TEXT_PARTS.match(name, position)
        if match is None or (match[1] and int(match[1]) > 255):
            raise ValueError("a backslash without a character or a byte behind it")
        position = match.end()
        if match[3]:
            labels.append(bytes(label))
            label.clear()
        else:
            label += bytes((int(match[1]),)) if match[1] else (match[2] or match[4]).encode("ascii")
    return [*labels, bytes(label)] if label or not labels else labels


def from_wire(data: bytes, start: int, known: dict[int, str]) -> tuple[str, int]:
    """The name at `start` and the position behind it; `known` holds the names that were read at a position.

    Raises MalformedError.
    """
    try:
        return _from_wire(data, start, known)
    except IndexError:
        raise MalformedError("malformed: a name that does not end") from None


def _from_wire(data: bytes, start: int, known: dict[int, str]) -> tuple[str, int]:
    labels: list[str] = []
    position, behind, size, pointers = start, 0, 1, 0
    limit = start  # a pointer must lead to before the part of the name that it stands in
    count = data[position]
    while count:
        if count <= LABEL_LENGTH:
            label = data[position + 1 : position + 1 + count]
            size += count + 1
            if len(label) < count or size > NAME_LENGTH:
                raise MalformedError("malformed: a name that is too long")
            labels.append(_label_text(label))
            position += count + 1
        elif count >= _POINTER:
            target = (count & 0x3F) << 8 | data[position + 1]
            pointers += 1
            if target >= limit or pointers > POINTERS:
                raise MalformedError("malformed: a compression pointer that leads nowhere")
            behind = behind or position + 2
            if not labels and target in known:
                return known[target], behind
            limit = position = target
        else:
            raise MalformedError("malformed: a label of an unknown kind")
        count = data[position]
    text = ".".join(labels)
    known[start] = text
    return text, behind or position + 1


def _label_text(label: bytes) -> str:
    if label.isalnum() or _PLAIN.fullmatch(label):
        return label.decode("ascii").lower()
    return "".join(map(_escaped, label)).lower()


def _escaped(byte: int) -> str:
    if byte in _SPECIAL:
        return "\\" + chr(byte)
    return chr(byte) if 0x20 < byte < 0x7F else f"\\{byte:03d}"
