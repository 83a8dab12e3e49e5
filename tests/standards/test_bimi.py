"""BIMI assertion records."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import bimi
from mailctl.standards.bimi import BimiSyntaxError, Record

LOGO = "https://example.com/logo.svg"


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (f"v=BIMI1; l={LOGO}", Record(LOGO)),
        (f"v=BIMI1;l={LOGO};a=https://example.com/vmc.pem;", Record(LOGO, "https://example.com/vmc.pem")),
        (f"v=BIMI1; l={LOGO}; avp=brand", Record(LOGO, "", (("avp", "brand"),))),
        ("v=BIMI1; l=; a=;", Record("", "")),
    ],
)
def test_records(text: str, record: Record) -> None:
    assert bimi.is_record(text)
    assert bimi.parse(text) == record


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has to begin with v=BIMI1"),
        ("v=BIMI2; l=", "has to begin with v=BIMI1"),
        (f"l={LOGO}; v=BIMI1", "has to begin with v=BIMI1"),
        ("v=BIMI1;", "it has no l="),
        ("v=BIMI1; l=http://example.com/logo.svg", "no https: URI"),
        ("v=BIMI1; l=example.com/logo.svg", "no https: URI"),
        (f"v=BIMI1; l={LOGO},{LOGO}", "holds a comma"),
        ("v=BIMI1; l=https://nowhere/logo.svg", "names no host"),
        (f"v=BIMI1; l={LOGO}; a=self", "a= 'self' is no https: URI"),
        ("v=BIMI1; l=; a=https://example.com/vmc.pem", "a mark certificate for no logo"),
        (f"v=BIMI1; l={LOGO}; l={LOGO}", "occurs more than once"),
    ],
)
def test_what_is_no_record_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BimiSyntaxError, match=reason):
        bimi.parse(text)


def test_an_empty_record_declines() -> None:
    assert bimi.parse("v=BIMI1; l=; a=").declines
    assert not bimi.parse(f"v=BIMI1; l={LOGO}").declines


@pytest.mark.parametrize(
    ("location", "other"),
    [
        (LOGO, False),
        (f"{LOGO}?v=2", False),
        ("https://a.example/l", False),
        ("https://a.example/l.PNG?v=2", True),
    ],
)
def test_only_svg_is_shown(location: str, other: bool) -> None:
    assert Record(location).other_format is other


@pytest.mark.parametrize("text", ["v=bimi1; l=x", "BIMI1; l=x", '"v=BIMI1; l=x"', "v = bimi1;"])
def test_a_record_that_was_meant_is_recognised(text: str) -> None:
    assert bimi.is_meant(text)
    assert not bimi.is_record(text)


@given(st.text(max_size=200) | st.text("htps:/.la;=x, ", max_size=60).map("v=BIMI1; l=https://{}".format))
def test_no_text_crashes_the_parser(text: str) -> None:
    with contextlib.suppress(BimiSyntaxError):
        record = bimi.parse(text)
        assert bimi.parse(bimi.format(record)) == record


@given(st.from_regex(r"https://[a-z]{1,9}\.example(/[a-z]{1,9}){1,3}\.svg", fullmatch=True), st.booleans())
def test_a_record_that_is_written_is_read_back(location: str, proven: bool) -> None:
    record = Record(location, location.replace(".svg", ".pem") if proven else "")
    assert bimi.parse(bimi.format(record)) == record
