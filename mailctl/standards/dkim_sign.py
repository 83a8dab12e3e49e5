"""DKIM signing (RFC 6376 §5, RFC 8463): several keys over one body hash, relaxed/relaxed.

Promise: any body can be signed, whatever its bytes, so long as its lines end in CRLF: a bare CR or LF is
refused, since a relay may turn it into a line end and with it into another message. A `Signer` loads its key
once.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from mailctl.standards import dkim
from mailctl.standards.dkim_canon import Field, relaxed_body, relaxed_header, select, split

# Named once more than they occur, so that another one cannot be added (RFC 6376 §8.15). Those that a
# mail server adds where they are missing are left out of `h=` when they are absent.
OVERSIGNED: Final = ("from", "to", "cc", "subject", "reply-to")
OVERSIGNED_IF_PRESENT: Final = (
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
)
# Named as often as they occur. RFC 8058 §4 wants List-Unsubscribe and List-Unsubscribe-Post signed.
SIGNED: Final = (
    "sender",
    "in-reply-to",
    "references",
    "list-id",
    "list-help",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
    "feedback-id",
    "auto-submitted",
    "content-disposition",
    "content-description",
)
HEADERS: Final = OVERSIGNED + OVERSIGNED_IF_PRESENT + SIGNED

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_FIELD_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]+")  # RFC 5322 §3.6.8
_WIDTH = 72
_PADDING = PKCS1v15()
_SHA256 = SHA256()


class CannotSign(ValueError):
    """The message, or what was asked for, cannot be signed. `reasons` holds every one."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Signer:
    """A key with the domain and selector that publish it; `KeyProblem` or `CannotSign` if unfit."""

    domain: str
    selector: str
    algorithm: dkim.Algorithm
    key_pem: bytes = field(repr=False)
    _key: dkim.PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        bad = [name for name in (self.domain, self.selector) if not _NAME.fullmatch(name) or len(name) > 253]
        if bad:
            raise CannotSign([f"not a domain or selector: {name[:80]!a}" for name in bad])
        key = dkim.load_private(self.key_pem)
        if dkim.algorithm_of(key) != self.algorithm:
            raise dkim.KeyProblem([f"the key is {dkim.algorithm_of(key)}, not {self.algorithm}"])
        if isinstance(key, RSAPrivateKey) and key.key_size < dkim.MIN_RSA_BITS:
            raise dkim.KeyProblem([f"an RSA key of {key.key_size} bits must not sign (RFC 8301 §3.2)"])
        object.__setattr__(self, "_key", key)

    def signature(self, data: bytes) -> bytes:
        """The signature over `data`: RSASSA-PKCS1-v1_5, or PureEdDSA over its SHA-256 (RFC 8463 §3)."""
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, _PADDING, _SHA256)
        return self._key.sign(hashlib.sha256(data).digest())


def sign(
    message: bytes,
    signers: Sequence[Signer],
    *,
    time: int,
    expire: int | None = None,
    headers: Sequence[str] = HEADERS,
) -> bytes:
    """`message` with a DKIM-Signature on top for each signer, the first signer's first.

    `time` and `expire` are seconds since 1970 (t=, x=). `headers` are the names to sign where they occur.
    `CannotSign` (a ValueError) names every reason; nothing about a body is one, save a bare CR or LF.
    """
    fields, body = split(message)
    _check(message, fields, time, expire, tuple(headers))
    names, listed = _layout(tuple([one.name for one in fields]), tuple(headers))
    signed = b"".join(relaxed_header(one) + b"\r\n" for one in select(fields, names))
    body_hash = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode("ascii")
    times = f"t={time};" + ("" if expire is None else f" x={expire};")
    tops = []
    for signer in signers:
        unsigned = (
            f"DKIM-Signature: v=1; a={signer.algorithm}-sha256; c=relaxed/relaxed;\r\n"
            f"\td={signer.domain};\r\n\ts={signer.selector}; {times}\r\n"
            f"\th={listed};\r\n\tbh={body_hash};\r\n\tb="
        ).encode("ascii")
        value = signer.signature(signed + relaxed_header(Field(b"dkim-signature", unsigned)))
        tops.append(unsigned + _folded_base64(value) + b"\r\n")
    return b"".join(tops) + message


def _check(
    message: bytes, fields: Sequence[Field], time: int, expire: int | None, headers: tuple[str, ...]
) -> None:
    reasons = []
    pairs = message.count(b"\r\n")
    if message.count(b"\r") != pairs or message.count(b"\n") != pairs:
        reasons.append("the message holds a bare CR or LF (RFC 5321 §2.3.8)")
    if bad := [one.raw[:40] for one in fields if not _FIELD_NAME.fullmatch(one.name)]:
        reasons.append(f"not a header field: {bad[0]!r}")
    if not message.startswith(b"\r\n") and not message.endswith(b"\r\n") and b"\r\n\r\n" not in message:
        reasons.append("the header does not end in CRLF")
    if (count := sum(one.name == b"from" for one in fields)) != 1:
        reasons.append(f"a message has one From field, this one {count} (RFC 5322 §3.6)")
    reasons += _bad_headers(headers)
    if expire is not None and expire <= time:
        reasons.append("the signature would expire before it is made (RFC 6376 §3.5, x=)")
    if reasons:
        raise CannotSign(reasons)


# The next two depend on little that differs from message to message, so they are worked out once.


@lru_cache(maxsize=16)
def _bad_headers(headers: tuple[str, ...]) -> tuple[str, ...]:
    """Why these names cannot be signed."""
    reasons = []
    if bad_names := [name for name in headers if not _FIELD_NAME.fullmatch(name.encode())]:
        reasons.append(f"not the name of a header field: {bad_names[0][:40]!a}")
    if "from" not in [name.lower() for name in headers]:
        reasons.append("From must be signed (RFC 6376 §5.4)")
    return tuple(reasons)


@lru_cache(maxsize=64)
def _layout(present: tuple[bytes, ...], headers: tuple[str, ...]) -> tuple[tuple[bytes, ...], str]:
    """The value of `h=`, as names and folded: each as often as it occurs, and once more where that keeps others out."""
    counts = Counter(present)
    names: list[str] = []
    for name in dict.fromkeys(name.lower() for name in headers):
        occurs = counts[name.encode("ascii")]
        extra = name in OVERSIGNED or (occurs > 0 and name in OVERSIGNED_IF_PRESENT)
        names += [name] * (occurs + extra)
    return tuple(name.encode("ascii") for name in names), _folded_list(names)


def _folded_list(names: Sequence[str]) -> str:
    lines, line = [], ""
    for name in names:
        if line and len(line) + len(name) >= _WIDTH:
            lines.append(line)
            line = ""
        line += name + ":"
    return "\r\n\t".join([*lines, line.removesuffix(":")])


def _folded_base64(value: bytes) -> bytes:
    text = base64.b64encode(value)
    return b"\r\n\t".join(text[i : i + _WIDTH] for i in range(0, len(text), _WIDTH))
