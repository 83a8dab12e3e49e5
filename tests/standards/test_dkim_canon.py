"""Canonicalisation: the examples of RFC 6376 §3.4.5, and bodies made to be slow."""

import pytest

from mailctl.standards import dkim_canon
from mailctl.standards.dkim_canon import Field

FIELDS = [Field(b"a", b"A: X"), Field(b"b", b"B : Y\t\r\n\tZ  ")]
BODY = b" C \r\nD \t E\r\n\r\n\r\n"


def test_the_message_is_taken_apart() -> None:
    assert dkim_canon.split(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n" + BODY) == (tuple(FIELDS), BODY)
    assert dkim_canon.split(b"\r\nbody") == ((), b"body")
    assert dkim_canon.split(b"no colon") == ((Field(b"", b"no colon"),), b"")


def test_examples_of_the_rfc() -> None:
    assert [dkim_canon.relaxed_header(one) for one in FIELDS] == [b"a:X", b"b:Y Z"]
    assert [dkim_canon.simple_header(one) for one in FIELDS] == [b"A: X", b"B : Y\t\r\n\tZ  "]
    assert dkim_canon.relaxed_body(BODY) == b" C\r\nD E\r\n"
    assert dkim_canon.simple_body(BODY) == b" C \r\nD \t E\r\n"


BODIES = [
    (b"", b"\r\n", b""),
    (b"\r\n\r\n", b"\r\n", b""),
    (b" \r\n\t\r\n", b" \r\n\t\r\n", b""),
    (b"a", b"a\r\n", b"a\r\n"),
    (b"a \t", b"a \t\r\n", b"a\r\n"),
    (b"a\r\n\n\r\n", b"a\r\n\n\r\n", b"a\r\n\n\r\n"),  # a bare LF is text
    (b"a\r\r\n\r\n", b"a\r\r\n", b"a\r\r\n"),  # and so is a bare CR
]


@pytest.mark.parametrize(("body", "simple", "relaxed"), BODIES, ids=range(len(BODIES)))
def test_ends_of_bodies(body: bytes, simple: bytes, relaxed: bytes) -> None:
    assert (dkim_canon.simple_body(body), dkim_canon.relaxed_body(body)) == (simple, relaxed)


SLOW = [
    b"a" + b"\r\n" * 1_000_000,
    b"a" + b" \r\n" * 500_000,
    b"a" + b" \t" * 1_000_000,
    b"a" + b"\r\n\r" * 300_000 + b"\r\n" * 100_000,
    (b"\r\n" * 1_000 + b"x") * 1_000,
]


@pytest.mark.parametrize("body", SLOW, ids=range(len(SLOW)))
def test_hostile_bodies_are_linear(body: bytes) -> None:
    """Quadratic work on these would take hours."""
    assert dkim_canon.relaxed_body(body).startswith((b"a", b"\r\n"))
    assert dkim_canon.simple_body(body).endswith(b"\r\n")
