"""SPF: a table of zones and what is to be said about each."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.domains.checks import spf
from mailctl.domains.checks.target import Profile
from mailctl.domains.findings import Finding, Severity
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards.dns import Answer, Record, Status, Txt
from mailctl.standards.spf_check import evaluate
from tests.checks.hosts import HEALTHY, NAME, Faults, ids, run, run_on, zone

SPF = (NAME, "TXT")
OTHERS = (
    Record("one.example", "TXT", "v=spf1 ip4:198.51.100.0/24 -all"),
    Record("two.example", "TXT", "v=spf1 include:one.example ip6:2001:db8:2::/48 ~all"),
    Record("open.example", "TXT", "v=spf1 +all"),
    Record("ajar.example", "TXT", "v=spf1 include:open.example -all"),
    Record("world.example", "TXT", "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"),
    Record("twice.example", "TXT", "v=spf1 mx -all"),
    Record("twice.example", "TXT", "v=spf1 a -all"),
    Record("bad.example", "TXT", "v=spf1 moo -all"),
    Record("round.example", "TXT", f"v=spf1 include:{NAME} -all"),
    Record("ptr.example", "TXT", "v=spf1 ptr -all"),
    Record("there.example", "A", "192.0.2.99"),
    Record("a.example", "A", "192.0.2.20"),
    Record("a.example", "AAAA", "2001:db8::20"),
    *(Record("crowd.example", "MX", f"{n} m{n}.crowd.example") for n in range(1, 12)),
    *(Record(f"m{n}.crowd.example", "A", f"203.0.113.{n}") for n in range(1, 12)),
    *(Record(f"h{n}.example", "A", f"203.0.113.{n}") for n in range(1, 13)),
    *(Record(f"h{n}.example", "AAAA", f"2001:db8::{n:x}") for n in range(1, 13)),
)


def spf_zone(*texts: str, more: Iterable[Record] = ()) -> tuple[Record, ...]:
    return zone(without=[SPF], more=[*(Record(NAME, "TXT", text) for text in texts), *OTHERS, *more])


def spf_of(*texts: str, faults: Faults | None = None, **target: Any) -> list[Finding]:
    return run(spf.check, spf_zone(*texts), faults=faults, target=target)


def pasted(finding: Finding) -> str:
    """The text of the TXT record that a fix shows."""
    return "".join(finding.fix.split('"')[1::2])


def hosts(*names: str) -> str:
    return " ".join(f"a:{name}.example" for name in names)


NINE = hosts(*(f"h{n}" for n in range(1, 10)))
TEN = f"{NINE} a:h10.example"

HEALTHY_RECORDS = {
    "the simplest": "v=spf1 ip4:192.0.2.10 -all",
    "capitals": "V=SPF1 IP4:192.0.2.10 -ALL",
    "mx and a": "v=spf1 mx a:a.example ~all",
    "a soft end": "v=spf1 include:one.example ~all",
    "nested includes": "v=spf1 include:two.example include:one.example -all",
    "a redirect": "v=spf1 redirect=one.example",
    "an explanation behind all": "v=spf1 mx -all exp=explain.%{d}",
    "macros": "v=spf1 exists:%{i}._spf.%{d} -all",
    "nobody": "v=spf1 -all",
    "an include that turns away is no pass": "v=spf1 -include:open.example ip4:192.0.2.10 ?include:open.example ~all",
    "not a pass": "v=spf1 -ip4:0.0.0.0/0 ~all",
    "a university": "v=spf1 ip4:192.0.0.0/16 ip6:2001:db8::/32 -all",
    "spaces": "v=spf1  ip4:192.0.2.10   -all ",
}


@pytest.mark.parametrize("text", HEALTHY_RECORDS.values(), ids=HEALTHY_RECORDS.keys())
@pytest.mark.parametrize("profile", [p for p in Profile if p is not Profile.PARKED])
def test_sound_records_are_ok(text: str, profile: Profile) -> None:
    assert ids(spf_of(text, profile=profile)) == ["spf.ok ok"]


TABLE = {
    "plus all": ("v=spf1 mx +all", ["spf.plus-all error"]),
    "bare all": ("v=spf1 mx all", ["spf.bare-all error"]),
    "neutral all": ("v=spf1 mx ?all", ["spf.neutral-all warning"]),
    "no end": ("v=spf1 mx", ["spf.no-all warning"]),
    "nothing at all": ("v=spf1", ["spf.no-all warning"]),
    "terms behind all": ("v=spf1 mx -all ip4:192.0.2.1", ["spf.terms-after-all warning"]),
    "an error behind all": ("v=spf1 mx -all ipv4:192.0.2.1", ["spf.syntax error"]),
    "redirect beside all": ("v=spf1 mx redirect=one.example ~all", ["spf.redirect-beside-all warning"]),
    "a dead redirect beside all": ("v=spf1 redirect=none.example -all", ["spf.redirect-beside-all warning"]),
    "ptr": ("v=spf1 ptr -all", ["spf.ptr warning"]),
    "ptr of others": ("v=spf1 include:ptr.example -all", ["spf.ok ok", "spf.ptr info"]),
    "/0": ("v=spf1 ip4:0.0.0.0/0 -all", ["spf.whole-internet error"]),
    "two halves": ("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all", ["spf.whole-internet error"]),
    "::/0": ("v=spf1 ip6:::/0 -all", ["spf.whole-internet error"]),
    "all of IPv6": ("v=spf1 ip6:2000::/3 -all", ["spf.whole-internet error"]),
    "a host with /0": ("v=spf1 a:a.example/0 -all", ["spf.whole-internet error"]),
    "a sixteenth of the Internet": ("v=spf1 ip4:16.0.0.0/8 -all", ["spf.wide-network warning"]),
    "private": ("v=spf1 ip4:10.0.0.0/8 mx -all", ["spf.ok ok", "spf.private-network info"]),
    "host bits": ("v=spf1 ip4:192.0.2.77/24 -all", ["spf.host-bits info", "spf.ok ok"]),
    "exists of a fixed name": ("v=spf1 exists:there.example -all", ["spf.exists-passes-all error"]),
    "exists of nothing": ("v=spf1 exists:none.example -all", ["spf.ok ok", "spf.void-lookup info"]),
    "equals for colon": ("v=spf1 ip4=192.0.2.10 ~all", ["spf.equals-for-colon warning"]),
    "unknown modifier": ("v=spf1 mx ra=postmaster -all", ["spf.ok ok", "spf.unknown-modifier info"]),
    "repeated": (
        "v=spf1 include:one.example include:one.example -all",
        ["spf.ok ok", "spf.repeated-term info"],
    ),
    "451 bytes": (
        "v=spf1 " + "ip4:192.0.2.111 " * 27 + "ip4:1.1.1.1 -all",
        ["spf.record-too-long warning", "spf.repeated-term info"],
    ),
    "an include of nothing": ("v=spf1 include:none.example -all", ["spf.include-missing error"]),
    "a redirect to nothing": ("v=spf1 redirect=none.example", ["spf.include-missing error"]),
    "an include of two": ("v=spf1 include:twice.example -all", ["spf.include-multiple-records error"]),
    "an include of a broken one": ("v=spf1 include:bad.example -all", ["spf.include-broken error"]),
    "itself": (f"v=spf1 include:{NAME} -all", ["spf.include-loop error"]),
    "itself, by another": ("v=spf1 include:round.example -all", ["spf.include-loop error"]),
    "an include of +all": ("v=spf1 include:open.example -all", ["spf.include-passes-all error"]),
    "an include of an include of +all": (
        "v=spf1 include:ajar.example -all",
        ["spf.include-passes-all error"],
    ),
    "an include of the Internet": ("v=spf1 include:world.example -all", ["spf.include-passes-all error"]),
    "a redirect to +all": ("v=spf1 redirect=open.example", ["spf.include-passes-all error"]),
    "nine lookups": (f"v=spf1 {NINE} -all", ["spf.lookups-near-limit info", "spf.ok ok"]),
    "ten lookups": (f"v=spf1 {TEN} -all", ["spf.lookups-near-limit info", "spf.ok ok"]),
    "eleven lookups": (f"v=spf1 {TEN} a:h11.example -all", ["spf.too-many-lookups error"]),
    "eleven by nesting": (f"v=spf1 {NINE} include:two.example -all", ["spf.too-many-lookups error"]),
    "eleven by a redirect": (f"v=spf1 {TEN} redirect=one.example", ["spf.too-many-lookups error"]),
    "a redirect that does not count": (
        f"v=spf1 {TEN} redirect=one.example -all",
        ["spf.lookups-near-limit info", "spf.redirect-beside-all warning"],
    ),
    "behind all nothing counts": (
        f"v=spf1 {TEN} -all a:h11.example",
        ["spf.lookups-near-limit info", "spf.terms-after-all warning"],
    ),
    "one void": ("v=spf1 a:gone.example mx -all", ["spf.ok ok", "spf.void-lookup info"]),
    "two voids": ("v=spf1 a:gone.example mx:gone.example -all", ["spf.ok ok", "spf.void-lookup info"]),
    "three voids": (
        "v=spf1 a:gone.example a:lost.example mx:away.example -all",
        ["spf.too-many-void-lookups error"],
    ),
    "exists counts": (
        "v=spf1 exists:x.example exists:y.example exists:z.example -all",
        ["spf.too-many-void-lookups error"],
    ),
    "voids over IPv6": (
        "v=spf1 a:m1.crowd.example a:m2.crowd.example a:m3.crowd.example -all",
        ["spf.ok ok", "spf.void-lookups-ipv6 info"],
    ),
    "eleven exchanges": ("v=spf1 mx:crowd.example -all", ["spf.mx-too-many-hosts error"]),
    "an address in place of a name": ("v=spf1 a:192.0.2.10 -all", ["spf.syntax error"]),
    "not one problem": ("v=spf1 foo ip4:1.2.3 all:x -all", ["spf.syntax error"]),
    "redirect with a colon": ("v=spf1 redirect:one.example", ["spf.syntax error"]),
    "two redirects": ("v=spf1 redirect=one.example redirect=two.example", ["spf.syntax error"]),
}


@pytest.mark.parametrize(("text", "expected"), TABLE.values(), ids=TABLE.keys())
def test_records(text: str, expected: list[str]) -> None:
    assert ids(spf_of(text)) == expected


ABSENT = {
    "no TXT at all": ((), ["spf.missing error"]),
    "other TXT": (("google-site-verification=x",), ["spf.missing error"]),
    "Sender ID": (("spf2.0/pra mx -all",), ["spf.missing error"]),
    "two": (("v=spf1 mx -all", "v=spf1 a:a.example -all"), ["spf.multiple-records error"]),
    "two, one in capitals": (("v=spf1 mx -all", "V=SPF1 -all"), ["spf.multiple-records error"]),
    "a quotation mark": (('"v=spf1 mx -all"',), ["spf.not-recognised error"]),
    "a blank in front": ((" v=spf1 mx -all",), ["spf.not-recognised error"]),
    "a semicolon": (("v=spf1; mx -all",), ["spf.not-recognised error"]),
    "no version": (("spf1 mx -all",), ["spf.not-recognised error"]),
    "another version": (("v=spf10 mx -all",), ["spf.not-recognised error"]),
}


@pytest.mark.parametrize(("texts", "expected"), ABSENT.values(), ids=ABSENT.keys())
def test_no_record_or_not_one(texts: tuple[str, ...], expected: list[str]) -> None:
    assert ids(spf_of(*texts)) == expected


def test_a_record_where_the_zone_was_appended_twice() -> None:
    records = spf_zone(more=[Record(f"{NAME}.{NAME}", "TXT", "v=spf1 mx -all")])
    findings = run(spf.check, records)
    assert ids(findings) == ["spf.wrong-place error"]
    assert findings[0].fix == f'{NAME}. 3600 IN TXT "v=spf1 mx -all"'


class Strings(MemoryResolver):
    """A DNS in which the TXT record of NAME has strings of our choice."""

    strings: tuple[bytes, ...] = ()

    async def __call__(self, name: str, rdtype: str) -> Answer:
        answer = await super().__call__(name, rdtype)
        return replace(answer, records=(Txt(self.strings),)) if (name, rdtype) == SPF else answer


JOINED: dict[str, tuple[tuple[bytes, ...], list[str], str]] = {
    "after all": (
        (b"v=spf1 mx ~all", b"ip4:192.0.2.10"),
        ["spf.joined-without-space error"],
        "v=spf1 mx ~all ip4:192.0.2.10",
    ),
    "after a name": (
        (b"v=spf1 include:one.example", b"include:two.example ~all"),
        ["spf.joined-without-space error"],
        "v=spf1 include:one.example include:two.example ~all",
    ),
    "a name that swallows the end": (
        (b"v=spf1 include:one.example", b"-all"),
        ["spf.joined-without-space error"],
        "v=spf1 include:one.example -all",
    ),
    "after the version": (
        (b"v=spf1", b"ip4:192.0.2.10 -all"),
        ["spf.joined-without-space error"],
        "v=spf1 ip4:192.0.2.10 -all",
    ),
    "twice": (
        (b"v=spf1 ip4:192.0.2.10", b"ip4:192.0.2.11", b"-all"),
        ["spf.joined-without-space error"],
        "v=spf1 ip4:192.0.2.10 ip4:192.0.2.11 -all",
    ),
    "within a term": ((b"v=spf1 ip4:192.0.", b"2.10 -all"), ["spf.ok ok"], ""),
    "within a name": ((b"v=spf1 include:one.exam", b"ple -all"), ["spf.ok ok"], ""),
    "with a space": ((b"v=spf1 ip4:192.0.2.10 ", b"-all"), ["spf.ok ok"], ""),
    "at 255 bytes": (
        (b"v=spf1 " + b"ip4:192.0.2.10 " * 15 + b"include:longer.on", b"e.example -all"),
        ["spf.include-missing error", "spf.repeated-term info"],
        "",
    ),
}


@pytest.mark.parametrize(("strings", "expected", "mended"), JOINED.values(), ids=JOINED.keys())
def test_strings_that_join_without_a_space(
    strings: tuple[bytes, ...], expected: list[str], mended: str
) -> None:
    resolver = Strings(spf_zone("v=spf1 -all"))
    resolver.strings = strings
    findings = run_on(spf.check, resolver)
    assert ids(findings) == expected
    assert not mended or findings[0].fix == f'{NAME}. 3600 IN TXT "{mended}"'


def test_many_other_records_make_the_answer_too_large_for_a_datagram() -> None:
    others = [f"some-service-verification={n:060}" for n in range(16)]
    assert ids(spf_of("v=spf1 -all", *others)) == ["spf.answer-needs-tcp info", "spf.ok ok"]
    assert ids(spf_of("v=spf1 -all", *others[:8])) == ["spf.ok ok"]


# Verdicts only on evidence


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS])
@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("v=spf1 -all", SPF),
        ("v=spf1 include:one.example -all", "one.example"),
        ("v=spf1 include:two.example -all", "one.example"),
        ("v=spf1 redirect=one.example", "one.example"),
        ("v=spf1 a:a.example -all", "a.example"),
        ("v=spf1 mx -all", (NAME, "MX")),
    ],
)
def test_a_silent_server_is_unknown(status: Status, text: str, silent: Any) -> None:
    findings = spf_of(text, faults={silent: status})
    assert ids(findings) == ["spf.unknown unknown"]
    assert any(e.answer.startswith(status.value) for e in findings[0].evidence)


def test_what_is_known_is_said_beside_what_is_not() -> None:
    findings = spf_of("v=spf1 include:one.example +all", faults={"one.example": Status.TIMEOUT})
    assert ids(findings) == ["spf.plus-all error", "spf.unknown unknown"]


# Our own addresses


V4, V6, STRANGER = ip_address("192.0.2.10"), ip_address("2001:db8::10"), ip_address("203.0.113.200")


def test_addresses_that_pass_are_named() -> None:
    findings = spf_of("v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 -all", sending_ips=(V4, V6))
    assert ids(findings) == ["spf.ok ok"]
    assert "192.0.2.10 passes by ip4:192.0.2.10; 2001:db8::10 passes by" in findings[0].message


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("v=spf1 mx -all", "fail"),
        ("v=spf1 mx ~all", "softfail"),
        ("v=spf1 ?ip4:203.0.113.0/24 mx -all", "neutral"),
    ],
)
def test_an_address_that_does_not_pass(text: str, result: str) -> None:
    findings = spf_of(text, sending_ips=(V4, STRANGER))
    assert ids(findings) == ["spf.address-does-not-pass error"]
    assert f"gets spf={result}" in findings[0].message
    assert "ip4:203.0.113.200" in findings[0].fix
    mended = pasted(findings[0])
    assert ids(spf_of(mended, sending_ips=(V4, STRANGER))) == ["spf.ok ok"]


@pytest.mark.parametrize("text", ["v=spf1 include:none.example -all", "v=spf1 moo", ""])
def test_a_broken_record_is_not_said_again_for_each_address(text: str) -> None:
    findings = spf_of(*filter(None, [text]), sending_ips=(STRANGER,))
    assert len(findings) == 1
    assert findings[0].id != "spf.address-does-not-pass"


HELO = {
    "passes": ("v=spf1 ip4:192.0.2.10 -all", ["spf.ok ok"]),
    "none": (None, ["spf.helo-none info", "spf.ok ok"]),
    "fails": ("v=spf1 -all", ["spf.helo-does-not-pass error"]),
    "broken": ("v=spf1 moo", ["spf.helo-does-not-pass error"]),
}


@pytest.mark.parametrize(("text", "expected"), HELO.values(), ids=HELO.keys())
def test_the_helo_name(text: str | None, expected: list[str]) -> None:
    more = [Record(f"mail.{NAME}", "TXT", text)] if text else []
    target = {"sending_ips": (V4,), "hostname": f"mail.{NAME}"}
    assert ids(run(spf.check, spf_zone("v=spf1 mx -all", more=more), target=target)) == expected


# Profiles


PARKED = {
    "locked": ("v=spf1 -all", ["spf.ok ok"]),
    "in capitals": ("V=SPF1 -ALL", ["spf.ok ok"]),
    "with an explanation": ("v=spf1 exp=why.%{d} -all", ["spf.ok ok"]),
    "a soft end": ("v=spf1 ~all", ["spf.parked-sends warning"]),
    "nothing": ("v=spf1", ["spf.parked-sends warning"]),
    "somebody": ("v=spf1 mx -all", ["spf.parked-sends error"]),
    "everybody": ("v=spf1 +all", ["spf.parked-sends error"]),
    "somebody else": ("v=spf1 redirect=one.example", ["spf.parked-sends error"]),
    "missing": (None, ["spf.missing error"]),
    "broken": ("v=spf1 moo", ["spf.syntax error"]),
}


@pytest.mark.parametrize(("text", "expected"), PARKED.values(), ids=PARKED.keys())
def test_a_parked_domain(text: str | None, expected: list[str]) -> None:
    findings = spf_of(*([text] if text else []), profile=Profile.PARKED)
    assert ids(findings) == expected
    if expected[0].startswith(("spf.parked", "spf.missing")):
        assert findings[0].fix == f'{NAME}. 3600 IN TXT "v=spf1 -all"'


def test_a_domain_that_only_receives_is_warned() -> None:
    assert ids(spf_of(profile=Profile.RECEIVING)) == ["spf.missing warning"]


# Fixes can be pasted, and help


@pytest.mark.parametrize(
    "name",
    [
        "plus all",
        "bare all",
        "neutral all",
        "no end",
        "terms behind all",
        "an error behind all",
        "redirect beside all",
        "ptr",
        "/0",
        "two halves",
        "equals for colon",
        "an include of nothing",
        "itself",
        "an include of +all",
        "eleven lookups",
        "eleven by nesting",
        "eleven by a redirect",
        "exists of a fixed name",
        "an address in place of a name",
        "redirect with a colon",
    ],
)
def test_what_is_pasted_mends_it(name: str) -> None:
    text, _ = TABLE[name]
    (finding,) = [f for f in spf_of(text) if f.severity in (Severity.ERROR, Severity.WARNING)]
    mended = pasted(finding)
    after = spf_of(mended)
    assert finding.id not in {f.id for f in after}
    assert {f.id for f in after if f.severity is Severity.ERROR} == set()


def test_two_records_are_put_together() -> None:
    findings = spf_of("v=spf1 ip4:192.0.2.10 ~all", "v=spf1 include:one.example mx -all")
    assert findings[0].fix == f'{NAME}. 3600 IN TXT "v=spf1 ip4:192.0.2.10 include:one.example mx ~all"'


def test_the_flattened_record_lets_the_same_addresses_pass() -> None:
    text = f"v=spf1 {TEN} include:two.example mx a:a.example/28 -all"
    (finding,) = spf_of(text)
    mended = pasted(finding)
    assert "include" not in mended
    before, after = spf_zone("v=spf1 include:two.example mx a:a.example/28 -all"), spf_zone(mended)
    for address in (
        "192.0.2.10",
        "192.0.2.17",
        "198.51.100.7",
        "2001:db8:2::9",
        "2001:db8::20",
        "203.0.113.250",
    ):
        results = [
            asyncio.run(
                evaluate(MemoryResolver(z), ip=address, helo="x.example", mail_from=f"a@{NAME}")
            ).result
            for z in (before, after)
        ]
        assert results[0] == results[1], address


def test_a_long_flattened_record_is_divided() -> None:
    networks = " ".join(f"ip4:{n + 20}.1.1.0/24" for n in range(40))
    names = hosts(*(f"h{n}" for n in range(1, 12)))
    (finding, *_) = [f for f in spf_of(f"v=spf1 {names} {networks} -all") if f.id == "spf.too-many-lookups"]
    lines = finding.fix.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"_spf1.{NAME}.")
    assert f'"v=spf1 include:_spf1.{NAME} include:_spf2.{NAME} -all"' in lines[2]
    assert all(len(line) < 560 for line in lines)


# Hostile zones


def test_a_fan_of_includes_ends() -> None:
    fans = [
        Record(
            f"n{n}.example", "TXT", "v=spf1 " + " ".join(f"include:n{n * 9 + i}.example" for i in range(9))
        )
        for n in range(200)
    ]
    resolver = MemoryResolver(spf_zone("v=spf1 include:n1.example +all", more=fans))
    findings = run_on(spf.check, resolver)
    assert {"spf.plus-all error", "spf.too-many-lookups error"} <= set(ids(findings))
    assert len(set(resolver.asked)) < 300


def test_a_record_of_64_kb_ends() -> None:
    text = "v=spf1 " + " ".join(f"a:{n}.example" for n in range(4000)) + " -all"
    resolver = MemoryResolver(spf_zone(text[:65_000]))
    findings = run_on(spf.check, resolver)
    assert ids(findings) == ["spf.record-too-long error"]
    assert len(resolver.asked) < 5
    resolver = MemoryResolver(spf_zone(text[:8_000] + " -all"))
    findings = run_on(spf.check, resolver)
    assert "spf.too-many-lookups error" in ids(findings)
    assert len(resolver.asked) < 500
    assert sum(len(str(f)) for f in findings) < 60_000


@pytest.mark.parametrize("count", [30, 300])
def test_a_crowd_of_exchanges_ends(count: int) -> None:
    records = [Record("big.example", "MX", f"{n} m{n}.big.example") for n in range(count)]
    resolver = MemoryResolver(spf_zone("v=spf1 mx:big.example -all", more=records))
    assert ids(run_on(spf.check, resolver)) == ["spf.mx-too-many-hosts error"]
    assert len(resolver.asked) < 100


WORDS = st.sampled_from(
    [
        "v=spf1",
        "V=SPF1",
        "+all",
        "-all",
        "all",
        "include:one.example",
        f"include:{NAME}",
        "a",
        "mx/0",
        "ptr:",
        "exists:%{i}.x",
        "ip4:0.0.0.0/0",
        "ip6:::/0",
        "redirect=%{d}",
        "exp=x.example",
        "ip4=1",
        '"',
        "%{",
        "\x00",
        "é",
        "foo=",
        "=",
        ":",
        "//",
    ]
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(WORDS, LATIN), max_size=12).map(" ".join), st.sampled_from(list(Profile)))
def test_no_text_makes_it_fail(text: str, profile: Profile) -> None:
    for start in ("", "v=spf1 "):
        findings = spf_of(start + text, profile=profile, sending_ips=(V4,), hostname=f"mail.{NAME}")
        assert findings
        assert all(f.area == "spf" for f in findings)


def test_the_healthy_zone_of_the_other_areas_is_healthy_here() -> None:
    assert ids(run(spf.check, HEALTHY)) == ["spf.ok ok"]
