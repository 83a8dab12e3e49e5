"""The DNS records of DKIM keys, read and written (RFC 6376 §3.6, RFC 8301, RFC 8463).

Promise: parse_key(format_key(x)) == x; a record that no verifier may use is a `KeyProblem` with every reason. The
cryptography is imported when there is a key to look at. The keys themselves are in dkim.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from mailctl.standards import tags

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

Algorithm = Literal["rsa", "ed25519"]

MIN_RSA_BITS: Final = 1024  # RFC 8301 §3.2: verifiers must not accept less
GOOD_RSA_BITS: Final = 2048  # RFC 8301 §3.2: signers should use at least this
MAX_RSA_BITS: Final = 8192  # ours: what a stranger's key may cost us
_ED25519_BYTES = 32


class KeyProblem(ValueError):
    """A key, or its record, that cannot be used. `reasons` holds every one."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A DKIM key record. `public` is `p=` decoded; empty tuples mean that the tag is absent."""

    algorithm: Algorithm  # "k"
    public: bytes  # "p", DER for RSA, 32 raw bytes for Ed25519 (RFC 8463 §4)
    bits: int  # size of the key; 0 when it is revoked
    version: str = "DKIM1"  # "v"; "" when absent
    hashes: tuple[str, ...] = ()  # "h"; empty allows all
    services: tuple[str, ...] = ()  # "s"; empty allows all
    flags: tuple[str, ...] = ()  # "t"
    notes: str = ""  # "n", as it stands in the record (quoted-printable)

    @property
    def revoked(self) -> bool:
        """An empty `p=` (RFC 6376 §3.6.1)."""
        return not self.public

    @property
    def testing(self) -> bool:
        return "y" in self.flags

    @property
    def strict_identity(self) -> bool:
        """Whether `i=` must name the domain of `d=` itself (`t=s`)."""
        return "s" in self.flags


def load_public(record: KeyRecord) -> "RSAPublicKey | Ed25519PublicKey":
    """The key of a record that is not revoked; `KeyProblem` if it is none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        if record.algorithm == "ed25519":
            return Ed25519PublicKey.from_public_bytes(record.public)
        # RFC 6376 §3.6.1 asks for RSAPublicKey, everybody publishes SubjectPublicKeyInfo: both are read.
        key = load_der_public_key(record.public)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyProblem([f"p= is not an {record.algorithm} public key"]) from error
    if not isinstance(key, RSAPublicKey):
        raise KeyProblem([f"p= holds a {type(key).__name__}, but k=rsa"])
    return key


def parse_key(text: str) -> KeyRecord:
    """The record in a TXT text; `KeyProblem` with every reason why a verifier cannot use it."""
    found = tags.read(text)
    problems = list(found.problems)
    version = found.get("v")
    if "v" in found and (version != "DKIM1" or found.pairs[0][0] != "v"):
        problems.append("v= must come first and be DKIM1 (RFC 6376 §3.6.1)")
    algorithm = found.get("k", "rsa")
    if algorithm not in ("rsa", "ed25519"):
        problems.append(f"k= names an unknown kind of key: {algorithm[:40]!a}")
    for name in ("h", "s", "t"):
        if name in found and not all(tags.colon_list(found.get(name))):
            problems.append(f"{name}= has an empty member")
    if "p" not in found:
        problems.append("p= is missing (RFC 6376 §3.6.1)")
    public = _decode(found.get("p"), problems)
    if problems:
        raise KeyProblem(problems)
    return _with_bits(
        KeyRecord(
            algorithm="ed25519" if algorithm == "ed25519" else "rsa",
            public=public,
            bits=0,
            version=version,
            hashes=_members(found, "h"),
            services=_members(found, "s"),
            flags=_members(found, "t"),
            notes=found.get("n"),
        )
    )


def _members(found: tags.TagList, name: str) -> tuple[str, ...]:
    return tags.colon_list(found.get(name)) if name in found else ()


def _decode(value: str, problems: list[str]) -> bytes:
    try:
        return base64.b64decode(tags.unfold(value).encode("latin-1"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        problems.append("p= is not valid base64")
        return b""


def _with_bits(record: KeyRecord) -> KeyRecord:
    """`record` with the size of its key, which is looked at here so that a broken one never gets further."""
    if record.revoked:
        return record
    if record.algorithm == "ed25519" and len(record.public) != _ED25519_BYTES:
        raise KeyProblem(
            [f"p= must hold {_ED25519_BYTES} bytes for Ed25519, not {len(record.public)} (RFC 8463 §4.2)"]
        )
    return replace(record, bits=getattr(load_public(record), "key_size", 8 * _ED25519_BYTES))


def format_key(record: KeyRecord) -> str:
    """The TXT value of a record; defaults and absent tags are left out, `k=` is always named."""
    pairs = [
        ("v", record.version),
        ("h", ":".join(record.hashes)),
        ("k", record.algorithm),
        ("n", record.notes),
        ("s", ":".join(record.services)),
        ("t", ":".join(record.flags)),
    ]
    kept = [(name, value) for name, value in pairs if value]
    return tags.format([*kept, ("p", base64.b64encode(record.public).decode("ascii"))])
