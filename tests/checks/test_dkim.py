"""DKIM: a table of key records and what is to be said about each."""

import asyncio
import base64
import os
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.domains.checks import dkim
from mailctl.domains.checks.target import GUESSED_SELECTORS, Profile, Tools
from mailctl.domains.findings import Finding
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import HEALTHY, NAME, NOW, Faults, ids, run

SELECTOR = "s2026"
KEY_NAME = f"{SELECTOR}._domainkey.{NAME}"
EDWARDS = base64.b64encode(bytes(range(32))).decode()
ED25519 = f"v=DKIM1; k=ed25519; p={EDWARDS}"


@cache
def public(bits: int, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    """The base64 form of a public RSA key of that size. The modulus is no product of primes: nobody looks."""
    modulus = (1 << (bits - 1)) | int.from_bytes(os.urandom(bits // 8), "big") >> 1 | 1
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, form)).decode()


@cache
def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


GOOD = public(2048)
RSA = f"v=DKIM1; k=rsa; p={GOOD}"
WRAPPED = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + bytes(range(32))).decode()


def dkim_of(
    *texts: str, selectors: tuple[str, ...] = (SELECTOR,), faults: Faults | None = None, **target: Any
) -> list[Finding]:
    records = [*HEALTHY, *(Record(KEY_NAME, "TXT", text) for text in texts)]
    return run(dkim.check, records, faults=faults, target={"selectors": selectors, **target})


SOUND = {
    "rsa": RSA,
    "no version": f"p={GOOD}",
    "no kind": f"v=DKIM1; p={GOOD}",
    "blanks and a final semicolon": f" v = DKIM1 ;  k = rsa ; p = {GOOD} ; ",
    "tags in another order": f"v=DKIM1; p={GOOD}; s=email; k=rsa",
    "every hash": f"v=DKIM1; h=sha1:sha256; p={GOOD}",
    "every service": f"v=DKIM1; s=*; p={GOOD}",
    "unknown tags and flags": f"v=DKIM1; t=x; z=1; n=note; p={GOOD}",
    "the form of PKCS #1": f"v=DKIM1; p={public(2048, PublicFormat.PKCS1)}",
    "4096 bits": f"v=DKIM1; p={public(4096)}",
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND.keys())
def test_sound_keys_are_ok(text: str) -> None:
    findings = dkim_of(text)
    assert ids(findings) == ["dkim.ok ok"]
    assert f"{SELECTOR} (rsa " in findings[0].message


