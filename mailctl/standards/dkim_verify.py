"""DKIM verification (RFC 6376 §6, RFC 8301, RFC 8463), on OpenSSL.

Promise: any bytes give results and never an exception; a DNS fault is `temperror`, never `permerror`; no more
than `MAX_SIGNATURES` are evaluated, each body hash once. What a signature proves only half is `policy`:
content behind l=, a second From, SHA-1, an RSA key under 1024 bits.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from mailctl.standards import dkim, tags
from mailctl.standards.dkim_canon import BODY, HEADER, Field, select, split
from mailctl.standards.dkim_signature import Signature, SignatureProblem, claims, parse
from mailctl.standards.dns import Lookup

ResultName = Literal["none", "pass", "fail", "policy", "neutral", "temperror", "permerror"]

MAX_SIGNATURES: Final = 10  # ours; RFC 6376 §8.4 asks for a bound
MAX_DRIFT: Final = 300  # seconds that a signer's clock may be ahead, as OpenDKIM has it
MAX_HEADER: Final = 1_048_576  # bytes; ours
# The value of b=, which is taken out before hashing (RFC 6376 §3.7). Field values have no ";" elsewhere.
_B_TAG = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """What one DKIM-Signature proves (RFC 8601 §2.7.1). Empty strings where it does not say."""

    result: ResultName
    domain: str = ""  # "d"
    selector: str = ""  # "s"
    algorithm: str = ""  # "a"
    identity: str = ""  # "i"
    reason: str = ""
    key_bits: int = 0
    testing: bool = False  # the key has t=y: treat as unsigned (RFC 6376 §3.6.1)
    start: str = ""  # the first eight characters of "b", which tell signatures apart (RFC 6008 §4)


@dataclass
class _Message:
    """A message under verification, with the body hashes that were worked out for it."""

    fields: Sequence[Field]
    body: bytes
    canonical: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[tuple[str, int | None], bytes] = field(default_factory=dict)

    def canonical_body(self, canon: str) -> bytes:
        if canon not in self.canonical:
            self.canonical[canon] = BODY[canon](self.body)
        return self.canonical[canon]

    def body_hash(self, canon: str, length: int | None) -> bytes:
        if (canon, length) not in self.hashes:
            data = memoryview(self.canonical_body(canon))[:length]
            self.hashes[canon, length] = hashlib.sha256(data).digest()
        return self.hashes[canon, length]

    @property
    def authors(self) -> int:
        return sum(one.name == b"from" for one in self.fields)


async def verify(lookup: Lookup, message: bytes, now: int) -> tuple[SignatureResult, ...]:
    """A result for each DKIM-Signature, top to bottom; one `none` for a message without any.

    `now` is in seconds since 1970. Lines end in CRLF; a message that has only LF is read as if they did.
    """
    fields, body = split(message if b"\r\n" in message else message.replace(b"\n", b"\r\n"))
    signatures = [one for one in fields if one.name == b"dkim-signature"]
    if not signatures:
        return (SignatureResult("none", reason="the message is not signed"),)
    if sum(len(one.raw) for one in fields) > MAX_HEADER:
        return (SignatureResult("permerror", reason=f"the header is longer than {MAX_HEADER} bytes"),)
    under = _Message(fields, body)
    checked = signatures[:MAX_SIGNATURES]
    results = await asyncio.gather(*(_verify_one(lookup, under, one, now) for one in checked))
    left = len(signatures) - len(checked)
    if left:
        note = f"{left} more signatures were not evaluated (RFC 6376 §8.4)"
        results.append(SignatureResult("policy", reason=note))
    return tuple(results)


async def _verify_one(lookup: Lookup, message: _Message, header: Field, now: int) -> SignatureResult:
    value = header.raw.partition(b":")[2]
    base = _claimed(value)
    try:
        signature = parse(value)
    except SignatureProblem as problem:
        return replace(base, result="permerror", reason=str(problem))
    base = replace(
        base,
        domain=signature.domain,
        selector=signature.selector,
        algorithm=signature.algorithm,
        identity=signature.identity,
    )
    if signature.hash_name == "sha1":
        return replace(base, result="policy", reason="rsa-sha1 must not be verified (RFC 8301 §3.1)")
    if signature.expire is not None and signature.expire < now:
        return replace(
            base, result="fail", reason=f"expired {now - signature.expire} s ago (x=, RFC 6376 §3.5)"
        )
    if signature.time is not None and signature.time > now + MAX_DRIFT:
        reason = f"made {signature.time - now} s in the future (t=, RFC 6376 §3.5)"
        return replace(base, result="policy", reason=reason)
    answer = await lookup(signature.key_name, "TXT")
    if answer.absent:
        return replace(base, result="permerror", reason=f"no key at {signature.key_name}")
    if not answer.known:
        reason = f"the key at {signature.key_name} could not be looked up: {answer.status.value}"
        return replace(base, result="temperror", reason=reason)
    return _with_key(base, message, header, signature, answer.texts())


def _claimed(value: bytes) -> SignatureResult:
    """What the field says of itself, for a result that has to name it without trusting it."""
    said = claims(value)
    names = {name: said.get(name)[:253] for name in ("d", "s", "a", "i")}
    start = tags.unfold(said.get("b"))[:8]
    return SignatureResult("neutral", names["d"].lower(), names["s"], names["a"], names["i"], start=start)


def _with_key(
    base: SignatureResult, message: _Message, header: Field, signature: Signature, texts: Sequence[str]
) -> SignatureResult:
    if len(texts) != 1:
        # RFC 6376 §3.6.2.2 leaves the outcome undefined; a proof cannot rest on that.
        reason = f"{len(texts)} TXT records at {signature.key_name}, there must be one (RFC 6376 §3.6.2.2)"
        return replace(base, result="permerror", reason=reason)
    try:
        record = dkim.parse_key(texts[0])
    except dkim.KeyProblem as problem:
        return replace(base, result="permerror", reason=f"the key cannot be used: {problem}")
    base = replace(base, key_bits=record.bits, testing=record.testing)
    if reason := _unfit(record, signature):
        return replace(base, result="permerror", reason=reason)
    if record.algorithm == "rsa" and record.bits < dkim.MIN_RSA_BITS:
        return replace(base, result="policy", reason=f"an RSA key of {record.bits} bits (RFC 8301 §3.2)")
    if reason := _broken(message, header, signature, dkim.load_public(record)):
        return replace(base, result="fail", reason=reason)
    if reason := _half_proven(message, signature):
        return replace(base, result="policy", reason=reason)
    return replace(base, result="pass", reason="")


def _unfit(record: dkim.KeyRecord, signature: Signature) -> str:
    """Why this key may not serve this signature (RFC 6376 §6.1.2), or nothing."""
    if record.revoked:
        return "the key is revoked (p= is empty, RFC 6376 §3.6.1)"
    if record.algorithm != signature.key_type:
        return f"the key is for {record.algorithm}, the signature is {signature.algorithm}"
    if record.hashes and signature.hash_name not in record.hashes:
        return f"the key allows h={':'.join(record.hashes)} only (RFC 6376 §3.6.1)"
    if record.services and not {"*", "email"} & set(record.services):
        return f"the key serves s={':'.join(record.services)}, not email (RFC 6376 §3.6.1)"
    if record.strict_identity and signature.identity_domain != signature.domain:
        return "i= is a subdomain of d=, which the key forbids (t=s, RFC 6376 §3.6.1)"
    if record.bits > dkim.MAX_RSA_BITS:
        return f"an RSA key of {record.bits} bits is more than is evaluated here"
    return ""


def _broken(message: _Message, header: Field, signature: Signature, key: dkim.PublicKey) -> str:
    """What does not hold (RFC 6376 §6.1.3), or nothing."""
    length = signature.body_length
    if length is not None and length > len(message.canonical_body(signature.body_canon)):
        return "l= is longer than the body (RFC 6376 §3.5)"
    if not hmac.compare_digest(message.body_hash(signature.body_canon, length), signature.body_hash):
        return "the body was changed: its hash is not bh="
    canonical = HEADER[signature.header_canon]
    others = [one for one in message.fields if one is not header]
    signed = b"".join(canonical(one) + b"\r\n" for one in select(others, signature.names))
    name, colon, value = header.raw.partition(b":")
    unsigned = Field(header.name, name + colon + _B_TAG.sub(rb"\1", value, count=1))
    data = signed + canonical(unsigned)
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature.signature, data, PKCS1v15(), SHA256())
        else:
            key.verify(signature.signature, hashlib.sha256(data).digest())  # RFC 8463 §3
    except InvalidSignature:
        return "the signature does not fit: a signed header was changed, or the key is another one"
    return ""


def _half_proven(message: _Message, signature: Signature) -> str:
    """What a signature that holds leaves open to forgery, or nothing."""
    if message.authors != 1:
        return f"the message has {message.authors} From fields (RFC 5322 §3.6, RFC 6376 §8.15)"
    if signature.body_length is not None:
        behind = len(message.canonical_body(signature.body_canon)) - signature.body_length
        if behind:
            return f"{behind} bytes of the body are not signed (l=, RFC 6376 §8.2)"
    return ""
