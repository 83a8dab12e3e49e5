"""Verification against the RFCs' own vectors, against dkimpy's signatures, and against what must not pass."""

import asyncio
import base64
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dkim as dkimpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer, sign
from mailctl.standards.dkim_verify import MAX_SIGNATURES, SignatureResult, verify
from mailctl.standards.dns import Lookup, Status, Txt, split_txt

MakeLookup = Callable[[Mapping[str, Any]], Lookup]
NOW = 4_000_000_000  # later than any clock that dkimpy signs with
HEADER = b"From: A <a@example.com>\r\nTo: b@example.net\r\nSubject:  hi\t there \r\n"
MESSAGE = HEADER + b"\r\nHello  world \r\n\r\n\r\n"
KEY_NAME = "s._domainkey.example.com"


@cache
def pem(algorithm: dkim.Algorithm, bits: int = 2048) -> bytes:
    return dkim.generate(algorithm, bits)


@cache
def text(algorithm: dkim.Algorithm) -> str:
    return dkim.public_text(pem(algorithm))


def signed(message: bytes = MESSAGE, **options: Any) -> bytes:
    return sign(message, [Signer("example.com", "s", "ed25519", pem("ed25519"))], time=NOW, **options)


def by_dkimpy(message: bytes = MESSAGE, algorithm: bytes = b"rsa-sha256", **options: Any) -> bytes:
    key = pem("rsa")
    if algorithm.startswith(b"ed25519"):
        raw = dkim.load_private(pem("ed25519")).private_bytes_raw()  # type: ignore[union-attr]
        key = base64.b64encode(raw)
    result: bytes = dkimpy.DKIM(message, signature_algorithm=algorithm).sign(
        b"s", b"example.com", key, **options
    )
    return result + message


@pytest.fixture
def check(make_lookup: MakeLookup) -> Callable[..., SignatureResult]:
    """Verifies a message with one signature, with `texts` at the selector."""

    def run(message: bytes, *texts: str, now: int = NOW) -> SignatureResult:
        zone = {KEY_NAME: {"TXT": [Txt(split_txt(one)) for one in texts]}}
        (result,) = asyncio.run(verify(make_lookup(zone), message, now))
        return result

    return run


Check = Callable[..., SignatureResult]


def suite_cases(folder: Path) -> Iterator[tuple[str, tuple[dict[str, str], bytes]]]:
    for path in sorted((folder / "dkim").glob("*.txt")):
        records, _, message = path.read_text(encoding="ascii").partition("\n\n")
        zone = dict(line.split(" ", 1) for line in records.splitlines())
        yield path.stem, (zone, message.replace("\n", "\r\n").encode("ascii"))


def test_vectors_of_the_rfcs(suite_case: tuple[dict[str, str], bytes], make_lookup: MakeLookup) -> None:
    zone, message = suite_case
    lookup = make_lookup({name: {"TXT": [Txt(split_txt(value))]} for name, value in zone.items()})
    results = asyncio.run(verify(lookup, message, NOW))
    assert [result.result for result in results] == ["pass"] * message.count(b"DKIM-Signature:")
    changed = asyncio.run(verify(lookup, message.replace(b"hungry", b"thirsty"), NOW))
    assert {result.result for result in changed} == {"fail"}


def test_both_of_our_signatures_pass(make_lookup: MakeLookup) -> None:
    names: tuple[dkim.Algorithm, ...] = ("rsa", "ed25519")
    signers = [Signer("example.com", name, name, pem(name)) for name in names]
    zone = {f"{name}._domainkey.example.com": {"TXT": [Txt(split_txt(text(name)))]} for name in names}
    results = asyncio.run(verify(make_lookup(zone), sign(MESSAGE, signers, time=1), NOW))
    assert [(r.result, r.algorithm, r.key_bits) for r in results] == [
        ("pass", "rsa-sha256", 2048),
        ("pass", "ed25519-sha256", 256),
    ]
    assert results[0].identity == "@example.com"
    assert len(results[0].start) == 8


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
@pytest.mark.parametrize("algorithm", [b"rsa-sha256", b"ed25519-sha256"])
def test_what_dkimpy_signs_passes(header: bytes, body: bytes, algorithm: bytes, check: Check) -> None:
    key = text("rsa" if algorithm.startswith(b"rsa") else "ed25519")
    message = by_dkimpy(algorithm=algorithm, canonicalize=(header, body))
    assert check(message, key).result == "pass"


