"""The DKIM-Signature field as a value: parsed and checked against itself (RFC 6376 §3.5, §6.1.1).

Promise: every problem at once in a `SignatureProblem`; what is left to check of a `Signature` is the message
and the key.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailctl.standards import tags
from mailctl.standards.dkim import Algorithm

MAX_FIELD: Final = 65_535  # bytes of one DKIM-Signature; ours
MAX_NAMES: Final = 1_000  # members of h=; ours
_REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")
_DIGITS = re.compile(r"[0-9]{1,20}")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
_CANON = ("simple", "relaxed")
_ALGORITHMS: dict[str, tuple[Algorithm, str]] = {
    "rsa-sha256": ("rsa", "sha256"),
    "rsa-sha1": ("rsa", "sha1"),
    "ed25519-sha256": ("ed25519", "sha256"),
}


class SignatureProblem(ValueError):
    """A DKIM-Signature that cannot be evaluated. `reasons` holds every one."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature. Names are lower case; times are seconds since 1970."""

    algorithm: str  # "a", as "rsa-sha256"
    key_type: Algorithm
    hash_name: str  # "sha256" or "sha1"
    signature: bytes  # "b"
    body_hash: bytes  # "bh"
    header_canon: str  # "c"
    body_canon: str
    domain: str  # "d"
    identity: str  # "i"
    selector: str  # "s"
    names: tuple[bytes, ...]  # "h"
    body_length: int | None  # "l"
    time: int | None  # "t"
    expire: int | None  # "x"

    @property
    def identity_domain(self) -> str:
        return self.identity.rpartition("@")[2].lower()

    @property
    def key_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


def claims(value: bytes) -> tags.TagList:
    """What a DKIM-Signature says, unchecked: for naming the domain of one that cannot be evaluated."""
    return tags.read(value[:MAX_FIELD].decode("latin-1"))


def parse(value: bytes) -> Signature:
    """The signature in a field's value (the bytes behind the colon); `SignatureProblem` with every reason."""
    found = claims(value)
    problems = [*found.problems]
    if len(value) > MAX_FIELD:
        problems.append(f"longer than {MAX_FIELD} bytes")
    problems += [f"{name}= is missing (RFC 6376 §3.5)" for name in _REQUIRED if name not in found]
    if not problems:
        problems += _checks(found)
    if problems:
        raise SignatureProblem(problems)
    key_type, hash_name = _ALGORITHMS[found.get("a").lower()]
    header_canon, _, body_canon = found.get("c", "simple/simple").lower().partition("/")
    domain = found.get("d").lower().removesuffix(".")
    return Signature(
        algorithm=found.get("a").lower(),
        key_type=key_type,
        hash_name=hash_name,
        signature=_decode(found.get("b")) or b"",
        body_hash=_decode(found.get("bh")) or b"",
        header_canon=header_canon,
        body_canon=body_canon or "simple",
        domain=domain,
        identity=tags.unfold(found.get("i")) or "@" + domain,
        selector=found.get("s").lower(),
        names=tuple(name.lower().encode("ascii") for name in tags.colon_list(found.get("h"))),
        body_length=_number(found, "l"),
        time=_number(found, "t"),
        expire=_number(found, "x"),
    )


def _checks(found: tags.TagList) -> list[str]:
    """RFC 6376 §3.5 and §6.1.1, tag by tag, once all the required ones are there."""
    names = tags.colon_list(found.get("h").lower())
    header_canon, slash, body_canon = found.get("c", "simple/simple").lower().partition("/")
    queries = [item.lower() for item in tags.colon_list(found.get("q", "dns/txt"))]
    time, expire = _number(found, "t"), _number(found, "x")
    domain = found.get("d").lower().removesuffix(".")
    identity = tags.unfold(found.get("i", "@" + domain)).rpartition("@")
    wrong = {
        "v= must be 1": found.get("v") != "1",
        f"a= names an unknown algorithm: {found.get('a')[:40]!a}": found.get("a").lower() not in _ALGORITHMS,
        "b= is empty or not base64": not _decode(found.get("b")),
        "bh= is empty or not base64": not _decode(found.get("bh")),
        "c= names an unknown canonicalisation": header_canon not in _CANON
        or (bool(slash) and body_canon not in _CANON),
        "d= is not a domain": not _DOMAIN.fullmatch(domain) or len(domain) > 253,
        "s= is not a selector": not _DOMAIN.fullmatch(found.get("s")) or len(found.get("s")) > 253,
        "h= does not cover From (RFC 6376 §5.4)": "from" not in names,
        f"h= has more than {MAX_NAMES} members": len(names) > MAX_NAMES,
        "h= has an empty member": not all(names),
        "i= is not within d= (RFC 6376 §3.5)": not identity[1]
        or not ("." + identity[2].lower()).endswith("." + domain),
        "q= offers no dns/txt": "dns/txt" not in queries,
        "x= is not later than t= (RFC 6376 §3.5)": time is not None and expire is not None and expire <= time,
    }
    for name in ("l", "t", "x"):
        wrong[f"{name}= is not a number"] = name in found and _number(found, name) is None
    return [reason for reason, is_so in wrong.items() if is_so]


def _decode(value: str) -> bytes | None:
    try:
        return base64.b64decode(tags.unfold(value), validate=True)
    except (binascii.Error, ValueError):
        return None  # the caller names the tag


def _number(found: tags.TagList, name: str) -> int | None:
    value = found.get(name)
    return int(value) if _DIGITS.fullmatch(value) else None
