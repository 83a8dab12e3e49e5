"""Tag=value lists (RFC 6376 §3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import tags


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("v=1", (("v", "1"),)),
        ("v=1;", (("v", "1"),)),
        (" a = b c ; d =\r\n\t e=f ; ", (("a", "b c"), ("d", "e=f"))),
        ("a=", (("a", ""),)),
        ("A_1=x;a=y", (("A_1", "x"), ("a", "y"))),
    ],
)
def test_pairs_keep_order_and_inner_whitespace(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert tags.parse(text).pairs == pairs


@pytest.mark.parametrize(
    "text", ["", ";", "a", "=b", "1=b", "a b=c", "a=b;;c=d", "a=\x00", "a=ü", "a=1; a=2"]
)
def test_what_is_no_tag_list_is_refused(text: str) -> None:
    with pytest.raises(tags.TagSyntaxError) as caught:
        tags.parse(text)
    assert caught.value.reasons == tags.read(text).problems


def test_every_problem_is_named_and_the_rest_is_read() -> None:
    found = tags.read("nonsense; a=1; b=\x01; a=2")
    assert len(found.problems) == 3
    assert (found.get("a"), found.repeated, "b" in found, found.get("c", "?")) == (
        "1",
        frozenset("a"),
        True,
        "?",
    )


def test_a_text_longer_than_a_record_is_not_read() -> None:
    assert tags.read("a=1;" * 20_000).pairs == ()


def test_problems_are_bounded() -> None:
    problems = tags.read("x;" * 10_000 + "y" * 9_000 + "=\x01").problems
    assert problems[-1] == "and 9981 more problems"
    assert sum(map(len, problems)) < 2_000


@given(st.text(max_size=300))
def test_no_text_crashes_the_reader(text: str) -> None:
    found = tags.read(text)
    assert bool(found.problems) or tags.parse(text) == found


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=";"), max_size=9)


@given(st.dictionaries(NAMES, VALUES.map(str.strip), min_size=1))
def test_what_is_written_is_read_back(pairs: dict[str, str]) -> None:
    assert tags.parse(tags.format(pairs.items())).pairs == tuple(pairs.items())


@pytest.mark.parametrize("pair", [("a", "b;c"), ("a", " b"), ("a b", "c"), ("a", "\n")])
def test_what_could_not_be_read_back_is_not_written(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"cannot|not a tag"):
        tags.format([pair])
