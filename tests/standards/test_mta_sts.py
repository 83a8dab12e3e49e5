"""MTA-STS records and policies (RFC 8461)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import mta_sts
from mailctl.standards.mta_sts import Mode, MtaStsSyntaxError, Policy, Record

GOOD = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"


def problems(text: str) -> list[tuple[str, str]]:
    return [(problem.field, problem.text) for problem in mta_sts.read_policy(text.encode()).problems]


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("v=STSv1; id=20160831085700Z;", Record("20160831085700Z")),  # RFC 8461 §3.1
        ("v=STSv1;id=1", Record("1")),
        ("v=STSv1; x-a.b=c; id=1;", Record("1", (("x-a.b", "c"),))),
        ("v=STSv1; id=" + "a" * 32, Record("a" * 32)),
    ],
)
def test_records(text: str, record: Record) -> None:
    assert mta_sts.is_record(text)
    assert mta_sts.parse_record(text) == record


@pytest.mark.parametrize(
    "text",
    [
        "", "v=STSv1;", "v=STSv1; id=", "v=STSv1; id=a-b", "v=STSv1; id=" + "a" * 33, "v=STSv2; id=1",
        "v=STSv1; id=1; id=2", "v=STSv1; ID=1", "v=STSv1; id=1; x=a=b", "v=STSv1; id = 1", "id=1; v=STSv1;",
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(MtaStsSyntaxError) as caught:
        mta_sts.parse_record(text)
    assert caught.value.reasons


def test_every_reason_is_given_at_once() -> None:
    with pytest.raises(MtaStsSyntaxError) as caught:
        mta_sts.parse_record("v=stsv1; id=2024-01-01; nonsense")
    assert len(caught.value.reasons) == 3


@pytest.mark.parametrize("end", ["\r\n", "\n", " \t\r\n", "\n\n"])
def test_a_policy_is_read_whatever_ends_its_lines(end: str) -> None:
    expected = Policy(Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604_800)
    assert mta_sts.parse_policy(GOOD.replace("\r\n", end)) == expected
    assert mta_sts.parse_policy(GOOD.removesuffix("\r\n").replace("\r\n", end)) == expected


def test_unknown_fields_are_kept_and_the_order_is_free() -> None:
    policy = mta_sts.parse_policy("max_age:86400\nx-note: ein Wört\nmode:none\nversion:STSv1\n")
    assert policy == Policy(Mode.NONE, (), 86_400, (("x-note", "ein Wört"),))


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("version: STSv1\r\n", "", "version", "there is no version"),
        ("STSv1", "STSv2", "version", "the version is 'STSv2'"),
        ("STSv1", "stsv1", "version", "has to be STSv1"),
        ("mode: enforce\r\n", "", "mode", "there is no mode"),
        ("enforce", "report", "mode", "the mode is 'report'"),
        ("enforce", "Enforce", "mode", "has to be enforce, testing or none"),
        ("max_age: 604800\r\n", "", "max_age", "there is no max_age"),
        ("604800", "31557601", "max_age", "up to 31557600"),
        ("604800", "-1", "max_age", "the max_age is '-1'"),
        ("604800", "1 week", "max_age", "number of seconds"),
        ("mail.example.com", "mail.*.example.com", "mx", "no pattern"),
        ("mail.example.com", ".example.com", "mx", "no pattern"),
        ("mail.example.com", "*.com", "mx", "no pattern"),
        ("mail.example.com", "192.0.2.1", "mx", "no pattern"),
        ("mail.example.com", "a.example, b.example", "mx", "no pattern"),
        ("mode: enforce", "mode: enforce\r\nmode: none", "", "mode occurs more than once; the first counts"),
        ("mode: enforce", "mode: enforce\r\n<html>", "", "not a key: value line: '<html>'"),
        ("version", "\ufeffversion", "", "not a key: value line"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named_at_its_field(
    old: str, new: str, field: str, words: str
) -> None:
    found = problems(GOOD.replace(old, new, 1))
    assert any(at == field and words in said for at, said in found), found


def test_a_policy_needs_hosts_unless_its_mode_is_none() -> None:
    assert problems("version: STSv1\nmode: testing\nmax_age: 1\n") == [
        ("mx", "there is no mx, so that no host is allowed")
    ]
    assert problems("version: STSv1\nmode: none\nmax_age: 1\n") == []


def test_problems_of_a_hostile_policy_are_bounded() -> None:
    found = problems("x\n" * 30_000)
    assert found[-1][1].endswith("more problems")
    assert len(found) < 30


def test_bytes_that_are_no_utf8_are_read_with_a_problem_or_none() -> None:
    assert mta_sts.read_policy(b"\xff\xfe\x00version: STSv1").problems


@pytest.mark.parametrize(
    ("pattern", "host", "covered"),
    [
        ("mail.example.com", "mail.example.com", True),
        ("MAIL.Example.com", "mail.example.COM.", True),
        ("*.example.com", "mail.example.com", True),
        ("*.example.com", "example.com", False),  # RFC 8461 §4.1
        ("*.example.com", "a.mail.example.com", False),
        ("*.example.com", "mail.example.org", False),
        ("example.com", "mail.example.com", False),
        ("mail.example.com", "amail.example.com", False),
        ("*.example.com", "xexample.com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(pattern: str, host: str, covered: bool) -> None:
    assert mta_sts.covers([pattern], host) is covered


@given(st.text(max_size=300))
def test_no_text_crashes_the_record_parser(text: str) -> None:
    with contextlib.suppress(MtaStsSyntaxError):
        record = mta_sts.parse_record(text)
        assert mta_sts.parse_record(mta_sts.format_record(record)) == record


@given(st.binary(max_size=300) | st.text("versionmdexag:ST1*.\r\n 0", max_size=200).map(str.encode))
def test_no_bytes_crash_the_policy_reader(body: bytes) -> None:
    policy = mta_sts.read_policy(body)
    assert bool(policy.problems) or mta_sts.parse_policy(mta_sts.format_policy(policy)) == policy


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("id", "version", "mode", "mx", "max_age")
)
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="=;"), min_size=1, max_size=9
)
EXTENSIONS = st.dictionaries(NAMES, VALUES, max_size=3).map(lambda pairs: tuple(pairs.items()))
HOSTS = st.from_regex(r"(\*\.)?[a-z]{1,9}\.(example|test)", fullmatch=True)


@given(st.from_regex(r"[A-Za-z0-9]{1,32}", fullmatch=True), EXTENSIONS)
def test_a_record_that_is_written_is_read_back(
    identity: str, extensions: tuple[tuple[str, str], ...]
) -> None:
    record = Record(identity, extensions)
    assert mta_sts.parse_record(mta_sts.format_record(record)) == record


@given(
    st.sampled_from(Mode),
    st.lists(HOSTS, min_size=1, max_size=4).map(tuple),
    st.integers(0, mta_sts.LONGEST_AGE),
    EXTENSIONS,
)
def test_a_policy_that_is_written_is_read_back(
    mode: Mode, mx: tuple[str, ...], age: int, extensions: tuple[tuple[str, str], ...]
) -> None:
    policy = Policy(mode, mx, age, extensions)
    assert mta_sts.parse_policy(mta_sts.format_policy(policy)) == policy


@pytest.mark.parametrize("policy", [Policy(), Policy(Mode.ENFORCE, ("a b",), 1), Policy(Mode.NONE, (), -1)])
def test_what_could_not_be_read_back_is_not_written(policy: Policy) -> None:
    with pytest.raises(ValueError, match=r"cannot|no pattern|has to be"):
        mta_sts.format_policy(policy)