@given(
    lines=st.lists(st.sampled_from([b"", b" ", b"\t", b"a", b"a \t b ", b" x"]), max_size=6), data=st.data()
)
def test_dkimpy_and_we_canonicalise_alike(lines: list[bytes], data: st.DataObject) -> None:
    canon = data.draw(st.sampled_from([b"simple", b"relaxed"]))
    message = HEADER + b"\r\n" + b"".join(line + b"\r\n" for line in lines)
    one = by_dkimpy(message, b"ed25519-sha256", canonicalize=(canon, canon))
    assert _verify_ed25519(one) == "pass"


async def _only_key(name: str, rdtype: str) -> Any:
    from mailctl.standards.dns import Answer

    return Answer(name, rdtype, Status.ANSWER, (Txt(split_txt(text("ed25519"))),))


def _verify_ed25519(message: bytes) -> str:
    return asyncio.run(verify(_only_key, message, NOW))[0].result


LINES = st.lists(st.binary(max_size=30).map(lambda b: re.sub(rb"[\r\n]", b"", b)), max_size=8)


@given(LINES)
def test_any_body_passes_after_signing(lines: list[bytes]) -> None:
    assert _verify_ed25519(signed(HEADER + b"\r\n" + b"\r\n".join(lines))) == "pass"


@given(st.binary(min_size=1, max_size=60).map(lambda b: re.sub(rb"[\r\n \t]", b"x", b)), st.data())
def test_a_changed_byte_of_the_body_fails(body: bytes, data: st.DataObject) -> None:
    message = bytearray(signed(HEADER + b"\r\n" + body + b"\r\n"))
    at = len(message) - 2 - data.draw(st.integers(1, len(body)))
    message[at] = (message[at] + 1) % 256
    expected = "fail"
    if message[at] in b"\r\n \t":
        message[at] = ord("y") if message[at] != ord("y") else ord("z")
    assert _verify_ed25519(bytes(message)) == expected


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_crash_the_verifier(noise: bytes, inside: bool) -> None:
    message = b"DKIM-Signature: " + noise + b"\r\n" + MESSAGE if inside else noise
    assert _verify_ed25519(message) in ("none", "permerror", "fail", "policy")


@given(st.integers(0, 700), st.binary(max_size=3))
def test_a_damaged_signature_never_crashes(at: int, noise: bytes) -> None:
    whole = signed()
    at %= whole.index(b"\r\nFrom:")
    result = _verify_ed25519(whole[:at] + noise + whole[at + 1 :])
    assert result in ("none", "pass", "fail", "policy", "permerror")


def test_an_unsigned_message_is_none(check: Check) -> None:
    assert check(MESSAGE).result == "none"


def test_a_message_with_lf_only_is_read_as_if_it_had_crlf(check: Check) -> None:
    assert check(signed().replace(b"\r\n", b"\n"), text("ed25519")).result == "pass"


def test_a_changed_header_fails(check: Check) -> None:
    result = check(signed().replace(b"there", b"where"), text("ed25519"))
    assert (result.result, "header was changed" in result.reason) == ("fail", True)


def test_a_field_added_fails(check: Check) -> None:
    assert check(b"Subject: other\r\n" + signed(), text("ed25519")).result == "fail"


def test_another_key_fails(check: Check) -> None:
    assert check(signed(), dkim.public_text(dkim.generate("ed25519"))).result == "fail"


