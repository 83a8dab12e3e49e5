"""SPF evaluation beyond the public suite: limits to the very term, faults, hostile zones, and the trace."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards.dns import Answer, Host, Lookup, Mx, Rdata, Status, Txt, split_txt
from mailctl.standards.spf_check import Result, evaluate

Zone = Mapping[str, Mapping[str, "Iterable[Rdata] | Status"]]
MakeLookup = Callable[[Zone], Lookup]
FAULTS = [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS]


def txt(*texts: str) -> tuple[Txt, ...]:
    return tuple(Txt(split_txt(text)) for text in texts)


def a(*addresses: str) -> tuple[Rdata, ...]:
    return tuple(ip_address(address) for address in addresses)


def check(
    lookup: Lookup, ip: str = "192.0.2.1", sender: str = "news@shop.example", helo: str = "mail.shop.example"
) -> Result:
    return asyncio.run(
        evaluate(lookup, ip=ip, helo=helo, mail_from=sender, receiver="mx.test.example", now=7)
    )


def test_the_trace_names_each_term_and_its_reason(make_lookup: MakeLookup) -> None:
    zone: Zone = {
        "shop.example": {"TXT": txt("hello", "v=spf1 ip4:198.51.100.7 mx include:_spf.host.example -all")},
        "_spf.host.example": {"TXT": txt("v=spf1 a:out.host.example ~all")},
        "out.host.example": {"A": a("192.0.2.1", "192.0.2.9")},
    }
    result = check(make_lookup(zone))
    assert (result.result, result.mechanism, result.lookups) == ("pass", "include:_spf.host.example", 3)
    assert (result.void_lookups, result.problem, result.domain) == (1, "", "shop.example")
    assert [(s.depth, s.term, s.outcome) for s in result.trace] == [
        (0, "TXT", "record"),
        (0, "ip4:198.51.100.7", "no match"),
        (0, "mx", "no match"),
        (0, "include:_spf.host.example", "match"),
        (1, "TXT", "record"),
        (1, "a:out.host.example", "match"),
    ]
    details = [step.detail for step in result.trace]
    assert details[1] == "192.0.2.1 is not in 198.51.100.7/32"
    assert details[2] == "shop.example MX nodata"
    assert details[3] == "_spf.host.example says pass by a:out.host.example"
    assert details[5] == "out.host.example A 192.0.2.1, 192.0.2.9"
    assert [answer.rdtype for answer in result.trace[5].answers] == ["A"]
    assert str(result.trace[1]).startswith("shop.example: ip4:198.51.100.7: no match (")


@pytest.mark.parametrize(
    ("record", "ip", "result"),
    [
        ("V=SPF1 ip4:192.0.2.1 -all", "192.0.2.1", "pass"),
        ("v=spf1 ip4:192.0.2.77/24 -all", "192.0.2.1", "pass"),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::25", "pass"),
        ("v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::25", "fail"),
        ("v=spf1 ?all", "192.0.2.1", "neutral"),
        ("v=spf1 ~all", "192.0.2.1", "softfail"),
        ("v=spf1 all", "192.0.2.1", "pass"),
        ("v=spf1", "192.0.2.1", "neutral"),
        ("v=spf1 -all ip4:192.0.2.1", "192.0.2.1", "fail"),
        ("v=spf1 ip4:192.0.2.1 -all moo", "192.0.2.1", "permerror"),
    ],
)
def test_literal_records(make_lookup: MakeLookup, record: str, ip: str, result: str) -> None:
    assert check(make_lookup({"shop.example": {"TXT": txt(record)}}), ip).result == result


def test_strings_are_joined_without_a_space(make_lookup: MakeLookup) -> None:
    strings = Txt((b"v=spf1 ip4:192.0.", b"2.1 -all"))
    assert check(make_lookup({"shop.example": {"TXT": [strings]}})).result == "pass"


def test_no_record_and_several(make_lookup: MakeLookup) -> None:
    assert check(make_lookup({})).result == "none"
    none = check(make_lookup({"shop.example": {"TXT": txt("v=spf10 all")}}))
    assert (none.result, none.mechanism) == ("none", "")
    assert "shop.example has no SPF record" in none.problem
    several = check(make_lookup({"shop.example": {"TXT": txt("v=spf1 -all", "V=spf1 mx")}}))
    assert (several.result, several.trace[0].outcome) == ("permerror", "permerror")
    assert "2 SPF records" in several.problem


def record_of(terms: int, tail: str = "ip4:192.0.2.1 -all") -> str:
    return "v=spf1 " + "a:other.example " * terms + tail


OTHER = {"other.example": {"A": a("203.0.113.1")}}


def test_exactly_ten_lookups_are_legal_and_eleven_are_not(make_lookup: MakeLookup) -> None:
    ten = check(make_lookup({"shop.example": {"TXT": txt(record_of(10))}, **OTHER}))
    assert (ten.result, ten.lookups) == ("pass", 10)
    eleven = check(make_lookup({"shop.example": {"TXT": txt(record_of(11))}, **OTHER}))
    assert (eleven.result, eleven.lookups) == ("permerror", 10)
    assert "'a:other.example' would be lookup 11" in eleven.problem
    assert eleven.trace[-1].outcome == "permerror"


def test_repeated_includes_count_each_time(make_lookup: MakeLookup) -> None:
    zone: Zone = {
        "shop.example": {"TXT": txt("v=spf1" + " include:_spf.example.com" * 5 + " -all")},
        "_spf.example.com": {"TXT": txt("v=spf1 a:other.example -all")},
        **OTHER,
    }
    assert check(make_lookup(zone)).lookups == 10


def test_redirect_is_not_counted_beside_all(make_lookup: MakeLookup) -> None:
    beside: Zone = {"shop.example": {"TXT": txt(record_of(10, "redirect=nowhere.example ~all"))}, **OTHER}
    assert check(make_lookup(beside)).result == "softfail"
    alone: Zone = {"shop.example": {"TXT": txt(record_of(10, "redirect=other.example"))}, **OTHER}
    assert check(make_lookup(alone)).result == "permerror"


@pytest.mark.parametrize(
    ("record", "result", "void"),
    [
        ("v=spf1 a:no1.example a:no2.example ~all", "softfail", 2),
        ("v=spf1 a:no1.example mx:no2.example exists:no3.example ~all", "permerror", 3),  # exists counts
        ("v=spf1 a:no1.example exists:no2.example ptr ~all", "permerror", 3),
        ("v=spf1 mx:hosts.example ~all", "permerror", 3),  # each empty answer counts
        ("v=spf1 a:x..example a:%{h} a:no1.example a:no2.example ~all", "softfail", 2),  # not askable
    ],
)
def test_void_lookups(make_lookup: MakeLookup, record: str, result: str, void: int) -> None:
    hosts = [Mx(n, f"no{n}.example") for n in range(5)]
    lookup = make_lookup({"shop.example": {"TXT": txt(record)}, "hosts.example": {"MX": hosts}})
    found = check(lookup, helo="[192.0.2.1]")
    assert (found.result, found.void_lookups) == (result, void)


def test_more_than_ten_mx_hosts_are_a_permerror(make_lookup: MakeLookup) -> None:
    def zone(hosts: int) -> Zone:
        mx = [Mx(10, f"mx{n}.shop.example") for n in range(hosts)]
        addresses = {f"mx{n}.shop.example": {"A": a(f"203.0.113.{n}")} for n in range(hosts)}
        return {"shop.example": {"TXT": txt("v=spf1 mx ip4:192.0.2.1 -all"), "MX": mx}, **addresses}

    assert check(make_lookup(zone(10))).result == "pass"
    eleven = check(make_lookup(zone(11)))
    assert (eleven.result, "11 MX records" in eleven.problem) == ("permerror", True)


def test_a_null_mx_matches_nothing(make_lookup: MakeLookup) -> None:
    zone: Zone = {"shop.example": {"TXT": txt("v=spf1 mx ~all"), "MX": [Mx(0, "")]}}
    result = check(make_lookup(zone))
    assert (result.result, result.void_lookups) == ("softfail", 0)


def test_only_ten_names_of_an_address_are_looked_at(make_lookup: MakeLookup) -> None:
    names = [Host(f"n{n}.shop.example") for n in range(11)]
    zone: Zone = {
        "shop.example": {"TXT": txt("v=spf1 ptr -all")},
        "1.2.0.192.in-addr.arpa": {"PTR": names},
        "n10.shop.example": {"A": a("192.0.2.1")},
    }
    assert check(make_lookup(zone)).result == "fail"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "term", ["a:dead.example", "mx:dead.example", "exists:dead.example", "include:dead.example"]
)
def test_a_fault_of_the_dns_is_temperror(make_lookup: MakeLookup, fault: Status, term: str) -> None:
    dead = {"dead.example": {"A": fault, "MX": fault, "TXT": fault}}
    lookup = make_lookup({"shop.example": {"TXT": txt(f"v=spf1 {term} +all")}, **dead})
    result = check(lookup)
    assert result.result == "temperror"
    assert f"dead.example {term.partition(':')[0].upper()}"[:13] in result.problem
    assert fault in result.problem
    assert check(lookup, sender="x@dead.example").result == "temperror"


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_behind_ptr_and_exp_only_leave_things_out(make_lookup: MakeLookup, fault: Status) -> None:
    zone: Zone = {
        "shop.example": {"TXT": txt("v=spf1 ptr -all exp=why.shop.example")},
        "1.2.0.192.in-addr.arpa": {"PTR": fault},
        "why.shop.example": {"TXT": fault},
    }
    result = check(make_lookup(zone))
    assert (result.result, result.explanation) == ("fail", "")  # RFC 7208 §5.5, §6.2


def test_an_include_without_a_record_is_permerror(make_lookup: MakeLookup) -> None:
    result = check(make_lookup({"shop.example": {"TXT": txt("v=spf1 include:none.example -all")}}))
    assert result.result == "permerror"
    assert "none.example has no SPF record (none.example TXT nxdomain)" in result.problem


def test_a_null_sender_stands_for_the_host(make_lookup: MakeLookup) -> None:
    zone: Zone = {"mail.shop.example": {"TXT": txt("v=spf1 a -all"), "A": a("192.0.2.1")}}
    result = check(make_lookup(zone), sender="")
    assert (result.result, result.domain) == ("pass", "mail.shop.example")
    assert check(make_lookup(zone), sender="", helo="localhost").result == "none"


def test_an_internationalized_sender_is_asked_for_in_a_labels(make_lookup: MakeLookup) -> None:
    zone: Zone = {"xn--mnchen-3ya.example": {"TXT": txt("v=spf1 ip4:192.0.2.1 -all")}}
    assert check(make_lookup(zone), sender="a@münchen.example").result == "pass"


def test_an_explanation_is_expanded(make_lookup: MakeLookup) -> None:
    zone: Zone = {
        "shop.example": {"TXT": txt("v=spf1 -all exp=why.%{d}")},
        "why.shop.example": {"TXT": txt("%{c} (%{p}) may not send as %{S}; ask %{r} at %{t}, %{h} 100%%")},
    }
    assert check(make_lookup(zone)).explanation == (
        "192.0.2.1 (unknown) may not send as news%40shop.example; "
        "ask mx.test.example at 7, mail.shop.example 100%"
    )


HOSTILE = {
    "itself": "v=spf1 include:shop.example -all",
    "redirect to itself": "v=spf1 redirect=shop.example",
    "a fan of includes": "v=spf1 " + "include:shop.example " * 3000,
    "thousands of addresses": "v=spf1 " + "ip4:203.0.113.7 " * 4000 + "-all",
    "macros": "v=spf1 " + " ".join(["exists:" + "%{s}" * 1600 + ".example"] * 9),
    "long digits": "v=spf1 a/" + "1" * 64_000,
    "dots": "v=spf1 a:" + "." * 64_000,
    "percent": "v=spf1 a:" + "%" * 64_000,
    "slashes": "v=spf1 a:" + "/1" * 32_000,
    "broken terms": "v=spf1 " + "x " * 32_000,
    "one label": "v=spf1 a:" + "a" * 64_000 + ".example -all",
    "digits as a top label": "v=spf1 a:x." + "1" * 64_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_costs_little(make_lookup: MakeLookup, name: str) -> None:
    asked: list[str] = []
    lookup = make_lookup({"shop.example": {"TXT": txt(HOSTILE[name])}})

    async def counted(name: str, rdtype: str) -> Answer:
        asked.append(name)
        return await lookup(name, rdtype)

    result = check(counted, sender="a" * 64 + "@shop.example")
    assert result.result in ("permerror", "fail", "neutral")
    assert len(asked) <= 12
    assert all(len(name) <= 253 for name in asked)
    assert len(result.trace) <= 1000
    assert len(result.problem) < 3000


labels = st.sampled_from(
    ["shop.example", "a.example", "b.example", "%{d}", "%{l}.a.example", "%{p}", "no.example"]
)
mechanisms = st.one_of(
    st.sampled_from(["a", "mx", "ptr", "all", "ip4:192.0.2.0/24", "ip6:2001:db8::/32", "x"]),
    st.builds("{}:{}".format, st.sampled_from(["a", "mx", "include", "exists", "ptr"]), labels),
)
records = st.builds(
    lambda terms, redirect: " ".join(["v=spf1", *terms, *redirect]),
    st.lists(st.builds("{}{}".format, st.sampled_from(["", "-", "~", "?"]), mechanisms), max_size=6),
    st.lists(labels.map("redirect={}".format), max_size=1),
)
answers = st.dictionaries(
    st.sampled_from(["shop.example", "a.example", "b.example"]),
    st.fixed_dictionaries(
        {
            "TXT": st.lists(records.map(lambda r: Txt(split_txt(r))), max_size=2) | st.sampled_from(FAULTS),
            "A": st.lists(st.sampled_from(a("192.0.2.1", "203.0.113.1")), max_size=2)
            | st.sampled_from(FAULTS),
            "MX": st.lists(st.sampled_from([Mx(1, "a.example"), Mx(0, ""), Mx(2, "b.example")]), max_size=3),
        }
    ),
)


@given(answers, st.text("a@%\\ .é\n", max_size=8))
def test_every_zone_ends_in_a_result(zone: Zone, local: str) -> None:
    async def lookup(name: str, rdtype: str) -> Answer:
        found = zone.get(name, {}).get(rdtype, ())
        if isinstance(found, Status):
            return Answer(name, rdtype, found)
        records = tuple(found)
        return Answer(name, rdtype, Status.ANSWER if records else Status.NXDOMAIN, records)

    result = check(lookup, sender=f"{local}@shop.example")
    assert result.result in ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")
    assert result.lookups <= 10
    assert result.void_lookups <= 3
    assert bool(result.problem) == (result.result in ("none", "temperror", "permerror"))
    assert bool(result.mechanism) == (not result.problem)
    assert len(result.trace) >= 1
