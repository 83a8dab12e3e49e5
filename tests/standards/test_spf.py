"""SPF records: what is one, what is wrong with it, and the way from text to record and back."""

from ipaddress import IPv4Interface, IPv6Interface, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards.spf import (
    Mechanism,
    Modifier,
    Record,
    SpfSyntaxError,
    format,  # noqa: A004 - every standard has parse and format
    parse,
    select,
)


def test_a_record_is_its_terms() -> None:
    record = parse(
        "v=spf1 +mx a:Mail.shop.example/28//64 ip4:192.0.2.77/24 -include:%{d2}.x.example ~all exp=e.x"
    )
    assert record.terms == (
        Mechanism("mx"),
        Mechanism("a", domain="Mail.shop.example", prefix4=28, prefix6=64),
        Mechanism("ip4", network=IPv4Interface("192.0.2.77/24")),
        Mechanism("include", "-", domain="%{d2}.x.example"),
        Mechanism("all", "~"),
        Modifier("exp", "e.x"),
    )
    assert [t.written for t in record.terms][:2] == ["+mx", "a:Mail.shop.example/28//64"]
    assert record.mechanisms[0].position == 7
    assert record.all == Mechanism("all", "~")
    assert record.explanation == "e.x"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("v=spf1", "v=spf1"),
        ("V=SPF1  +MX   ", "v=spf1 mx"),
        ("v=spf1 ip4:192.0.2.1/32 IP6:2001:DB8::1/128 -ALL", "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all"),
        ("v=spf1 ip4:192.0.2.77/24", "v=spf1 ip4:192.0.2.77/24"),  # host bits may be set
        ("v=spf1 a/32//128 mx//0", "v=spf1 a mx//0"),
        ("v=spf1 Redirect=_spf.x.example", "v=spf1 redirect=_spf.x.example"),
        ("v=spf1 moo.cow-far_out=man:dog/cat ?all", "v=spf1 moo.cow-far_out=man:dog/cat ?all"),
        ("v=spf1 exists:%{i}._spf.%{d2} ptr:%{p}", "v=spf1 exists:%{i}._spf.%{d2} ptr:%{p}"),
        ("v=spf1 a:%%.%_x%-.example.xn--p1ai.", "v=spf1 a:%%.%_x%-.example.xn--p1ai."),
        ("v=spf1 ip6:::ffff:192.0.2.1", "v=spf1 ip6:::ffff:c000:201"),
    ],
)
def test_what_the_grammar_allows(text: str, canonical: str) -> None:
    assert format(parse(text)) == canonical
    assert parse(canonical) == parse(text)


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "starts with v=spf1"),
        ("v=spf10 all", 0, "starts with v=spf1"),
        (" v=spf1 all", 0, "starts with v=spf1"),
        ("v=spf1\tall", 0, "starts with v=spf1"),
        ("v=spf1 moo", 7, "no mechanism 'moo'"),
        ("v=spf1 -all moo", 12, "no mechanism"),  # also after all
        ("v=spf1 redirect:x.example", 7, "written redirect="),
        ("v=spf1 all.", 7, "no mechanism 'all.'"),
        ("v=spf1 all:x", 10, "no argument"),
        ("v=spf1 all/8", 10, "no argument"),
        ("v=spf1 include", 14, "include:domain"),
        ("v=spf1 include:", 15, "domain is empty"),
        ("v=spf1 include:x.example/24", 15, "top-level label"),
        ("v=spf1 exists", 13, "exists:domain"),
        ("v=spf1 ptr:", 11, "domain is empty"),
        ("v=spf1 ptr/0", 10, "ptr:domain"),
        ("v=spf1 a:", 9, "domain is empty"),
        ("v=spf1 a:museum", 9, "top-level label"),
        ("v=spf1 a:museum.", 9, "top-level label"),
        ("v=spf1 a:x.-com", 9, "top-level label"),
        ("v=spf1 a:192.0.2.1", 9, "an address belongs into ip4:"),
        ("v=spf1 a:abc.123", 9, "ends in a number"),
        ("v=spf1 a/33", 8, "from 0 to 32"),
        ("v=spf1 a//129", 8, "from 0 to 128"),
        ("v=spf1 a/024", 8, "from 0 to 32"),
        ("v=spf1 a/24/64", 8, "a//64"),
        ("v=spf1 a/" + "9" * 5000, 8, "from 0 to 32"),
        ("v=spf1 ip4", 10, "ip4:address"),
        ("v=spf1 ip4:192.0.2", 10, "ip4:address"),
        ("v=spf1 ip4:192.0.2.1:25", 10, "ip4:address"),
        ("v=spf1 ip4:192.0.2.01", 10, "ip4:address"),
        ("v=spf1 ip4:192.0.2.1//32", 10, "from 0 to 32"),
        ("v=spf1 ip4:192.0.2.1/", 10, "from 0 to 32"),
        ("v=spf1 ip4:192.0.2.1/255.255.255.0", 10, "from 0 to 32"),
        ("v=spf1 ip4:2001:db8::1", 10, "ip4:address"),
        ("v=spf1 ip6:192.0.2.1", 10, "ip6:address"),
        ("v=spf1 ip6:fe80::1%eth0", 10, "ip6:address"),
        ("v=spf1 ip4:192.0.2.1\n ~all", 10, "ip4:address"),
        ("v=spf1 a:x.example\x00", 18, r"U+0000"),
        ("v=spf1 a:\xef\xbb\xbfx.example", 9, "U+00EF"),
        ("v=spf1 a:x.example\x0dptr", 18, "U+000D"),
        ("v=spf1 1up=foo", 7, "neither"),
        ("v=spf1 =all", 7, "neither"),
        ("v=spf1 foo=%abc", 11, "does not start a macro"),
        ("v=spf1 exists:%{d0}.x.example", 14, "keeps 0 parts"),
        ("v=spf1 exists:%{a}.x.example", 14, "does not exist"),
        ("v=spf1 exp=%{r}.x.example", 11, "for explanations only"),
        ("v=spf1 exists:%{d", 14, "does not start a macro"),
        ("v=spf1 exp=", 11, "domain is empty"),
        ("v=spf1 redirect=-all", 16, "top-level label"),
        ("v=spf1 exp=a.x exp=b.x", 15, "exp= appears twice"),
        ("v=spf1 redirect=a.x -all redirect=a.x", 25, "redirect= appears twice"),
    ],
)
def test_what_is_wrong_and_where(text: str, position: int, reason: str) -> None:
    with pytest.raises(SpfSyntaxError) as refused:
        parse(text)
    assert refused.value.position == position
    assert reason in refused.value.problems[0].reason
    assert str(refused.value).isprintable()