def test_an_expired_signature_fails(check: Check) -> None:
    message = signed(expire=NOW + 10)
    assert check(message, text("ed25519"), now=NOW + 10).result == "pass"
    assert "expired 5 s ago" in check(message, text("ed25519"), now=NOW + 15).reason


def test_a_signature_from_the_future_is_policy(check: Check) -> None:
    assert check(signed(), text("ed25519"), now=NOW - 300).result == "pass"
    early = check(signed(), text("ed25519"), now=NOW - 301)
    assert (early.result, "301 s in the future" in early.reason) == ("policy", True)


def test_a_second_from_is_policy_even_where_the_signature_holds(check: Check) -> None:
    message = by_dkimpy(include_headers=[b"from", b"subject"])
    assert check(message, text("rsa")).result == "pass"
    forged = check(b"From: evil@example.org\r\n" + message, text("rsa"))
    assert (forged.result, "2 From fields" in forged.reason) == ("policy", True)


def test_content_behind_l_is_policy(check: Check) -> None:
    message = by_dkimpy(length=True)
    assert check(message, text("rsa")).result == "pass"
    longer = check(message + b"<script>\r\n", text("rsa"))
    assert (longer.result, "not signed (l=" in longer.reason) == ("policy", True)
    shorter = check(message.partition(b"Hello")[0] + b"He\r\n", text("rsa"))
    assert (shorter.result, "l= is longer" in shorter.reason) == ("fail", True)


def test_sha1_is_refused(check: Check) -> None:
    result = check(by_dkimpy(algorithm=b"rsa-sha1"), text("rsa"))
    assert (result.result, "RFC 8301 §3.1" in result.reason) == ("policy", True)


def test_a_short_rsa_key_is_refused(check: Check) -> None:
    short = (
        "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALSOKJVtl9Q9tJVm0sIMFkcL1LlWtUpWkkBhJWhlFqc1"
        "EHGdnqHRRG0fzPhlTs1TYrgxoRMcDzPIVJpRPXeNGc0CAwEAAQ=="
    )
    result = check(by_dkimpy(), short)
    assert (result.result, result.key_bits, "RFC 8301 §3.2" in result.reason) == ("policy", 512, True)


def test_strict_identity(check: Check) -> None:
    strict = text("rsa").replace("k=rsa", "k=rsa; t=s")
    assert check(by_dkimpy(identity=b"joe@example.com"), strict).result == "pass"
    below = by_dkimpy(identity=b"joe@sub.example.com")
    assert check(below, text("rsa")).result == "pass"
    assert "t=s" in check(below, strict).reason


def test_testing_is_told(check: Check) -> None:
    result = check(signed(), text("ed25519").replace("; k=", "; t=y; k="))
    assert (result.result, result.testing) == ("pass", True)


KEYS = [
    ("revoked", "v=DKIM1; p=", "revoked"),
    ("hash", "v=DKIM1; h=sha1; k=ed25519; p=" + "A" * 43 + "=", "allows h=sha1 only"),
    ("service", "v=DKIM1; s=tlsrpt; k=ed25519; p=" + "A" * 43 + "=", "not email"),
    ("kind", "v=DKIM1; k=dsa; p=AAAA", "unknown kind"),
    ("base64", "v=DKIM1; k=ed25519; p=A", "not valid base64"),
    ("length", "v=DKIM1; k=ed25519; p=AAAA", "32 bytes"),
    ("der", "v=DKIM1; p=AAAA", "not an rsa public key"),
    ("version", "v=DKIM2; p=AAAA", "must come first"),
    ("no p", "v=DKIM1", "p= is missing"),
    ("spf", "v=spf1 -all", "must come first"),
    ("empty", "", "not a tag"),
]


@pytest.mark.parametrize(("key", "reason"), [k[1:] for k in KEYS], ids=[k[0] for k in KEYS])
def test_keys_that_cannot_serve(key: str, reason: str, check: Check) -> None:
    result = check(signed(), key)
    assert (result.result, reason in result.reason) == ("permerror", True)


