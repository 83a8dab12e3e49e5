"""DMARC records: read as RFC 9989 §4.8 says, written so that they are read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import dmarc
from mailctl.standards.dmarc import Disposition, Record


def test_all_tags_are_read() -> None:
    text = (
        "v=DMARC1; fo=1:d:s; rua=mailto:A@Example.com!10m , https://example.com/r; ruf=mailto:f@example.com;"
        "aspf=S; adkim=s; t=Y; psd=n; np=Reject; sp=quarantine; p=none; pct=20;"
    )
    assert dmarc.parse(text) == Record(
        policy=Disposition.NONE,
        subdomain_policy=Disposition.QUARANTINE,
        nonexistent_policy=Disposition.REJECT,
        dkim_alignment="s",
        spf_alignment="s",
        psd="n",
        testing=True,
        report_uris=("mailto:A@Example.com", "https://example.com/r"),
        failure_uris=("mailto:f@example.com",),
        failure_options=("1", "d", "s"),
        others=(("pct", "20"),),
    )
    assert dmarc.parse(text).problems == ()


@pytest.mark.parametrize(
    "text", ["v=DMARC1", "v = DMARC1;", "v=DMARC1 ; p=none", "V=DMARC1;p=none", "v=DMARC1;x"]
)
def test_what_begins_with_the_version_is_a_record(text: str) -> None:
    assert dmarc.is_record(text)
    assert dmarc.parse(text).dkim_alignment == "r"


NOT_RECORDS = [
    "",
    "v=dmarc1; p=none",
    "v=DMARC1x; p=none",
    "p=none; v=DMARC1",
    "x; v=DMARC1",
    "v=DMARC1, p=none",
    "v=DMARC1 p=none",
]


@pytest.mark.parametrize("text", NOT_RECORDS)
def test_anything_else_is_none(text: str) -> None:
    assert not dmarc.is_record(text)
    with pytest.raises(dmarc.DmarcSyntaxError):
        dmarc.parse(text)


PROBLEMS = [
    ("p=nothing", "p= must be none"),
    ("p=none; sp=", "sp= must be none"),
    ("p=none; adkim=x", "adkim= must be r or s"),
    ("p=none; aspf=rs", "aspf= must be r or s"),
    ("p=none; psd=maybe", "psd= must be"),
    ("p=none; t=1", "t= must be y or n"),
    ("p=none; fo=0:1", "fo= must be"),
    ("p=none; fo=d:d", "fo= must be"),
    ("p=none; rua=dmarc@example.com", "rua= holds no valid URI"),
    ("p=none; rua=mailto:example.com", "rua= holds no valid URI"),
    ("p=none; rua=mailto:a@example.com,", "rua= holds no valid URI"),
    ("p=none; ruf=mailto:a b@example.com", "ruf= holds no valid URI"),
    ("p=none; nonsense", "not a tag=value pair"),
    ("p=none; p=none", "p= occurs more than once"),
    ("p=none;; sp=none", "not a tag=value pair"),
    ("p=none; rua=mailto:\xfc@example.com", "not printable ASCII"),
]


@pytest.mark.parametrize(("rest", "problem"), PROBLEMS)
def test_each_problem_is_named_and_the_rest_is_read(rest: str, problem: str) -> None:
    record = dmarc.parse("v=DMARC1; " + rest)
    assert any(problem in one for one in record.problems), record.problems
    assert record.spf_alignment == "r"


def test_all_problems_are_named_at_once() -> None:
    record = dmarc.parse("v=DMARC1; p=x; sp=x; np=x; adkim=x; aspf=x; psd=x; t=x; rua=x; ruf=x; fo=x; x")
    assert len(record.problems) == 11
    assert record.invalid == ("p", "sp", "np")


def test_one_level_below() -> None:
    assert [d.lowered for d in Disposition] == ["none", "none", "quarantine"]


POLICIES = st.sampled_from([None, *Disposition])
URIS = st.lists(
    st.sampled_from(
        ["mailto:d@example.com", "mailto:D+x@Example.org?subject=a%2Cb", "https://example.com/x?y=1"]
    ),
    max_size=3,
).map(tuple)
RECORDS = st.builds(
    Record,
    policy=POLICIES,
    subdomain_policy=POLICIES,
    nonexistent_policy=POLICIES,
    dkim_alignment=st.sampled_from("rs"),
    spf_alignment=st.sampled_from("rs"),
    psd=st.sampled_from("ynu"),
    testing=st.booleans(),
    report_uris=URIS,
    failure_uris=URIS,
    failure_options=st.sampled_from([(), ("0",), ("1", "d"), ("s", "d")]),
    others=st.sampled_from([(), (("pct", "50"), ("x_y", "a b"))]),
    invalid=st.just(()),
    problems=st.just(()),
)


@given(RECORDS)
def test_what_is_written_is_read_back(record: Record) -> None:
    read = dmarc.parse(dmarc.format(record))
    assert (read, read.problems) == (record, ())


@pytest.mark.parametrize(
    "record", [Record(report_uris=("mailto:a,b",)), Record(others=(("x", "a; p=none"),))]
)
def test_what_could_not_be_read_back_is_not_written(record: Record) -> None:
    with pytest.raises(ValueError, match=r"URI|not a tag|cannot be written"):
        dmarc.format(record)


@given(st.text(max_size=200))
def test_no_text_crashes_the_parser(text: str) -> None:
    record = dmarc.parse("v=DMARC1;" + text)
    assert dmarc.is_record(dmarc.format(Record(policy=record.policy, report_uris=record.report_uris)))
