"""A version and its fields (RFC 8461 §3.1, RFC 8460 §3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import fields


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("v=X1; id=1", (("id", "1"),)),
        ("v=X1;id=1;", (("id", "1"),)),
        ("v=X1; id=1 ;\t a.b-c_d=e ; ", (("id", "1"), ("a.b-c_d", "e"))),
        ("v=X1;", ()),
        ("v=X1; rua=mailto:a@b.example?x=y", (("rua", "mailto:a@b.example?x=y"),)),
    ],
)
def test_fields_are_read_in_their_order(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert fields.read(text, "X1") == fields.Fields(pairs)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("v=X1", "has to begin with v=X1;"),
        ("v=x1; id=1", "has to begin with v=X1;"),
        ("v=X1 ; id=1", "has to begin with v=X1;"),
        ("id=1; v=X1;", "has to begin with v=X1;"),
        ("v=X1; id", "not a name=value pair: 'id'"),
        ("v=X1;; id=1", "not a name=value pair: ''"),
        ("v=X1; id=1; id=2", "id= occurs more than once; the first counts"),
        ("v=X1; " + "a" * 33 + "=1", "not a name=value pair"),
        ("v=X1;" + "a=1;" * 30_000, "more than a TXT record can hold"),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    (said,) = fields.read(text, "X1").problems
    assert problem in said


def test_problems_are_bounded() -> None:
    assert fields.read("v=X1;" + "x;" * 10_000, "X1").problems[-1] == "and 9980 more problems"


@pytest.mark.parametrize(
    "text", ["v=x1; id=1", "v=X1 ; id=1", "V = X1;", '"v=X1; id=1"', "X1; id=1", "v=X1", "x1", "v=X2; id=1"]
)
def test_a_record_that_was_meant_is_recognised(text: str) -> None:
    assert fields.is_meant(text, "X1")
    assert not fields.is_record(text, "X1")


@pytest.mark.parametrize("text", ["", "v=spf1 -all", "verification=X1"])
def test_other_records_are_not_taken_for_one(text: str) -> None:
    assert not fields.is_meant(text, "X1")


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    found = fields.read(text, "X1")
    assert bool(found.problems) or fields.is_record(text, "X1")
