"""A message from a file: what its header tells about how it came.

Promise: never an exception for what a message holds. What the header says is hearsay: Received fields above
the receiver's own can be trusted, all below are the sender's words, so the first that names a client is taken.
"""

import re
import sys
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from ipaddress import ip_address
from pathlib import Path

from mailctl.domains.authentication import Envelope
from mailctl.errors import BadInput
from mailctl.standards.dns import Address
from mailctl.standards.reachable import why_not_public

LARGEST = 100_000_000  # bytes of a file that is read
_HEADER = 1_000_000  # bytes that are enough to see whether there is a header
_FIELDS = 200  # Received fields that are looked at
_BY = re.compile(r"\sby\s", re.IGNORECASE)
_FROM = re.compile(r"\s*from\s+(\S+)(.*)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)  # RFC 5321 §4.1.3
_BARE = re.compile(r"\(([0-9A-Fa-f:.]{3,45})\)")  # as Exchange writes it
_ENVELOPE_FROM = re.compile(r"envelope-from[=\s]+\"?<?([^\s>;\"]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The envelope as far as it is known, and in words where each part of it comes from."""

    envelope: Envelope
    sources: tuple[str, ...]


def arrival(message: bytes, *, client: Address | None, helo: str | None, mail_from: str | None) -> Arrival:
    """How a message came: what the caller says of it, and for the rest what its header says."""
    header = message_from_bytes(message)
    hop, its_client, its_helo = _first_hop(header)
    sender, its_source = _return_path(header, hop)
    sources = [
        "client: as given" if client else f"client: {_place(hop, found=its_client is not None)}",
        "helo: as given" if helo is not None else f"helo: {_place(hop, found=bool(its_helo))}",
        "mail from: as given" if mail_from is not None else f"mail from: {its_source}",
    ]
    envelope = Envelope(
        client or its_client,
        its_helo if helo is None else helo,
        (sender if mail_from is None else mail_from).strip().strip("<>"),
    )
    return Arrival(envelope, tuple(sources))


def read_message(path: Path) -> bytes:
    """The message in a file, or on stdin where it is "-", without the line that mbox files put before it (RFC 4155).

    Raises `BadInput` for what cannot be read, is too large, or is no message.
    """
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        hint = "name a file that holds one message, or - for stdin"
        raise BadInput(f"the message {path} cannot be read: {error.strerror}", hint=hint) from error
    if len(data) > LARGEST:
        raise BadInput(f"{path} is larger than {LARGEST} bytes", hint="name a file that holds one message")
    if data.startswith(b"From "):
        data = data.partition(b"\n")[2]
    if not message_from_bytes(data[:_HEADER]).keys():
        raise BadInput(f"{path} is no message: it has no header", hint="save it as raw text, headers and all")
    return data


def _place(hop: int, *, found: bool) -> str:
    return f"Received field {hop}" if found else "not known"


def _first_hop(header: "Message[str, str]") -> tuple[int, Address | None, str]:
    """The first Received field, from the top, that names a client on the Internet: its number, address and HELO.

    Hops within the receiver's own network come from private addresses, and are passed over.
    """
    for number, value in enumerate(header.get_all("Received", [])[:_FIELDS], 1):
        said = _FROM.match(_BY.split(str(value)[:4000], maxsplit=1)[0])
        if said is None:
            continue
        for text in _LITERAL.findall(said[0]) + _BARE.findall(said[0]):
            address = _address(text)
            if address is not None and not _is_internal(address):
                return number, address, said[1].strip("()")
    return 0, None, ""


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_internal(address: Address) -> bool:
    """Whether nobody on the Internet sends from it; documentation addresses pass, since laboratories live on them."""
    why = why_not_public(address)
    return bool(why) and not why.startswith("documentation")


def _return_path(header: "Message[str, str]", hop: int) -> tuple[str, str]:
    """MAIL FROM, and where it is written: the final delivery puts it into Return-Path (RFC 5321 §4.4)."""
    path = header.get("Return-Path")
    if path is not None:
        return str(path).strip(), "Return-Path"
    received = header.get_all("Received", [])
    fields = [("Received-SPF", str(v)) for v in header.get_all("Received-SPF", [])[:1]]
    fields += [(f"Received field {hop}", str(received[hop - 1]))] if hop else []
    for name, value in fields:
        if found := _ENVELOPE_FROM.search(value[:4000]):
            return found[1], name
    return "", "not known, taken for the null sender"
