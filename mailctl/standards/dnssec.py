"""Whether a parent's DS records lead to a key of the zone (RFC 4034 §5, RFC 4509, RFC 6605).

Promise: compares digests and nothing else; no signature is verified here. What cannot be compared, for a digest that is
not known here, counts as a match.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable

_DIGESTS = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}  # IANA's digest types of DS records


def leads_to_key(zone: str, ds_records: Iterable[str], keys: Iterable[str]) -> bool:
    """Whether one of the DS records is of one of the DNSKEY records; both in presentation form."""
    owner = b"".join(
        bytes([len(label)]) + label for label in zone.lower().encode("ascii").split(b".") if label
    )
    rdatas = [rdata for key in keys if (rdata := _key_rdata(key))]
    return any(_is_of(record, owner + b"\0", rdatas) for record in ds_records)


def key_tag(rdata: bytes) -> int:
    """The tag by which a DS names a key (RFC 4034, appendix B)."""
    total = sum(byte << 8 if position % 2 == 0 else byte for position, byte in enumerate(rdata))
    return (total + (total >> 16)) & 0xFFFF


def _key_rdata(text: str) -> bytes:
    """The wire form of a DNSKEY record (RFC 4034 §2.1); empty where it cannot be read."""
    fields = text.split(maxsplit=3)
    try:
        flags, protocol, algorithm = (int(field) for field in fields[:3])
        public = base64.b64decode("".join(fields[3].split()), validate=True)
        return flags.to_bytes(2, "big") + bytes([protocol, algorithm]) + public
    except (ValueError, IndexError, OverflowError, binascii.Error):
        return b""


def _is_of(record: str, owner: bytes, rdatas: Iterable[bytes]) -> bool:
    fields = record.split(maxsplit=3)
    if len(fields) != 4 or not all(field.isdecimal() for field in fields[:3]):
        return False
    tag, algorithm, kind = (int(field) for field in fields[:3])
    candidates = [rdata for rdata in rdatas if rdata[3] == algorithm and key_tag(rdata) == tag]
    if kind not in _DIGESTS:
        return bool(candidates)
    wanted = "".join(fields[3].split()).lower()
    return any(_DIGESTS[kind](owner + rdata).hexdigest() == wanted for rdata in candidates)
