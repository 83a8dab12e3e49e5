"""Whom a record lets send, and the same record without lookups."""

import asyncio
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.edges.resolver import MemoryResolver
from mailctl.standards import spf
from mailctl.standards.dns import Record, Status
from mailctl.standards.spf_check import evaluate
from mailctl.standards.spf_flatten import QUESTIONS, Flat, Grant, divided, flatten, grants
from mailctl.standards.spf_tree import count

NAME = "shop.example"
ZONE = (
    Record("one.example", "TXT", "v=spf1 ip4:198.51.100.0/25 ip4:198.51.100.128/25 -all"),
    Record("two.example", "TXT", "v=spf1 include:one.example ip6:2001:db8:2::/48 ~all"),
    Record("not.example", "TXT", "v=spf1 -ip4:198.51.100.9 ip4:198.51.100.0/24 -all"),
    Record("none.example", "TXT", "v=spf1 -all"),
    Record("open.example", "TXT", "v=spf1 +all"),
    Record("loop.example", "TXT", f"v=spf1 include:{NAME} -all"),
    Record(NAME, "MX", "10 m1.example"),
    Record(NAME, "MX", "20 m2.example"),
    Record("m1.example", "A", "203.0.113.1"),
    Record("m2.example", "A", "203.0.113.2"),
    Record("m2.example", "AAAA", "2001:db8::2"),
)


async def _flat(text: str, resolver: MemoryResolver) -> tuple[Flat, tuple[Grant, ...]]:
    tree = await count(resolver, NAME, text=text)
    granted = await grants(resolver, tree)
    return flatten(tree, granted), granted


def flat_of(text: str, more: Iterable[Record] = (), faults: dict[str, Status] | None = None) -> Flat:
    return asyncio.run(_flat(text, MemoryResolver([*ZONE, *more], faults=faults)))[0]  # type: ignore[arg-type]


TABLE = {
    "networks": (
        "v=spf1 ip4:192.0.2.10 ip6:2001:db8::/32 -all",
        "v=spf1 ip4:192.0.2.10 ip6:2001:db8::/32 -all",
    ),
    "neighbours are joined": ("v=spf1 include:one.example ~all", "v=spf1 ip4:198.51.100.0/24 ~all"),
    "nested": ("v=spf1 include:two.example ?all", "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:2::/48 ?all"),
    "mx": ("v=spf1 mx -all", "v=spf1 ip4:203.0.113.1 ip4:203.0.113.2 ip6:2001:db8::2 -all"),
    "a with a prefix": (
        "v=spf1 a:m2.example/24//64 -all",
        "v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/64 -all",
    ),
    "the domain as a macro": (
        "v=spf1 mx:%{d} -all",
        "v=spf1 ip4:203.0.113.1 ip4:203.0.113.2 ip6:2001:db8::2 -all",
    ),
    "a redirect": (
        "v=spf1 ip4:192.0.2.1 redirect=one.example",
        "v=spf1 ip4:192.0.2.1 ip4:198.51.100.0/24 -all",
    ),
    "nobody": ("v=spf1 include:none.example -all", "v=spf1 -all"),
    "no end": ("v=spf1 mx", "v=spf1 ip4:203.0.113.1 ip4:203.0.113.2 ip6:2001:db8::2"),
    "what depends on the message": (
        "v=spf1 exists:%{i}.x.example mx -all",
        "v=spf1 exists:%{i}.x.example ip4:203.0.113.1 ip4:203.0.113.2 ip6:2001:db8::2 -all",
    ),
    "what turns away stays before": (
        "v=spf1 ip4:198.51.100.1 -include:one.example ip4:198.51.100.2 -all",
        "v=spf1 ip4:198.51.100.1 -include:one.example ip4:198.51.100.2 -all",
    ),
    "an order that counts": ("v=spf1 include:not.example -all", "v=spf1 include:not.example -all"),
    "everybody": ("v=spf1 include:open.example -all", "v=spf1 include:open.example -all"),
    "nothing there": (
        "v=spf1 include:gone.example mx -all",
        "v=spf1 include:gone.example ip4:203.0.113.1 ip4:203.0.113.2 ip6:2001:db8::2 -all",
    ),
    "itself": ("v=spf1 include:loop.example -all", "v=spf1 include:loop.example -all"),
}