def test_everything_that_is_wrong_comes_at_once() -> None:
    with pytest.raises(SpfSyntaxError) as refused:
        parse("v=spf1 moo ip4:300.0.0.1 -all a:b exp=c.x exp=d.x")
    assert [p.position for p in refused.value.problems] == [7, 14, 32, 42]


def test_a_huge_broken_record_is_refused_briefly() -> None:
    with pytest.raises(SpfSyntaxError) as refused:
        parse("v=spf1 " + "moo " * 2_000)
    assert len(refused.value.problems) == 20
    assert len(str(refused.value)) < 2_000


def test_a_record_of_64_kb_is_not_read() -> None:
    assert parse("v=spf1 " + "a " * 4_000).terms
    with pytest.raises(SpfSyntaxError, match="nobody reads more than 8192"):
        parse("v=spf1 " + "a " * 32_000)


def test_redirect_has_no_effect_beside_all() -> None:
    assert parse("v=spf1 redirect=x.example").redirect == "x.example"
    assert parse("v=spf1 redirect=x.example -all").redirect is None
    assert parse("v=spf1 -all").redirect is None


def test_select_finds_the_records_among_other_texts() -> None:
    texts = ["google-site-verification=x", "V=SPF1", "v=spf10 all", "v=spf1 mx", "v=spf1mx", " v=spf1 a", ""]
    assert select(texts) == ("V=SPF1", "v=spf1 mx")


letters = st.sampled_from("slodiphv")
macros = st.builds(
    lambda letter, keep, reverse, delimiters: f"%{{{letter}{keep}{reverse}{delimiters}}}",
    letters | letters.map(str.upper),
    st.sampled_from(["", "1", "2", "127"]),
    st.sampled_from(["", "r"]),
    st.text("-.+,/_=", max_size=3),
)
literals = st.text("abcXYZ019-_.:/!~", max_size=12)
specs = st.builds(
    lambda pieces, end: "".join(pieces) + end,
    st.lists(literals | macros | st.sampled_from(["%%", "%_", "%-"]), max_size=4),
    macros | st.sampled_from([".example", ".xn--p1ai", ".co.uk", ".Example."]),
)
qualifiers = st.sampled_from("+-~?")
mechanisms = st.one_of(
    st.builds(Mechanism, st.just("all"), qualifiers),
    st.builds(Mechanism, st.sampled_from(["include", "exists"]), qualifiers, domain=specs),
    st.builds(Mechanism, st.just("ptr"), qualifiers, domain=st.just("") | specs),
    st.builds(
        Mechanism,
        st.sampled_from(["a", "mx"]),
        qualifiers,
        domain=st.just("") | specs,
        prefix4=st.integers(0, 32),
        prefix6=st.integers(0, 128),
    ),
    st.builds(
        lambda q, ip, n: Mechanism("ip4", q, network=IPv4Interface((ip, n))),
        qualifiers,
        st.ip_addresses(v=4),
        st.integers(0, 32),
    ),
    st.builds(
        lambda q, ip, n: Mechanism("ip6", q, network=IPv6Interface((ip, n))),
        qualifiers,
        st.ip_addresses(v=6),
        st.integers(0, 128),
    ),
)
modifiers = st.builds(Modifier, st.sampled_from(["x", "a.b", "match-sub_1"]), specs)
records = st.builds(
    lambda terms, redirect, exp: Record((*terms, *redirect, *exp)),
    st.lists(mechanisms | modifiers, max_size=8),
    st.lists(specs.map(lambda spec: Modifier("redirect", spec)), max_size=1),
    st.lists(specs.map(lambda spec: Modifier("exp", spec)), max_size=1),
)


@given(records)
def test_what_is_formatted_parses_to_the_same(record: Record) -> None:
    assert parse(format(record)) == record


starts = st.sampled_from(["a", "mx:", "ip4:", "ip6:", "include:", "exists:", "ptr", "all", "exp=", "x="])
noise = st.text("-~?+ :/.=%{}dilx019\t\x00é", max_size=12) | st.text(max_size=4)


@given(st.lists(starts | noise | specs, max_size=8).map("".join))
def test_no_text_crashes_the_parser(rest: str) -> None:
    text = f"v=spf1 {rest}"
    record = parsed(text)
    if record is not None:
        assert parse(format(record)) == record
        assert all(text.startswith(t.written, t.position) for t in record.terms)


def parsed(text: str) -> Record | None:
    try:
        return parse(text)
    except SpfSyntaxError:
        return None


def test_a_network_that_is_written_stays_an_interface() -> None:
    (mechanism,) = parse("v=spf1 ip4:192.0.2.77/24").mechanisms
    assert mechanism.network == ip_interface("192.0.2.77/24")