BROKEN = {
    "revoked": ("v=DKIM1; k=rsa; p=", ["dkim.revoked error"]),
    "512 bits": (f"v=DKIM1; p={public(512)}", ["dkim.key-too-short error"]),
    "1023 bits": (f"v=DKIM1; p={public(1023)}", ["dkim.key-too-short error"]),
    "1024 bits": (f"v=DKIM1; p={public(1024)}", ["dkim.key-weak warning"]),
    "2047 bits": (f"v=DKIM1; p={public(2047)}", ["dkim.key-weak warning"]),
    "4104 bits": (f"v=DKIM1; p={public(4104)}", ["dkim.key-too-long warning"]),
    "not base64": ("v=DKIM1; p=@@@@", ["dkim.malformed error"]),
    "base64 of nothing": ("v=DKIM1; p=AAAA", ["dkim.malformed error"]),
    "an elliptic curve": (f"v=DKIM1; p={elliptic()}", ["dkim.malformed error"]),
    "no p": ("v=DKIM1; k=rsa", ["dkim.malformed error"]),
    "p twice": (f"v=DKIM1; p={GOOD}; p={GOOD}", ["dkim.malformed error"]),
    "no tags": ("hello", ["dkim.malformed error"]),
    "SPF by a wildcard": ("v=spf1 -all", ["dkim.version-wrong error"]),
    "cut short at 255": (RSA[:255], ["dkim.truncated error"]),
    "cut short at 254": (RSA[:254], ["dkim.truncated error"]),
    "quotation marks": (f'v=DKIM1; k=rsa; p={GOOD[:200]}" "{GOOD[200:]}', ["dkim.stray-characters error"]),
    "all in quotation marks": (f'"{RSA}"', ["dkim.stray-characters error"]),
    "backslashes": (RSA.replace(";", "\\;"), ["dkim.stray-characters error"]),
    "blanks in the key": (
        f"v=DKIM1; p={GOOD[:200]} {GOOD[200:]}",
        ["dkim.blanks-in-key info", "dkim.ok ok"],
    ),
    "a small version": (f"v=dkim1; p={GOOD}", ["dkim.version-wrong error"]),
    "another version": (f"v=DKIM2; p={GOOD}", ["dkim.version-wrong error"]),
    "the version behind": (f"k=rsa; v=DKIM1; p={GOOD}", ["dkim.version-wrong error"]),
    "an unknown kind": (f"v=DKIM1; k=dsa; p={GOOD}", ["dkim.unknown-key-type error"]),
    "a kind in capitals": (f"v=DKIM1; k=RSA; p={GOOD}", ["dkim.unknown-key-type error"]),
    "sha1 alone": (f"v=DKIM1; h=sha1; p={GOOD}", ["dkim.hash-only-sha1 error"]),
    "no known hash": (f"v=DKIM1; h=sha512; p={GOOD}", ["dkim.hash-unknown error"]),
    "not for mail": (f"v=DKIM1; s=tlsrpt; p={GOOD}", ["dkim.service-not-email error"]),
    "in test mode": (f"v=DKIM1; t=y; p={GOOD}", ["dkim.testing warning"]),
    "in test mode, strictly": (
        f"v=DKIM1; t=y:s; p={GOOD}",
        ["dkim.strict-subdomain info", "dkim.testing warning"],
    ),
    "strictly": (f"v=DKIM1; t=s; p={GOOD}", ["dkim.ok ok", "dkim.strict-subdomain info"]),
    "Ed25519 alone": (ED25519, ["dkim.ed25519-only info", "dkim.ok ok"]),
    "31 bytes": (f"v=DKIM1; k=ed25519; p={base64.b64encode(bytes(31)).decode()}", ["dkim.malformed error"]),
    "Ed25519 in DER": (f"v=DKIM1; k=ed25519; p={WRAPPED}", ["dkim.malformed error"]),
    "RSA for Ed25519": (f"v=DKIM1; k=ed25519; p={GOOD}", ["dkim.malformed error"]),
    "Ed25519 for RSA": (f"v=DKIM1; p={EDWARDS}", ["dkim.malformed error"]),
    "two things": (
        f"v=DKIM1; t=y; h=sha1; p={public(1024)}",
        ["dkim.hash-only-sha1 error", "dkim.key-weak warning", "dkim.testing warning"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_key_records(text: str, expected: list[str]) -> None:
    findings = dkim_of(text)
    assert ids(findings) == expected
    assert all(f.id == "dkim.ok" or SELECTOR in f.message or KEY_NAME in f.message for f in findings)


@pytest.mark.parametrize(
    "name",
    [
        "all in quotation marks",
        "backslashes",
        "a small version",
        "the version behind",
        "a kind in capitals",
        "sha1 alone",
        "not for mail",
        "in test mode",
        "in test mode, strictly",
        "blanks in the key",
        "Ed25519 in DER",
        "Ed25519 for RSA",
    ],
)
def test_what_is_pasted_mends_it(name: str) -> None:
    text, _ = BROKEN[name]
    finding = next(f for f in dkim_of(text) if f.fix.startswith(KEY_NAME))
    mended = "".join(finding.fix.split('"')[1::2])
    assert "dkim.ok ok" in ids(dkim_of(mended))


# Records at the selector


def test_a_named_selector_without_a_key_is_missing() -> None:
    findings = dkim_of(selectors=(SELECTOR, "other"))
    assert ids(findings) == ["dkim.missing error", "dkim.missing error"]
    assert KEY_NAME in findings[0].message


def test_one_sound_selector_does_not_excuse_another() -> None:
    assert ids(dkim_of(RSA, selectors=(SELECTOR, "other"))) == ["dkim.missing error"]


SEVERAL = {
    "two keys": ((RSA, f"v=DKIM1; p={public(1024)}"), ""),
    "a key and another text": ((RSA, "hello"), RSA),
    "a key in two records": ((RSA[:255], RSA[255:]), RSA),
}


@pytest.mark.parametrize(("texts", "fixed"), SEVERAL.values(), ids=SEVERAL.keys())
def test_several_records(texts: tuple[str, ...], fixed: str) -> None:
    findings = dkim_of(*texts)
    assert ids(findings) == ["dkim.multiple-records error"]
    assert "".join(findings[0].fix.split('"')[1::2]) == fixed


def test_a_key_where_the_zone_was_appended_twice() -> None:
    records = [Record(f"{KEY_NAME}.{NAME}", "TXT", RSA)]
    findings = run(dkim.check, [*HEALTHY, *records], target={"selectors": (SELECTOR,)})
    assert ids(findings) == ["dkim.wrong-place error"]
    assert findings[0].fix.startswith(f"{KEY_NAME}. 3600 IN TXT ")


CHAINS = {
    "to a key": ([("key.host.example", "TXT", RSA)], ["dkim.ok ok"]),
    "to nothing": ([], ["dkim.cname-dangling error"]),
    "to a name without TXT": ([("key.host.example", "A", "192.0.2.1")], ["dkim.cname-dangling error"]),
    "on to nothing": (
        [("key.host.example", "CNAME", "gone.host.example")],
        ["dkim.cname-dangling error"],
    ),
    "back to itself": ([("key.host.example", "CNAME", KEY_NAME)], ["dkim.unknown unknown"]),
    "too far": (
        [("key.host.example", "CNAME", "1.host.example")]
        + [(f"{n}.host.example", "CNAME", f"{n + 1}.host.example") for n in range(1, 40)],
        ["dkim.unknown unknown"],
    ),
    "to a revoked key": ([("key.host.example", "TXT", "v=DKIM1; p=")], ["dkim.revoked error"]),
}


@pytest.mark.parametrize(("beyond", "expected"), CHAINS.values(), ids=CHAINS.keys())
def test_aliases(beyond: list[tuple[str, str, str]], expected: list[str]) -> None:
    alias = Record(KEY_NAME, "CNAME", "key.host.example")
    records = [*HEALTHY, alias, *(Record(*one) for one in beyond)]
    assert ids(run(dkim.check, records, target={"selectors": (SELECTOR,)})) == expected


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS])
def test_a_silent_server_is_unknown(status: Status) -> None:
    findings = dkim_of(RSA, faults={KEY_NAME: status})
    assert ids(findings) == ["dkim.unknown unknown"]
    assert findings[0].evidence[0].answer.startswith(status.value)


# The private key that is held here


def of_selector(text: str, expected: str | None) -> list[Finding]:
    tools = Tools(MemoryResolver([*HEALTHY, Record(KEY_NAME, "TXT", text)]), NOW)
    return asyncio.run(dkim.check_selector(tools, NAME, SELECTOR, expected))


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        (RSA, RSA, ["dkim.ok ok"]),
        (f"p={GOOD}; t=s", RSA, ["dkim.ok ok", "dkim.strict-subdomain info"]),
        (f"v=DKIM1; p={public(3072)}", RSA, ["dkim.wrong error"]),
        (ED25519, RSA, ["dkim.ed25519-only info", "dkim.wrong error"]),
        (RSA, None, ["dkim.ok ok"]),
    ],
)
def test_the_published_key_is_compared_with_ours(text: str, expected: str | None, found: list[str]) -> None:
    assert ids(of_selector(text, expected)) == found


