"""What we sign, an independent verifier (dkimpy) accepts; what must not be signed is refused."""

import re
from collections.abc import Callable
from functools import cache

import dkim as dkimpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import dkim
from mailctl.standards.dkim_sign import CannotSign, Signer, sign

HEADER = (
    b"From: A <a@example.com>\r\nTo: b@example.net\r\nSubject:  hi\t there \r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.com>\r\n"
)
MESSAGE = HEADER + b"\r\nHello  world \r\n\r\n\r\n"


@cache
def signer(algorithm: dkim.Algorithm) -> Signer:
    return Signer("example.com", f"s-{algorithm}", algorithm, dkim.generate(algorithm))


def both() -> list[Signer]:
    return [signer("rsa"), signer("ed25519")]


@cache
def published() -> dict[str, str]:
    return {f"{s.selector}._domainkey.{s.domain}.": dkim.public_text(s.key_pem) for s in both()}


def dnsfunc(name: bytes, timeout: int = 5) -> bytes:
    return published()[name.decode()].encode()


def dkimpy_accepts(message: bytes) -> list[bool]:
    count = len(re.findall(rb"(?m)^DKIM-Signature:", message))
    return [dkimpy.DKIM(message).verify(idx=i, dnsfunc=dnsfunc) for i in range(count)]


def header_of(signed: bytes) -> str:
    return signed.partition(b"\r\nFrom:")[0].decode()


def test_dkimpy_accepts_both_signatures() -> None:
    assert dkimpy_accepts(sign(MESSAGE, both(), time=1, expire=4_000_000_000)) == [True, True]


def test_message_follows_its_signatures_unchanged() -> None:
    signed = sign(MESSAGE, both(), time=1)
    assert signed.endswith(MESSAGE)
    assert signed.count(b"DKIM-Signature: ") == 2


def test_header_lines_are_short_and_times_are_given() -> None:
    header = header_of(sign(MESSAGE, both(), time=1_700_000_000, expire=1_700_000_900))
    assert max(map(len, header.split("\r\n"))) <= 78
    assert header.count("t=1700000000; x=1700000900;") == 2


@pytest.mark.parametrize("name", [b"From: evil@example.org", b"Subject: buy", b"Cc: x@example.org"])
def test_a_second_field_breaks_the_signature(name: bytes) -> None:
    signed = sign(MESSAGE, [signer("ed25519")], time=1)
    assert dkimpy_accepts(signed.replace(b"\r\nFrom:", b"\r\n" + name + b"\r\nFrom:", 1)) == [False]


def test_fields_that_a_server_adds_do_not_break_the_signature() -> None:
    bare = b"From: a@example.com\r\n\r\nx\r\n"
    signed = sign(bare, [signer("ed25519")], time=1)
    added = b"Received: from x\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <2@example.com>\r\n"
    assert dkimpy_accepts(added + signed) == [True]


def test_one_click_unsubscribe_fields_are_signed() -> None:
    extra = (
        b"List-Unsubscribe: <https://example.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
    names = re.sub(r"\s", "", header_of(sign(extra + MESSAGE, [signer("ed25519")], time=1)))
    assert ":list-unsubscribe:list-unsubscribe-post" in names  # RFC 8058 §4


BODIES = [
    b"",
    b"\r\n",
    b"\r\n" * 20_000,
    b"x" + b"\r\n" * 20_000 + b" \r\n\t\r\n",
    b"no final line end",
    b"\x00\xff\x80 binary\r\n",
    b".\r\n.\r\n",
    b"a" * 100_000 + b"\r\n",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_odd_bodies_are_signed(body: bytes) -> None:
    signed = sign(HEADER + b"\r\n" + body, [signer("ed25519")], time=1)
    if body.count(b"\r\n") < 1000:  # dkimpy is quadratic in blank lines
        assert dkimpy_accepts(signed) == [True]
    assert signed.endswith(body)


@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"")), max_size=8))
def test_any_body_of_lines_is_accepted_by_dkimpy(lines: list[bytes]) -> None:
    body = b"".join(line + b"\r\n" for line in lines)
    assert dkimpy_accepts(sign(HEADER + b"\r\n" + body, [signer("ed25519")], time=1)) == [True]


REFUSED: list[tuple[str, bytes, str]] = [
    ("bare LF", HEADER + b"\r\na\nb\r\n", "bare CR or LF"),
    ("bare CR", HEADER + b"\r\na\rb\r\n", "bare CR or LF"),
    ("smuggling", HEADER + b"\r\na\r\n\n.\r\n", "bare CR or LF"),
    ("LF header", MESSAGE.replace(b"\r\n", b"\n"), "bare CR or LF"),
    ("no From", b"To: a@example.com\r\n\r\nx", "this one 0"),
    ("two From", b"From: x@example.org\r\n" + MESSAGE, "this one 2"),
    ("no colon", b"From a\r\n" + MESSAGE, "not a header field"),
    ("starts with a continuation", b" x\r\n" + MESSAGE, "not a header field"),
    ("space in a name", b"X Y: 1\r\n" + MESSAGE, "not a header field"),
    ("no header", b"\r\nx\r\n", "this one 0"),
    ("nothing", b"", "this one 0"),
    ("cut header", b"From: a@example.com", "does not end in CRLF"),
]


@pytest.mark.parametrize(("message", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_what_must_not_be_signed_is_refused(message: bytes, reason: str) -> None:
    with pytest.raises(CannotSign, match=reason):
        sign(message, [signer("ed25519")], time=1)


@pytest.mark.parametrize("name", ["", "a b", "x:y", "x\r\ny", "ü"])
def test_names_to_sign_are_checked(name: str) -> None:
    with pytest.raises(CannotSign, match="not the name of a header field"):
        sign(MESSAGE, [signer("ed25519")], time=1, headers=["From", name])


def test_a_message_without_a_body_is_signed() -> None:
    assert dkimpy_accepts(sign(b"From: a@example.com\r\n", [signer("ed25519")], time=1) + b"\r\n") == [True]


def test_every_reason_is_given_at_once() -> None:
    with pytest.raises(CannotSign) as caught:
        sign(b"To: x\n\r\n\r\n", both(), time=5, expire=5, headers=["to"])
    assert len(caught.value.reasons) == 4


MISFITS: list[tuple[str, Callable[[], Signer], str]] = [
    ("newline", lambda: Signer("example.com\nx", "s", "rsa", b""), "not a domain"),
    ("tag", lambda: Signer("example.com", "s; l=0", "rsa", b""), "not a domain"),
    ("no key", lambda: Signer("example.com", "s", "rsa", b"secret"), "not an unencrypted private key"),
    ("other key", lambda: Signer("example.com", "s", "rsa", signer("ed25519").key_pem), "ed25519, not rsa"),
]


@pytest.mark.parametrize(("make", "reason"), [c[1:] for c in MISFITS], ids=[c[0] for c in MISFITS])
def test_a_signer_checks_what_it_is_given(make: Callable[[], Signer], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        make()
    assert "secret" not in str(caught.value)


def test_the_key_is_not_shown() -> None:
    assert "PRIVATE" not in repr(signer("rsa"))
