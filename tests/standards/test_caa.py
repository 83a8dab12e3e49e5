"""CAA records (RFC 8659)."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import caa
from mailctl.standards.caa import Caa, CaaSyntaxError, Issuer
from mailctl.standards.dns import Answer, Lookup, Raw, Status

MakeLookup = Callable[[object], Lookup]


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ('0 issue "letsencrypt.org"', Caa(0, "issue", "letsencrypt.org")),
        ("128 ISSUEWILD ;", Caa(128, "issuewild", ";")),
        ('0 iodef "mailto:a\\"b@example.com"', Caa(0, "iodef", 'mailto:a"b@example.com')),
        ('0 issue ""', Caa(0, "issue", "")),
    ],
)
def test_records(text: str, record: Caa) -> None:
    assert caa.parse(text) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0 issue",
        '256 issue "x"',
        '0 is-sue "x"',
        '0 issue "x',
        '0 issue "a" "b"',
        "x issue y",
        "0 a x" + " " * 90_000 + "y",
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(CaaSyntaxError):
        caa.parse(text)


def test_the_critical_flag() -> None:
    assert Caa(128, "issue", "").critical
    assert not Caa(1, "issue", "").critical


@pytest.mark.parametrize(
    ("value", "issuer"),
    [
        ("ca1.Example.net", Issuer("ca1.example.net")),
        (";", Issuer("")),
        ("", Issuer("")),
        (" ca1.example.net ; a=2 ; b=x-1", Issuer("ca1.example.net", (("a", "2"), ("b", "x-1")))),
    ],
)
def test_issuers(value: str, issuer: Issuer) -> None:
    assert caa.parse_issuer(value) == issuer


@pytest.mark.parametrize(
    "value", ["%%%%%", "ca.example net", "ca.example; x", "-a.example", "a..b", "https://ca.example"]
)
def test_values_that_name_no_authority(value: str) -> None:
    with pytest.raises(CaaSyntaxError):
        caa.parse_issuer(value)
    (said,) = caa.problems([Caa(0, "issue", value)])
    assert "forbids every authority" in said


def test_problems_of_a_set() -> None:
    found = caa.problems(
        [Caa(128, "tbs", "x"), Caa(0, "tbs", "x"), Caa(0, "iodef", "a@b"), Caa(0, "issue", "ca.example")]
    )
    assert [said.split()[0] for said in found] == ["the", "iodef"]
    assert "critical and unknown" in found[0]


ZONE = {
    "a.b.example": {"A": ()},
    "b.example": {"CAA": (Raw('0 issue "ca.example"'),)},
    "example": {"CAA": (Raw("x"),)},
}


@pytest.mark.parametrize(
    ("name", "where"), [("a.b.example", "b.example"), ("b.example", "b.example"), ("c.test", "")]
)
def test_the_nearest_records_upwards_count(make_lookup: Callable[..., Lookup], name: str, where: str) -> None:
    assert asyncio.run(caa.relevant_records(make_lookup(ZONE), name)).name == where


def test_a_fault_on_the_way_up_ends_the_search(make_lookup: Callable[..., Lookup]) -> None:
    zone = {**ZONE, "b.example": {"CAA": Status.SERVFAIL}}
    found = asyncio.run(caa.relevant_records(make_lookup(zone), "a.b.example"))
    assert (found.name, found.answer.status) == ("", Status.SERVFAIL)


def test_the_records_of_an_answer() -> None:
    answer = Answer("example", "CAA", Status.ANSWER, (Raw('0 issue "ca.example"'), Raw("nonsense")))
    good, bad = caa.records_of(answer)
    assert good == (Caa(0, "issue", "ca.example"),)
    assert len(bad) == 1


@given(st.text(max_size=200) | st.text('0128 issue";\\', max_size=40))
def test_no_text_crashes_a_parser(text: str) -> None:
    with contextlib.suppress(CaaSyntaxError):
        caa.parse_issuer(text)
    with contextlib.suppress(CaaSyntaxError):
        record = caa.parse(text)
        assert caa.parse(caa.format(record)) == record


@given(
    st.builds(
        Caa,
        st.integers(0, 255),
        st.from_regex("[a-z0-9]{1,15}", fullmatch=True),
        st.text(st.characters(max_codepoint=255), max_size=30),
    )
)
def test_a_record_that_is_written_is_read_back(record: Caa) -> None:
    assert caa.parse(caa.format(record)) == record