def test_a_missing_key_that_is_held_here_can_be_pasted() -> None:
    tools = Tools(MemoryResolver(HEALTHY), NOW)
    (finding,) = asyncio.run(dkim.check_selector(tools, NAME, SELECTOR, RSA))
    assert finding.id == "dkim.missing"
    assert "".join(finding.fix.split('"')[1::2]) == RSA


# Guesses


def guess(*records: tuple[str, str, str], faults: Faults | None = None, **target: Any) -> list[Finding]:
    return run(dkim.check, [*HEALTHY, *(Record(*one) for one in records)], faults=faults, target=target)


def at(selector: str, text: str, rdtype: str = "TXT") -> tuple[str, str, str]:
    return (f"{selector}._domainkey.{NAME}", rdtype, text)


GUESSES = {
    "nothing": ([], ["dkim.none-found unknown"]),
    "a key": ([at("google", RSA)], ["dkim.ok ok"]),
    "two keys": ([at("s1", RSA), at("s2", ED25519)], ["dkim.ok ok"]),
    "a weak key": ([at("google", f"v=DKIM1; p={public(1024)}")], ["dkim.key-weak warning"]),
    "a short key": ([at("google", f"v=DKIM1; p={public(512)}")], ["dkim.key-too-short error"]),
    "one revoked, one in use": (
        [at("s1", "v=DKIM1; p="), at("s2", RSA)],
        ["dkim.ok ok", "dkim.revoked info"],
    ),
    "all revoked": ([at("*", "v=DKIM1; p=")], ["dkim.none-found unknown", "dkim.revoked info"]),
    "a wildcard that is no key": ([(f"*.{NAME}", "TXT", "v=spf1 -all")], ["dkim.none-found unknown"]),
    "a wildcard that is a key": ([at("*", RSA)], ["dkim.ok ok"]),
    "an alias into nothing": (
        [at("selector2", "key.host.example", "CNAME"), at("selector1", RSA)],
        ["dkim.cname-dangling info", "dkim.ok ok"],
    ),
}


