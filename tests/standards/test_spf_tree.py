"""What a record costs: the include tree and its lookups."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address

import pytest

from mailctl.standards.dns import Lookup, Rdata, Status, Txt, split_txt
from mailctl.standards.spf_check import evaluate
from mailctl.standards.spf_tree import NODE_LIMIT, Branch, Tree, count

Zone = Mapping[str, Mapping[str, "Iterable[Rdata] | Status"]]
MakeLookup = Callable[[Zone], Lookup]


def zone(**records: str | Status) -> Zone:
    """A zone of SPF records: `shop="v=spf1 …"` is that of shop.example."""
    return {
        f"{name}.example": {"TXT": text if isinstance(text, Status) else [Txt(split_txt(text))]}
        for name, text in records.items()
    }


def tree_of(lookup: Lookup, text: str | None = None) -> Tree:
    return asyncio.run(count(lookup, "shop.example", text=text))


def test_lookups_are_counted_through_nesting(make_lookup: MakeLookup) -> None:
    lookup = make_lookup(
        zone(
            shop="v=spf1 a mx ip4:192.0.2.1 include:one.example include:two.example -all",
            one="v=spf1 include:two.example exists:%{i}.x.example ~all",
            two="v=spf1 ptr ip6:2001:db8::1 redirect=three.example",
            three="v=spf1 a -all",
        )
    )
    tree = tree_of(lookup)
    # 4 of its own; one: 2, and two below it; two: ptr, redirect, a, each of the two times.
    assert tree.lookups == 4 + 2 + 3 + 3
    assert [(depth, t.term) for depth, t in tree.walk()] == [
        (0, ""),
        (1, "include:one.example"),
        (2, "include:two.example"),
        (3, "redirect=three.example"),
        (1, "include:two.example"),
        (2, "redirect=three.example"),
    ]
    assert {t.branch for _, t in tree.walk()} == {Branch.RECORD}


@pytest.mark.parametrize(
    ("record", "lookups"),
    [
        ("v=spf1", 0),
        ("v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all", 0),
        ("v=spf1 a a a -all", 3),  # repeats count
        ("v=spf1 a -all mx include:none.example", 1),  # nothing after all is asked
        ("v=spf1 a redirect=none.example -all", 1),  # nor a redirect beside it
        ("v=spf1 a redirect=none.example", 2),
        ("v=spf1 exists:%{l}.x.example exp=none.example ~all", 1),  # exp= is free
    ],
)
def test_what_counts(make_lookup: MakeLookup, record: str, lookups: int) -> None:
    assert tree_of(make_lookup(zone(shop=record))).lookups == lookups


def test_the_count_is_what_an_evaluation_spends_at_most(make_lookup: MakeLookup) -> None:
    records = zone(
        shop="v=spf1 -a:x.example include:one.example redirect=one.example",
        one="v=spf1 -a:x.example ?include:two.example",
        two="v=spf1 ~a:x.example",
    )
    lookup = make_lookup({**records, "x.example": {"A": [IPv4Address("203.0.113.1")]}})
    result = asyncio.run(evaluate(lookup, ip="192.0.2.1", helo="x.example", mail_from="a@shop.example"))
    assert (result.result, result.lookups, tree_of(lookup).lookups) == ("neutral", 9, 9)


@pytest.mark.parametrize(
    ("target", "branch", "detail"),
    [
        ("none.example", Branch.MISSING, "none.example has no SPF records"),
        ("two.example", Branch.SEVERAL, "two.example has 2 SPF records"),
        ("bad.example", Branch.BROKEN, "'moo' at 7"),
        ("dead.example", Branch.UNKNOWN, "servfail"),
        ("shop.example", Branch.LOOP, "includes itself"),
        ("%{i}.x.example", Branch.MACRO, "depends on the message"),
        ("none.%{d}", Branch.MISSING, "none.shop.example has no SPF records"),
    ],
)
def test_where_a_term_can_lead(make_lookup: MakeLookup, target: str, branch: Branch, detail: str) -> None:
    two = [Txt((b"v=spf1 mx",)), Txt((b"v=spf1 -all",))]
    records = zone(shop=f"v=spf1 include:{target} -all", bad="v=spf1 moo", dead=Status.SERVFAIL)
    tree = tree_of(make_lookup({**records, "two.example": {"TXT": two}}))
    (child,) = tree.children
    assert (child.branch, tree.lookups) == (branch, 1)
    assert detail in child.detail


def test_a_planned_record_stands_in_for_the_published_one(make_lookup: MakeLookup) -> None:
    lookup = make_lookup(zone(shop="v=spf1 moo", one="v=spf1 a mx -all"))
    assert tree_of(lookup).branch is Branch.BROKEN
    assert tree_of(lookup, "v=spf1 include:one.example -all").lookups == 3


def test_a_fan_of_includes_is_cut(make_lookup: MakeLookup) -> None:
    fans = {
        f"n{n}": "v=spf1 " + " ".join(f"include:n{n * 9 + i}.example" for i in range(9)) for n in range(300)
    }
    tree = tree_of(make_lookup(zone(shop="v=spf1 include:n1.example include:n2.example", **fans)))
    branches = [t.branch for _, t in tree.walk()]
    assert branches.count(Branch.RECORD) + branches.count(Branch.MISSING) <= NODE_LIMIT
    assert Branch.CUT in branches
    assert tree.lookups > 10
