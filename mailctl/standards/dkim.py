"""DKIM keys: making and loading them (RFC 6376 §3.6, RFC 8301, RFC 8463).

Promise: what `public_text` writes, `parse_key` reads. The records are in dkim_record, signing is in dkim_sign,
verification in dkim_verify.
"""

import base64
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailctl.standards.dkim_record import GOOD_RSA_BITS as GOOD_RSA_BITS
from mailctl.standards.dkim_record import MAX_RSA_BITS as MAX_RSA_BITS
from mailctl.standards.dkim_record import MIN_RSA_BITS as MIN_RSA_BITS
from mailctl.standards.dkim_record import Algorithm as Algorithm
from mailctl.standards.dkim_record import KeyProblem as KeyProblem
from mailctl.standards.dkim_record import KeyRecord as KeyRecord
from mailctl.standards.dkim_record import format_key as format_key
from mailctl.standards.dkim_record import load_public as load_public
from mailctl.standards.dkim_record import parse_key as parse_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey


def generate(algorithm: Algorithm, bits: int = GOOD_RSA_BITS) -> bytes:
    """A new private key as PKCS #8 PEM. `bits` is for RSA; `KeyProblem` below 1024 or above 8192."""
    if algorithm == "ed25519":
        return _pem(Ed25519PrivateKey.generate())
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise KeyProblem([f"RSA keys have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, not {bits} (RFC 8301 §3.2)"])
    return _pem(generate_private_key(public_exponent=65537, key_size=bits))


def _pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# OpenSSL takes 80 ms to check an RSA key, and a setup needs the same few at every step.
@lru_cache(maxsize=64)
def load_private(pem: bytes) -> PrivateKey:
    """The key in `pem`; `KeyProblem` if it is none, is encrypted, or is of another kind."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # The library's message may quote the file: it stays in the chain and out of the text.
        raise KeyProblem(["not an unencrypted private key in PEM form"]) from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise KeyProblem([f"a {type(key).__name__} cannot sign mail: RSA or Ed25519 is needed"])
    return key


def algorithm_of(key: PrivateKey | PublicKey) -> Algorithm:
    return "rsa" if isinstance(key, RSAPrivateKey | RSAPublicKey) else "ed25519"


def _public_bytes(key: PublicKey) -> bytes:
    """What goes into `p=`: SubjectPublicKeyInfo for RSA, the raw key for Ed25519 (RFC 8463 §4.2)."""
    if isinstance(key, RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_text(pem: bytes) -> str:
    """The TXT value that publishes the public half of a private key."""
    key = load_private(pem).public_key()
    encoded = base64.b64encode(_public_bytes(key)).decode("ascii")
    return f"v=DKIM1; k={algorithm_of(key)}; p={encoded}"


def matches(pem: bytes, record: KeyRecord) -> bool:
    """Whether `record` publishes the public half of `pem`, in whichever encoding."""
    if record.revoked:
        return False
    return _public_bytes(load_private(pem).public_key()) == _public_bytes(load_public(record))