@pytest.mark.parametrize(("records", "expected"), GUESSES.values(), ids=GUESSES.keys())
def test_guessed_selectors(records: list[tuple[str, str, str]], expected: list[str]) -> None:
    assert ids(guess(*records)) == expected


def test_guesses_that_nobody_answers_are_one_finding() -> None:
    faults: Faults = {f"{selector}._domainkey.{NAME}": Status.TIMEOUT for selector in GUESSED_SELECTORS}
    assert ids(guess(faults=faults)) == ["dkim.unknown unknown"]
    one: Faults = {f"{GUESSED_SELECTORS[0]}._domainkey.{NAME}": Status.TIMEOUT}
    assert ids(guess(faults=one)) == ["dkim.unknown unknown"]
    assert ids(guess(at("s1", RSA), faults=one)) == ["dkim.ok ok"]


PARKED = {
    "nothing": ([], ["dkim.not-needed ok"]),
    "revoked by a wildcard": ([at("*", "v=DKIM1; p=")], ["dkim.not-needed ok", "dkim.revoked info"]),
    "a key": ([at("google", RSA)], ["dkim.parked-key warning"]),
}


@pytest.mark.parametrize(("records", "expected"), PARKED.values(), ids=PARKED.keys())
@pytest.mark.parametrize("selectors", [(), ("google",), ("k9",)])
def test_a_parked_domain(
    records: list[tuple[str, str, str]], expected: list[str], selectors: tuple[str, ...]
) -> None:
    assert ids(guess(*records, profile=Profile.PARKED, selectors=selectors)) == expected


def test_a_domain_that_only_receives_needs_no_key() -> None:
    assert ids(guess(profile=Profile.RECEIVING)) == ["dkim.not-needed ok"]
    assert ids(guess(profile=Profile.BULK_SENDER)) == ["dkim.none-found unknown"]


# Hostile zones


@pytest.mark.parametrize(
    "text", ["p=" + "A" * 65_000, ";" * 65_000, "v=DKIM1; h=" + ":" * 60_000, '"' * 64_000]
)
def test_a_record_of_64_kb_ends(text: str) -> None:
    findings = dkim_of(text)
    assert findings
    assert sum(len(str(f)) for f in findings) < 30_000


PIECES = st.sampled_from(
    [
        "v=DKIM1",
        "k=rsa",
        "k=ed25519",
        f"p={GOOD}",
        "p=",
        f"p={EDWARDS}",
        "t=y:s",
        "h=sha1",
        "s=",
        ";",
        "\x00",
        '"',
        "\\",
        "é",
    ]
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, LATIN), max_size=8).map("; ".join), st.sampled_from(list(Profile)))
def test_no_text_makes_it_fail(text: str, profile: Profile) -> None:
    findings = dkim_of(text, profile=profile)
    assert findings
    assert all(f.area == "dkim" for f in findings)
    assert guess(at("google", text), profile=profile)