def test_a_key_of_the_other_kind(check: Check) -> None:
    assert check(signed(), text("rsa")).result == "permerror"


def test_two_records_at_the_selector(check: Check) -> None:
    result = check(signed(), text("ed25519"), text("rsa"))
    assert (result.result, "2 TXT records" in result.reason) == ("permerror", True)


FAULTS = [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS]


@pytest.mark.parametrize("status", FAULTS)
def test_a_dns_fault_is_temporary(status: Status, make_lookup: MakeLookup) -> None:
    (result,) = asyncio.run(verify(make_lookup({KEY_NAME: {"TXT": status}}), signed(), NOW))
    assert (result.result, result.domain, status.value in result.reason) == ("temperror", "example.com", True)


def test_an_absent_key_is_permanent(make_lookup: MakeLookup) -> None:
    (result,) = asyncio.run(verify(make_lookup({}), signed(), NOW))
    assert (result.result, KEY_NAME in result.reason) == ("permerror", True)


def test_signatures_are_bounded(make_lookup: MakeLookup) -> None:
    asked: list[str] = []
    inner = make_lookup({})

    async def counting(name: str, rdtype: str) -> Any:
        asked.append(name)
        return await inner(name, rdtype)

    top = signed()[: -len(MESSAGE)]
    results = asyncio.run(verify(counting, top * 500 + MESSAGE, NOW))
    assert (len(asked), len(results)) == (MAX_SIGNATURES, MAX_SIGNATURES + 1)
    assert results[-1].reason.startswith("490 more")


def test_a_monstrous_header_is_not_evaluated(check: Check) -> None:
    assert "longer than" in check(b"X: " + b"a" * 2_000_000 + b"\r\n" + signed()).reason


BAD_TAGS = [
    (b"v=1", b"v=2", "v= must be 1"),
    (b"a=ed25519-sha256", b"a=ed448-sha256", "a= names"),
    (b"c=relaxed/relaxed", b"c=relaxed/loose", "c= names"),
    (b"d=example.com", b"d=exa mple.com", "d= is not a domain"),
    (b"s=s;", b"s=../s;", "s= is not a selector"),
    (b"h=from:from", b"h=x", "does not cover From"),
    (b"h=from:from", b"h=from::from", "empty member"),
    (b"bh=", b"bh=*", "bh= is empty or not base64"),
    (b"bh=", b"xh=", "bh= is missing"),
    (b"t=4000000000", b"t=soon", "t= is not a number"),
    (b"t=4000000000", b"t=1; x=1", "x= is not later"),
    (b"t=4000000000", b"l=-1", "l= is not a number"),
    (b"t=4000000000", b"q=dns/other", "q= offers no dns/txt"),
    (b"t=4000000000", b"i=@example.org", "i= is not within d="),
    (b"t=4000000000", b"i=@notexample.com", "i= is not within d="),
    (b"t=4000000000", b"v=1", "v= occurs more than once"),
    (b"h=from:from", b"h=from" + b":x" * 1001, "more than 1000"),
]


@pytest.mark.parametrize(("old", "new", "reason"), BAD_TAGS, ids=[t[2] for t in BAD_TAGS])
def test_signatures_that_contradict_the_rfc(old: bytes, new: bytes, reason: str, check: Check) -> None:
    result = check(signed().replace(old, new, 1), text("ed25519"))
    assert (result.result, reason in result.reason) == ("permerror", True), result.reason


def test_all_problems_of_a_signature_are_named_at_once(check: Check) -> None:
    broken = signed().replace(b"v=1", b"v=7", 1).replace(b"h=from:from", b"h=x", 1)
    assert len(check(broken).reason.split("; ")) == 2


def test_an_unknown_tag_and_spaces_are_ignored(check: Check) -> None:
    spaced = by_dkimpy().replace(b"q=dns/txt;", b"q = dns/txt ;", 1)
    assert check(spaced, text("rsa")).result == "fail"  # read, and found to be changed
