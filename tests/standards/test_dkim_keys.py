"""Keys and their records: what we publish is read back, by us and by dkimpy's rules."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import dkim

ED25519 = dkim.generate("ed25519")
RSA = dkim.generate("rsa")
RSA_PUBLIC = base64.b64decode(dkim.public_text(RSA).partition("; p=")[2])


@pytest.mark.parametrize(("pem", "kind", "bits"), [(RSA, "rsa", 2048), (ED25519, "ed25519", 256)])
def test_published_text_is_read_back_and_matches(pem: bytes, kind: str, bits: int) -> None:
    record = dkim.parse_key(dkim.public_text(pem))
    assert (record.algorithm, record.bits, record.revoked) == (kind, bits, False)
    assert dkim.matches(pem, record)
    assert dkim.format_key(record) == dkim.public_text(pem)


def test_another_key_does_not_match() -> None:
    assert not dkim.matches(ED25519, dkim.parse_key(dkim.public_text(RSA)))
    assert not dkim.matches(ED25519, dkim.parse_key(dkim.public_text(dkim.generate("ed25519"))))
    assert not dkim.matches(ED25519, dkim.parse_key("v=DKIM1; p="))


def test_a_key_in_the_encoding_of_the_rfc_matches() -> None:
    public = dkim.load_private(RSA).public_key()
    assert isinstance(public, RSAPublicKey)
    raw = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)  # RFC 6376 §3.6.1: RSAPublicKey
    record = dkim.parse_key("p=" + base64.b64encode(raw).decode())
    assert dkim.matches(RSA, record)


def test_generated_keys_are_pkcs8() -> None:
    assert RSA.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert isinstance(dkim.load_private(dkim.generate("rsa", 1024)), RSAPrivateKey)


@pytest.mark.parametrize("bits", [0, 512, 1023, 16384])
def test_sizes_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(dkim.KeyProblem, match="1024 to 8192"):
        dkim.generate("rsa", bits)


def test_what_is_no_signing_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    curve = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    with pytest.raises(dkim.KeyProblem, match="RSA or Ed25519"):
        dkim.public_text(curve)
    with pytest.raises(dkim.KeyProblem, match="unencrypted"):
        dkim.public_text(locked)


def test_every_reason_is_given_at_once() -> None:
    with pytest.raises(dkim.KeyProblem) as caught:
        dkim.parse_key("k=dsa; v=DKIM1; h=:; p=*; p=*; nonsense")
    assert len(caught.value.reasons) == 6


def test_a_public_key_of_another_kind_is_refused() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    with pytest.raises(dkim.KeyProblem, match="but k=rsa"):
        dkim.parse_key("v=DKIM1; p=" + der)


def test_all_tags_are_read() -> None:
    public = dkim.public_text(ED25519).partition("; p=")[2]
    text = (
        f"v=DKIM1; h=sha1:sha256; k=ed25519; n=a note; s=*; t=y:s; x=unknown; p={public[:10]} {public[10:]}"
    )
    record = dkim.parse_key(text)
    assert (record.hashes, record.services, record.flags) == (("sha1", "sha256"), ("*",), ("y", "s"))
    assert (record.notes, record.testing, record.strict_identity) == ("a note", True, True)
    assert dkim.parse_key(dkim.format_key(record)) == record


def parsed(text: str) -> dkim.KeyRecord | None:
    """The record, or None where the parser says that there is none; any other error fails the test."""
    with suppress(dkim.KeyProblem):
        return dkim.parse_key(text)
    return None


@given(st.text(max_size=200))
def test_no_text_crashes_the_parser(text: str) -> None:
    record = parsed(text)
    assert record is None or dkim.parse_key(dkim.format_key(record)) == record


@given(st.binary(max_size=80), st.integers(0, 293), st.integers(1, 255))
def test_no_key_crashes_the_parser(noise: bytes, at: int, flip: int) -> None:
    der = bytearray(RSA_PUBLIC)
    der[at] ^= flip
    for public in (noise, bytes(der)):
        record = parsed("p=" + base64.b64encode(public).decode())
        assert record is None or record.revoked == (not public)


WORDS = st.lists(st.text("abcxyz-", min_size=1, max_size=5), max_size=3).map(tuple)


@given(hashes=WORDS, services=WORDS, flags=WORDS, notes=st.text("ab =:", max_size=9).map(str.strip))
def test_what_is_written_is_read_back(
    hashes: tuple[str, ...], services: tuple[str, ...], flags: tuple[str, ...], notes: str
) -> None:
    public = bytes(range(32))
    record = dkim.KeyRecord("ed25519", public, 256, "DKIM1", hashes, services, flags, notes)
    assert dkim.parse_key(dkim.format_key(record)) == record
