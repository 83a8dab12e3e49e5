"""What a DKIM key record tells by itself (RFC 6376 §3.6, RFC 8301, RFC 8463).

Promise: pure. A record that no verifier can use makes one finding, for the cause that explains the rest; one that
can be used makes a finding for each thing that is weak about it. Every fix is the record as it should be.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.findings import Finding, evidence
from mailctl.standards import dkim_record, tags
from mailctl.standards.dns import Answer

LONGEST_RSA = 4096  # RFC 8301 §3.2: what verifiers have to support
_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 §4, in front of the 32 bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """A key record, judged: `key` is None where no verifier can use it."""

    findings: tuple[Finding, ...]
    key: dkim_record.KeyRecord | None = None


def looks_like_key(text: str) -> bool:
    """Whether somebody meant this TXT record as a DKIM key, be it sound or not."""
    pairs = tags.read(text).pairs
    names = {name.lower() for name, _ in pairs}
    return bool(pairs) and (pairs[0][1].upper().startswith("DKIM") or "p" in names)


def judge(answer: Answer, text: str) -> Verdict:
    """Everything that one TXT record at a selector has to answer for."""
    seen = [evidence(answer)]
    try:
        key = dkim_record.parse_key(text)
    except dkim_record.KeyProblem as problem:
        id_, message, mended = _cause(text, problem)
        return Verdict((found(id_, message, evidence=seen, fix=txt_line(answer.name, mended)),))
    if key.revoked:
        return Verdict((found("dkim.revoked", f"{answer.name} has an empty p=", evidence=seen),), key)
    weak = [
        found(i, m, evidence=seen, fix=txt_line(answer.name, fix)) for i, m, fix in _weaknesses(text, key)
    ]
    return Verdict(tuple(weak), key)


def _cause(text: str, problem: dkim_record.KeyProblem) -> tuple[str, str, str]:
    """Why no verifier can use the record (id, message), and the record as it was meant, or ""."""
    listed = "; ".join(reason[:200] for reason in problem.reasons[:4])
    if _strays(text):
        mended = text.replace("\\", "").replace('"', "").strip()
        shown = ", ".join(_strays(text))
        return "dkim.stray-characters", f"{shown} stand in the record itself: {listed}", _if_sound(mended)
    read = tags.read(text)
    algorithm = read.get("k", "rsa")
    if "v" in read and (read.pairs[0] != ("v", "DKIM1")):
        rest = "; ".join(f"{name}={value}" for name, value in read.pairs if name != "v")
        mended = f"v=DKIM1; {rest}"
        return "dkim.version-wrong", f"v={read.get('v')[:40]!a}, as tag {_position(read)}", _if_sound(mended)
    if "p" not in read:
        return "dkim.malformed", listed, ""
    if algorithm not in ("rsa", "ed25519"):
        mended = _with(text, "k", algorithm.strip().lower())
        return "dkim.unknown-key-type", f"k={algorithm[:40]!a}", _if_sound(mended)
    return _unreadable(text, read, algorithm, listed)


def _unreadable(text: str, read: tags.TagList, algorithm: str, listed: str) -> tuple[str, str, str]:
    """What is wrong with the key itself."""
    public = _bytes(read.get("p"))
    if algorithm == "rsa" and (missing := _missing_bytes(public)):
        message = f"p= holds {len(public)} bytes of a key that has {len(public) + missing}"
        return "dkim.truncated", message, ""
    if algorithm == "ed25519" and public.startswith(_SPKI_ED25519) and len(public) == 44:
        raw = base64.b64encode(public[len(_SPKI_ED25519) :]).decode("ascii")
        message = "p= holds the key in its DER wrapping; Ed25519 keys stand there as 32 bytes alone"
        return "dkim.malformed", message, _if_sound(_with(text, "p", raw))
    if algorithm == "rsa" and len(public) == 32:
        mended = f"v=DKIM1; k=ed25519; p={tags.unfold(read.get('p'))}"
        return (
            "dkim.malformed",
            "p= holds 32 bytes, as an Ed25519 key has, but k=ed25519 is not there",
            mended,
        )
    return "dkim.malformed", listed, ""


def _strays(text: str) -> list[str]:
    words = {'"': "quotation marks", "\\": "backslashes"}
    return [word for character, word in words.items() if character in text]


def _position(read: tags.TagList) -> int:
    return next(number for number, (name, _) in enumerate(read.pairs, 1) if name == "v")


def _with(text: str, tag: str, value: str) -> str:
    """The record with another value for one tag."""
    pairs = [(name, value if name == tag else old) for name, old in tags.read(text).pairs]
    return "; ".join(f"{name}={written}" for name, written in pairs)


def _if_sound(text: str) -> str:
    try:
        dkim_record.parse_key(text)
    except dkim_record.KeyProblem:
        return ""
    return text


def _bytes(value: str) -> bytes:
    """p= decoded, also where its end was cut off in the middle of a group of four."""
    folded = tags.unfold(value).rstrip("=")
    folded = folded[: len(folded) - 1] if len(folded) % 4 == 1 else folded
    try:
        return base64.b64decode(folded + "=" * (-len(folded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""  # the caller names it: not base64


def _missing_bytes(der: bytes) -> int:
    """How many bytes a DER sequence lacks of the length that it gives itself; 0 where it is none (X.690 §8.1.3)."""
    if len(der) < 4 or der[0] != 0x30 or der[1] not in (0x81, 0x82):
        return 0
    octets = der[1] & 0x7F
    whole = 2 + octets + int.from_bytes(der[2 : 2 + octets], "big")
    return max(whole - len(der), 0)


def _weaknesses(text: str, key: dkim_record.KeyRecord) -> Iterator[tuple[str, str, str]]:
    """What is to be said of a key that verifiers can read: id, message, and the record without it, or ""."""
    if key.algorithm == "rsa":
        if key.bits < dkim_record.MIN_RSA_BITS:
            yield "dkim.key-too-short", f"an RSA key of {key.bits} bits", ""
        elif key.bits < dkim_record.GOOD_RSA_BITS:
            yield "dkim.key-weak", f"an RSA key of {key.bits} bits", ""
        elif key.bits > LONGEST_RSA:
            yield "dkim.key-too-long", f"an RSA key of {key.bits} bits", ""
    if key.hashes and "sha256" not in key.hashes:
        id_ = "dkim.hash-only-sha1" if set(key.hashes) == {"sha1"} else "dkim.hash-unknown"
        yield id_, f"h={':'.join(key.hashes)[:80]}", _dropped(text, "h")
    if key.services and not {"*", "email"} & set(key.services):
        yield "dkim.service-not-email", f"s={':'.join(key.services)[:80]}", _dropped(text, "s")
    if key.testing:
        left = [flag for flag in key.flags if flag != "y"]
        yield "dkim.testing", "t=y", _with(text, "t", ":".join(left)) if left else _dropped(text, "t")
    if key.strict_identity:
        yield "dkim.strict-subdomain", "t=s: i= must name the domain of d= itself", ""
    value = tags.read(text).get("p")
    if tags.unfold(value) != value:
        yield "dkim.blanks-in-key", "p= has blanks in it", _with(text, "p", tags.unfold(value))


def _dropped(text: str, tag: str) -> str:
    return "; ".join(f"{name}={value}" for name, value in tags.read(text).pairs if name != tag)
