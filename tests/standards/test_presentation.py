"""Zone-file data and planned values, both ways (RFC 1035 §5.1)."""

import pytest

from mailctl.standards.dns import Record
from mailctl.standards.presentation import RdataError, strings, value_from_text, zone_text

NAME = "x.example"


@pytest.mark.parametrize(
    ("rdtype", "value", "text"),
    [
        ("TXT", "v=spf1 -all", '"v=spf1 -all"'),
        ("TXT", "", '""'),
        ("TXT", 'a"b\\c', '"a\\"b\\\\c"'),
        ("TXT", "tab\tnew\né", '"tab\\009new\\010\\233"'),
        ("TXT", "z" * 300, f'"{"z" * 255}" "{"z" * 45}"'),
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:db8::1", "2001:db8::1"),
        ("CNAME", "target.example", "target.example."),
        ("MX", "10 mail.example", "10 mail.example."),
        ("MX", "0 .", "0 ."),
        ("SRV", "0 5 587 mail.example", "0 5 587 mail.example."),
        ("SOA", "ns.example host.example 1 2 3 4 5", "ns.example. host.example. 1 2 3 4 5"),
        ("CAA", '0 issue "ca.example"', '0 issue "ca.example"'),
        ("TLSA", "3 1 1 abcd", "3 1 1 abcd"),
    ],
)
def test_both_ways(rdtype: str, value: str, text: str) -> None:
    assert zone_text(Record(NAME, rdtype, value)) == text
    assert value_from_text(rdtype, text) == value


@pytest.mark.parametrize(
    ("rdtype", "text", "value"),
    [
        ("TXT", 'one "two three"  four', "onetwo threefour"),
        ("TXT", "semi\\;colon \\065", "semi;colonA"),
        ("MX", "10 MAIL.Example.", "10 mail.example"),
        ("MX", "0", "0 ."),
        ("AAAA", "2001:0DB8:0::0001", "2001:db8::1"),
    ],
)
def test_other_writings_of_the_same(rdtype: str, text: str, value: str) -> None:
    assert value_from_text(rdtype, text) == value


@pytest.mark.parametrize(
    ("rdtype", "text"),
    [
        ("TXT", '"open'),
        ("TXT", "lone\\"),
        ("TXT", '"\\999"'),
        ("A", "192.0.2.256"),
        ("AAAA", "192.0.2.1"),
        ("SRV", "1 2"),
    ],
)
def test_what_is_no_data(rdtype: str, text: str) -> None:
    with pytest.raises(RdataError):
        value_from_text(rdtype, text)


def test_strings_keep_their_borders() -> None:
    assert strings('"a" b "" "c d"') == (b"a", b"b", b"", b"c d")


def test_a_text_beyond_latin_1_names_its_record() -> None:
    with pytest.raises(RdataError, match=r"x\.example has characters"):
        zone_text(Record(NAME, "TXT", "☃"))
