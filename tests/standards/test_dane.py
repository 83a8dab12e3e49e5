"""TLSA records for SMTP (RFC 6698, RFC 7672)."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import dane
from mailctl.standards.dane import Shown, Tlsa, TlsaSyntaxError

LEAF = Shown(b"leaf certificate", b"leaf key")
AUTHORITY = Shown(b"authority certificate", b"authority key")
CHAIN = (LEAF, AUTHORITY)
SHA256 = bytes(32)


def test_records_are_sought_at_the_host_and_port() -> None:
    assert dane.name("mail.example.com") == "_25._tcp.mail.example.com"


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("3 1 1 00ff", Tlsa(3, 1, 1, b"\x00\xff")),
        (" 3  1 0 00 FF\t11 ", Tlsa(3, 1, 0, b"\x00\xff\x11")),
        ("0 0 0", Tlsa(0, 0, 0, b"")),
        ("255 255 255 00", Tlsa(255, 255, 255, b"\x00")),
    ],
)
def test_records(text: str, record: Tlsa) -> None:
    assert dane.parse(text) == record


@pytest.mark.parametrize(
    "text", ["", "3 1", "3 1 256 00", "3 1 1 0", "3 1 1 xx", "a 1 1 00", "3 1 1 " + " " * 200_000 + "!"]
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(TlsaSyntaxError):
        dane.parse(text)


@pytest.mark.parametrize("record", [Tlsa(3, 1, 1, SHA256), Tlsa(2, 0, 2, bytes(64)), Tlsa(3, 0, 0, b"x")])
def test_usable_records(record: Tlsa) -> None:
    assert dane.why_unusable(record) == ""


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (Tlsa(0, 1, 1, SHA256), "usage 0 (PKIX-TA) is not for SMTP"),  # RFC 7672 §3.1.3
        (Tlsa(1, 1, 1, SHA256), "usage 1 (PKIX-EE) is not for SMTP"),
        (Tlsa(4, 1, 1, SHA256), "usage 4 (unknown)"),
        (Tlsa(3, 2, 1, SHA256), "selector 2"),
        (Tlsa(3, 1, 3, SHA256), "matching type 3"),
        (Tlsa(3, 1, 1, bytes(31)), "31 bytes of data, and matching type 1 has 32"),
        (Tlsa(3, 1, 2, SHA256), "32 bytes of data, and matching type 2 has 64"),
        (Tlsa(3, 1, 0, b""), "no data"),
    ],
)
def test_why_senders_pass_over_a_record(record: Tlsa, words: str) -> None:
    assert words in dane.why_unusable(record)


@pytest.mark.parametrize(
    ("record", "matched"),
    [
        (Tlsa(3, 1, 1, hashlib.sha256(b"leaf key").digest()), True),
        (Tlsa(3, 0, 2, hashlib.sha512(b"leaf certificate").digest()), True),
        (Tlsa(3, 0, 0, b"leaf certificate"), True),
        (Tlsa(3, 1, 0, b"leaf certificate"), False),
        (Tlsa(3, 1, 1, hashlib.sha256(b"authority key").digest()), False),  # DANE-EE is the host's own
        (Tlsa(2, 1, 1, hashlib.sha256(b"authority key").digest()), True),
        (Tlsa(2, 1, 1, hashlib.sha256(b"another key").digest()), False),
    ],
)
def test_matching(record: Tlsa, matched: bool) -> None:
    assert dane.matches(record, CHAIN) is matched


def test_nothing_matches_no_chain() -> None:
    assert not dane.matches(Tlsa(3, 1, 0, b"x"), ())


def test_the_record_to_publish_matches() -> None:
    record = dane.digest_of(LEAF)
    assert dane.why_unusable(record) == ""
    assert dane.matches(record, CHAIN)


@given(st.text(max_size=200) | st.text("0123 abcdef", max_size=60))
def test_no_text_crashes_the_parser(text: str) -> None:
    with contextlib.suppress(TlsaSyntaxError):
        record = dane.parse(text)
        assert dane.parse(dane.format(record)) == record


@given(st.builds(Tlsa, *[st.integers(0, 255)] * 3, st.binary(max_size=80)))
def test_a_record_that_is_written_is_read_back(record: Tlsa) -> None:
    assert dane.parse(dane.format(record)) == record


@pytest.mark.parametrize("record", [Tlsa(256, 1, 1, b"x"), Tlsa(-1, 1, 1, b"x")])
def test_what_could_not_be_read_back_is_not_written(record: Tlsa) -> None:
    with pytest.raises(ValueError, match="not usage"):
        dane.format(record)