@pytest.mark.parametrize(("text", "expected"), TABLE.values(), ids=TABLE.keys())
def test_flattened(text: str, expected: str) -> None:
    flat = flat_of(text)
    assert flat.text == expected
    assert flat.complete == (not flat.kept)


def test_what_the_dns_does_not_say_is_kept() -> None:
    flat = flat_of("v=spf1 mx include:one.example -all", faults={"m2.example": Status.TIMEOUT})
    assert flat.text == "v=spf1 mx ip4:198.51.100.0/24 -all"
    assert flat.kept == ("mx",)


def test_who_may_send_is_told_with_the_way_to_it() -> None:
    _, granted = asyncio.run(
        _flat("v=spf1 include:two.example include:gone.example ~mx -all", MemoryResolver(ZONE))
    )
    told = [(g.qualifier, g.term, g.path, g.broken) for g in granted]
    assert told == [
        ("+", "ip4:198.51.100.0/25", ("include:two.example", "include:one.example"), False),
        ("+", "ip4:198.51.100.128/25", ("include:two.example", "include:one.example"), False),
        ("+", "ip6:2001:db8:2::/48", ("include:two.example",), False),
        ("+", "include:gone.example", (), True),
        ("~", "~mx", (), False),
    ]


def test_a_long_record_is_divided_into_records_that_fit() -> None:
    text = " ".join(
        ["v=spf1", *(f"ip4:{n}.1.2.0/24" for n in range(1, 120)), "exists:%{i}.x.example", "~all"]
    )
    records = divided(NAME, Flat(text, ()))
    assert [r.name for r in records][:2] == [NAME, f"_spf1.{NAME}"]
    assert all(len(r.value) <= 450 for r in records)
    assert "exists:%{i}.x.example ~all" in records[0].value
    networks = [t for r in records for t in r.value.split() if t.startswith("ip4:")]
    assert networks == [t for t in text.split() if t.startswith("ip4:")]


def test_what_cannot_be_divided_is_not() -> None:
    many = " ".join(f"ip4:{a}.{b}.2.0/24" for a in range(1, 20) for b in range(30))
    assert divided(NAME, Flat(f"v=spf1 {many} -all", ())) == ()
    ordered = " ".join(f"ip4:{n}.1.2.0/24" for n in range(1, 60))
    assert divided(NAME, Flat(f"v=spf1 {ordered} -ip4:1.1.1.1 mx -all", ())) == ()


def test_questions_are_bounded() -> None:
    resolver = MemoryResolver(ZONE)
    text = "v=spf1 " + " ".join(f"mx:h{n}.example" for n in range(3000)) + " -all"
    asyncio.run(_flat(text, resolver))
    assert len(resolver.asked) <= QUESTIONS + 1


TERMS = st.sampled_from(
    [
        "ip4:198.51.100.0/26",
        "ip4:203.0.113.1",
        "ip6:2001:db8:2::/64",
        "mx",
        "a:m1.example/30",
        "include:one.example",
        "include:two.example",
        "include:not.example",
        "-include:one.example",
        "-ip4:198.51.100.9",
        "~mx",
        "?ip4:203.0.113.0/24",
        "include:none.example",
    ]
)
ENDS = st.sampled_from(["-all", "~all", "?all", "redirect=two.example", "redirect=not.example", ""])
ADDRESSES = (
    "198.51.100.9",
    "198.51.100.200",
    "203.0.113.1",
    "203.0.113.3",
    "2001:db8:2::1",
    "2001:db8::2",
    "192.0.2.1",
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TERMS, max_size=5), ENDS)
def test_the_same_addresses_pass(terms: list[str], end: str) -> None:
    text = " ".join(["v=spf1", *terms, end]).strip()
    flat = flat_of(text)
    assert spf.parse(flat.text).terms or flat.text == "v=spf1"
    for address in ADDRESSES:
        results = []
        for one in (text, flat.text):
            resolver = MemoryResolver([*ZONE, Record(NAME, "TXT", one)])
            results.append(
                asyncio.run(evaluate(resolver, ip=address, helo="x.example", mail_from=f"a@{NAME}")).result
            )
        # Fewer lookups may only mend what ran out of them.
        assert results[0] == results[1] or results[0] == "permerror", (address, text, flat.text)
