"""Editing an SPF record: only insertions, only where needed, and they work."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards.dns import Address, Answer, Lookup, Rdata, Status, Txt, split_txt
from mailctl.standards.names import BadName
from mailctl.standards.spf import SpfSyntaxError, parse
from mailctl.standards.spf_check import evaluate
from mailctl.standards.spf_edit import authorise, is_authorised

MakeLookup = Callable[[Mapping[str, Mapping[str, "Iterable[Rdata] | Status"]]], Lookup]
V4, V6 = ip_address("192.0.2.1"), ip_address("2001:db8::25")


@pytest.mark.parametrize(
    ("current", "after"),
    [
        (None, "v=spf1 ip4:192.0.2.1 ip6:2001:db8::25 ~all"),
        ("v=spf1 -all", "v=spf1 ip4:192.0.2.1 ip6:2001:db8::25 -all"),
        # Before the first include, so that the includes cost nothing for our own mail.
        ("v=spf1 a mx include:x.example ?all", "v=spf1 a mx {} include:x.example ?all"),
        # Everything else byte for byte: case, spaces, prefixes, foreign modifiers.
        ("V=SPF1  +A:X.example/24   ~ALL x=y ", "V=SPF1  +A:X.example/24   {} ~ALL x=y "),
        ("v=spf1 mx", "v=spf1 mx {}"),
        ("v=spf1 mx ", "v=spf1 mx {}"),
        ("v=spf1", "v=spf1 {}"),
        ("v=spf1 redirect=_spf.x.example", "v=spf1 {} redirect=_spf.x.example"),
        ("v=spf1 exp=x.example redirect=_spf.x.example", "v=spf1 exp=x.example {} redirect=_spf.x.example"),
        ("v=spf1 +all", "v=spf1 {} +all"),
        # Before anything that could turn us away, whatever the DNS says.
        ("v=spf1 mx -exists:%{i}.bl.example a -all", "v=spf1 mx {} -exists:%{i}.bl.example a -all"),
        ("v=spf1 mx ?ip4:192.0.2.0/24 -all", "v=spf1 mx {} ?ip4:192.0.2.0/24 -all"),
        # What stands behind all is never reached.
        ("v=spf1 -all ip4:192.0.2.1 ip6:2001:db8::25", "v=spf1 {} -all ip4:192.0.2.1 ip6:2001:db8::25"),
        # Covered already.
        ("v=spf1 include:x.example ip4:192.0.2.77/24 ip6:2001:DB8::/32 -all", None),
        ("v=spf1 ip4:192.0.2.1 ip6:2001:db8:0::25/128", None),
        # One of the two.
        ("v=spf1 ip4:192.0.2.0/24 -all", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::25 -all"),
        ("v=spf1 ip6:2001:db8::/48 -all", "v=spf1 ip6:2001:db8::/48 ip4:192.0.2.1 -all"),
    ],
)
def test_addresses_are_inserted_where_they_are_needed(current: str | None, after: str | None) -> None:
    wanted = (current if after is None else after.replace("{}", "ip4:192.0.2.1 ip6:2001:db8::25")) or ""
    assert authorise(current, [V4, V6]) == wanted
    assert authorise(wanted, [V4, V6, V4]) == wanted


def test_a_mapped_address_is_an_ipv4_address() -> None:
    assert authorise(None, [ip_address("::ffff:192.0.2.1")], default="-all") == "v=spf1 ip4:192.0.2.1 -all"


@pytest.mark.parametrize(
    ("current", "after"),
    [
        (None, "v=spf1 include:_spf.x.example ~all"),
        ("v=spf1 mx include:y.example -all", "v=spf1 mx include:y.example include:_spf.x.example -all"),
        ("v=spf1 mx redirect=y.example", "v=spf1 mx include:_spf.x.example redirect=y.example"),
        ("v=spf1 redirect=y.example include:_spf.x.example -all", None),
        ("v=spf1 INCLUDE:_SPF.X.example. -all", None),
        ("v=spf1 -include:_spf.x.example -all", "v=spf1 -include:_spf.x.example include:_spf.x.example -all"),
        ("v=spf1 -all include:_spf.x.example", "v=spf1 include:_spf.x.example -all include:_spf.x.example"),
    ],
)
def test_includes_are_inserted_before_the_end(current: str | None, after: str | None) -> None:
    assert authorise(current, [], includes=["_spf.x.example"]) == (current if after is None else after)


@pytest.mark.parametrize("current", ["v=spf1 moo -all", "v=spf1 ip4:192.0.2.300 -all", "hello", ""])
def test_a_broken_record_is_refused(current: str) -> None:
    with pytest.raises(SpfSyntaxError):
        authorise(current, [V4])


@pytest.mark.parametrize("include", ["x.example +all", "x", "", "x.example\n", "%{i}.example"])
def test_an_include_is_a_name(include: str) -> None:
    with pytest.raises(BadName):
        authorise(None, [V4], includes=[include])


@pytest.mark.parametrize("default", ["mx", "~all -all", "", "all=", "~all redirect=x.example", "moo"])
def test_the_default_is_a_form_of_all(default: str) -> None:
    with pytest.raises(ValueError):
        authorise(None, [V4], default=default)


def test_what_an_edit_promises_is_so() -> None:
    assert is_authorised(parse(authorise("v=spf1 -all", [V4])), V4)
    assert not is_authorised(parse("v=spf1 +all"), V4)
    assert not is_authorised(parse("v=spf1 -ip4:192.0.2.0/24 ip4:192.0.2.1"), V4)
    assert not is_authorised(parse("v=spf1 a"), V4)


names = st.sampled_from(
    ["a", "mx", "ptr", "all", "a:x.example/24", "include:x.example", "exists:%{i}.x.example"]
)
networks = st.builds("ip4:192.0.2.{}/{}".format, st.integers(0, 3), st.integers(24, 32))
terms = st.builds("{}{}".format, st.sampled_from(["", "+", "-", "~", "?"]), names | networks)
currents = st.builds(
    lambda terms, end: "v=spf1 " + "  ".join([*terms, *end]),
    st.lists(terms, max_size=6),
    st.lists(st.sampled_from(["redirect=x.example", "exp=x.example", "x=y"]), max_size=2, unique=True),
)
addresses = st.lists(st.integers(0, 3).map(lambda n: IPv4Address(f"192.0.2.{n}")) | st.just(V6), max_size=3)


@given(currents, addresses)
def test_an_edit_only_inserts_and_is_done_once(current: str, wanted: Sequence[Address]) -> None:
    edited = authorise(current, wanted)
    record = parse(edited)
    assert all(is_authorised(record, address) for address in wanted)
    assert authorise(edited, wanted) == edited
    new = [t for t in record.terms if t not in parse(current).terms]
    rest = edited
    for term in reversed(new):
        rest = rest[: term.position] + rest[term.position + len(term.written) + 1 :]
    assert rest.rstrip(" ") == current.rstrip(" ")


@given(addresses)
def test_an_edited_record_lets_the_addresses_pass(wanted: Sequence[Address]) -> None:
    current = "v=spf1 mx a:x.example -exists:%{i}.bl.example include:dead.example -all"
    edited = authorise(current, wanted)

    async def lookup(name: str, rdtype: str) -> Answer:
        if name == "shop.example" and rdtype == "TXT":
            return Answer(name, rdtype, Status.ANSWER, (Txt(split_txt(edited)),))
        return Answer(name, rdtype, Status.NXDOMAIN)

    for address in wanted:
        result = asyncio.run(evaluate(lookup, ip=address, helo="x", mail_from="a@shop.example"))
        assert (result.result, result.mechanism) == ("pass", f"ip{address.version}:{address}")
