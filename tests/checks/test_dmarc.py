"""DMARC: a table of records and what is to be said about each."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.domains.checks import dmarc
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.findings import Finding, Severity
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import HEALTHY, NAME, NOW, Faults, ids, run, zone

DMARC = f"_dmarc.{NAME}"
REPORTS = f"rua=mailto:dmarc@{NAME}"
GOOD = f"v=DMARC1; p=reject; {REPORTS}"
# Others whom reports may go to.
OTHERS = (
    Record("reports.example", "MX", "10 mx.reports.example"),
    Record(f"{NAME}._report._dmarc.reports.example", "TXT", "v=DMARC1"),
    Record("wild.example", "MX", "10 mx.wild.example"),
    Record("*._report._dmarc.wild.example", "TXT", "v=DMARC1;"),
    Record("silent.example", "MX", "10 mx.silent.example"),
    Record("null.example", "MX", "0 ."),
    Record(f"{NAME}._report._dmarc.null.example", "TXT", "v=DMARC1"),
    Record("web.example", "A", "192.0.2.80"),
    Record(f"{NAME}._report._dmarc.web.example", "TXT", "v=DMARC1"),
    Record("empty.example", "TXT", "nothing here"),
)


def dmarc_zone(*texts: str, more: Iterable[Record] = ()) -> tuple[Record, ...]:
    return zone(without=[(DMARC, "TXT")], more=[*(Record(DMARC, "TXT", t) for t in texts), *OTHERS, *more])


def dmarc_of(
    *texts: str, more: Iterable[Record] = (), faults: Faults | None = None, **target: Any
) -> list[Finding]:
    return run(dmarc.check, dmarc_zone(*texts, more=more), faults=faults, target=target)


def pasted(finding: Finding) -> str:
    return "".join(finding.fix.split('"')[1::2])


SOUND = {
    "reject": GOOD,
    "quarantine": f"v=DMARC1; p=quarantine; {REPORTS}",
    "blanks": f" v = DMARC1 ;p=reject;  {REPORTS} ; ",
    "a small tag for the version": f"V=DMARC1; p=reject; {REPORTS}",
    "any order behind v": f"v=DMARC1; {REPORTS}; np=reject; p=reject",
    "capitals in values": f"v=DMARC1; p=REJECT; adkim=S; {REPORTS}",
    "every tag": f"v=DMARC1; p=reject; sp=reject; np=reject; adkim=s; aspf=r; fo=1:d; psd=n; t=n; {REPORTS}",
    "stricter below": f"v=DMARC1; p=quarantine; np=reject; {REPORTS}",
    "two addresses": f"v=DMARC1; p=reject; {REPORTS},mailto:agg@reports.example",
    "a destination by wildcard": "v=DMARC1; p=reject; rua=mailto:x@wild.example",
    "a destination without MX": "v=DMARC1; p=reject; rua=mailto:x@web.example",
    "a subdomain of ours": f"v=DMARC1; p=reject; rua=mailto:x@mail.{NAME}",
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND.keys())
@pytest.mark.parametrize("profile", [Profile.SENDER, Profile.BULK_SENDER, Profile.RECEIVING])
def test_sound_records_are_ok(text: str, profile: Profile) -> None:
    assert ids(dmarc_of(text, profile=profile)) == ["dmarc.ok ok"]


TABLE = {
    "p=none": (f"v=DMARC1; p=none; {REPORTS}", ["dmarc.ok ok", "dmarc.policy-none info"]),
    "no rua": ("v=DMARC1; p=reject", ["dmarc.no-rua info", "dmarc.ok ok"]),
    "no p": (f"v=DMARC1; {REPORTS}", ["dmarc.ok ok", "dmarc.policy-missing info"]),
    "neither": ("v=DMARC1", ["dmarc.no-effect error", "dmarc.no-rua info"]),
    "a policy that is none": (f"v=DMARC1; p=rejct; {REPORTS}", ["dmarc.invalid-policy error"]),
    "a policy that is none, no rua": (
        "v=DMARC1; p=rejct",
        ["dmarc.invalid-policy error", "dmarc.no-rua info"],
    ),
    "sp that is none": (f"v=DMARC1; p=reject; sp=all; {REPORTS}", ["dmarc.invalid-policy error"]),
    "np that is none": (f"v=DMARC1; p=reject; np=all; {REPORTS}", ["dmarc.invalid-policy error"]),
    "a semicolon forgotten": (
        f"v=DMARC1; p=reject {REPORTS}",
        ["dmarc.invalid-policy error", "dmarc.no-rua info"],
    ),
    "p twice": (
        f"v=DMARC1; p=none; p=reject; {REPORTS}",
        ["dmarc.invalid-policy error"],
    ),
    "test mode": (f"v=DMARC1; p=reject; t=y; {REPORTS}", ["dmarc.ok ok", "dmarc.testing info"]),
    "sp weaker": (f"v=DMARC1; p=reject; sp=none; {REPORTS}", ["dmarc.subdomain-weaker warning"]),
    "np weaker": (f"v=DMARC1; p=reject; np=quarantine; {REPORTS}", ["dmarc.subdomain-weaker warning"]),
    "alignment of another kind": (f"v=DMARC1; p=reject; adkim=x; {REPORTS}", ["dmarc.invalid-tag warning"]),
    "fo of another kind": (f"v=DMARC1; p=reject; fo=9; {REPORTS}", ["dmarc.invalid-tag warning"]),
    "t of another kind": (f"v=DMARC1; p=reject; t=1; {REPORTS}", ["dmarc.invalid-tag warning"]),
    "no tag": (f"v=DMARC1; p=reject; hello; {REPORTS}", ["dmarc.invalid-tag warning"]),
    "an unknown tag": (f"v=DMARC1; p=reject; foo=bar; {REPORTS}", ["dmarc.ok ok", "dmarc.unknown-tag info"]),
    "a misspelt tag": (
        f"v=DMARC1; p=reject; rau=mailto:x@{NAME}",
        ["dmarc.no-rua info", "dmarc.tag-misspelt warning"],
    ),
    "a tag in capitals": (
        f"v=DMARC1; P=reject; {REPORTS}",
        ["dmarc.policy-missing info", "dmarc.tag-misspelt warning"],
    ),
    "alignment misspelt": (f"v=DMARC1; p=reject; akdim=s; {REPORTS}", ["dmarc.tag-misspelt warning"]),
    "pct=100": (f"v=DMARC1; p=reject; pct=100; {REPORTS}", ["dmarc.historic-tag info", "dmarc.ok ok"]),
    "pct that holds back": (f"v=DMARC1; p=reject; pct=10; {REPORTS}", ["dmarc.historic-tag warning"]),
    "pct of p=none": (
        f"v=DMARC1; p=none; pct=10; {REPORTS}",
        ["dmarc.historic-tag info", "dmarc.ok ok", "dmarc.policy-none info"],
    ),
    "rf and ri": (
        f"v=DMARC1; p=reject; rf=afrf; ri=86400; {REPORTS}",
        ["dmarc.historic-tag info", "dmarc.ok ok"],
    ),
    "a size limit": (f"v=DMARC1; p=reject; {REPORTS}!10m", ["dmarc.historic-tag info", "dmarc.ok ok"]),
    "psd=y": (f"v=DMARC1; p=reject; psd=y; {REPORTS}", ["dmarc.psd-misuse error"]),
    "an address without mailto": (f"v=DMARC1; p=reject; rua=dmarc@{NAME}", ["dmarc.rua-syntax error"]),
    "a blank between addresses": (
        f"v=DMARC1; p=reject; {REPORTS} mailto:y@{NAME}",
        ["dmarc.rua-syntax error"],
    ),
    "an empty rua": ("v=DMARC1; p=reject; rua=", ["dmarc.rua-syntax error"]),
    "a web address": ("v=DMARC1; p=reject; rua=https://reports.example/x", ["dmarc.rua-not-mailto warning"]),
    "not authorised": ("v=DMARC1; p=reject; rua=mailto:x@silent.example", ["dmarc.rua-not-authorised error"]),
    "two at one host": (
        "v=DMARC1; p=reject; rua=mailto:x@silent.example,mailto:y@silent.example",
        ["dmarc.rua-not-authorised error"],
    ),
    "no such domain": ("v=DMARC1; p=reject; rua=mailto:x@gone.example", ["dmarc.rua-domain-no-mail error"]),
    "no address": ("v=DMARC1; p=reject; rua=mailto:x@empty.example", ["dmarc.rua-domain-no-mail error"]),
    "null MX": ("v=DMARC1; p=reject; rua=mailto:x@null.example", ["dmarc.rua-domain-no-mail error"]),
    "ruf not authorised": (
        f"v=DMARC1; p=reject; {REPORTS}; ruf=mailto:x@silent.example",
        ["dmarc.ok ok", "dmarc.ruf-not-authorised info"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), TABLE.values(), ids=TABLE.keys())
def test_records(text: str, expected: list[str]) -> None:
    assert ids(dmarc_of(text)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "neither",
        "a semicolon forgotten",
        "test mode",
        "sp weaker",
        "np weaker",
        "a misspelt tag",
        "a tag in capitals",
        "pct that holds back",
        "psd=y",
        "an address without mailto",
        "a blank between addresses",
    ],
)
def test_what_is_pasted_mends_it(name: str) -> None:
    text, _ = TABLE[name]
    finding = next(f for f in dmarc_of(text) if f.fix.startswith(DMARC))
    after = dmarc_of(pasted(finding))
    assert finding.id not in {f.id for f in after}
    assert {f.severity for f in after} <= {Severity.OK, Severity.INFO}


def test_the_authorisation_that_is_missing_is_shown() -> None:
    (finding,) = dmarc_of("v=DMARC1; p=reject; rua=mailto:x@silent.example")
    assert finding.elsewhere
    assert finding.fix == f'{NAME}._report._dmarc.silent.example. 3600 IN TXT "v=DMARC1"'


# No record, or not one


ABSENT = {
    "nothing": ((), ["dmarc.missing error"]),
    "another text": (("v=spf1 -all",), ["dmarc.missing error"]),
    "two": ((GOOD, "v=DMARC1; p=none"), ["dmarc.multiple-records error"]),
    "one and another text": ((GOOD, "google-site-verification=x"), ["dmarc.ok ok"]),
    "one and one that is none": ((GOOD, "v=dmarc1; p=none"), ["dmarc.ok ok"]),
    "a small version": (("v=dmarc1; p=reject",), ["dmarc.not-recognised error"]),
    "a quotation mark": (('"v=DMARC1; p=reject"',), ["dmarc.not-recognised error"]),
    "a comma": (("v=DMARC1, p=reject",), ["dmarc.not-recognised error"]),
    "no semicolon": (("v=DMARC1 p=reject",), ["dmarc.not-recognised error"]),
    "another version": (("v=DMARC2; p=reject",), ["dmarc.not-recognised error"]),
    "a backslash": (("v=DMARC1\\; p=reject\\; rua=mailto:x@shop.example",), ["dmarc.not-recognised error"]),
    "p before v": (("p=reject; v=DMARC1",), ["dmarc.not-recognised error"]),
}


@pytest.mark.parametrize(("texts", "expected"), ABSENT.values(), ids=ABSENT.keys())
def test_no_record_or_not_one(texts: tuple[str, ...], expected: list[str]) -> None:
    findings = dmarc_of(*texts)
    assert ids(findings) == expected
    if expected == ["dmarc.not-recognised error"]:
        assert not {f.id for f in dmarc_of(pasted(findings[0]))} & {"dmarc.not-recognised", "dmarc.missing"}


@pytest.mark.parametrize("place", [NAME, f"{DMARC}.{NAME}", f"_dmarc.www.{NAME}", f"dmarc.{NAME}"])
def test_a_record_at_the_wrong_place(place: str) -> None:
    findings = dmarc_of(more=[Record(place, "TXT", GOOD)])
    assert ids(findings) == ["dmarc.wrong-place error"]
    assert findings[0].fix == f'{DMARC}. 3600 IN TXT "{GOOD}"'


def test_a_second_record_at_the_wrong_place_is_a_warning() -> None:
    assert ids(dmarc_of(GOOD, more=[Record(NAME, "TXT", GOOD)])) == ["dmarc.wrong-place warning"]


CHAINS = {
    "to a record": ([("dmarc.host.example", "TXT", GOOD)], ["dmarc.ok ok"]),
    "to nothing": ([], ["dmarc.cname-dangling error"]),
    "back to itself": ([("dmarc.host.example", "CNAME", DMARC)], ["dmarc.unknown unknown"]),
}


@pytest.mark.parametrize(("beyond", "expected"), CHAINS.values(), ids=CHAINS.keys())
def test_aliases(beyond: list[tuple[str, str, str]], expected: list[str]) -> None:
    more = [Record(DMARC, "CNAME", "dmarc.host.example"), *(Record(*one) for one in beyond)]
    assert ids(dmarc_of(more=more)) == expected


def test_a_domain_that_only_receives_is_warned() -> None:
    assert ids(dmarc_of(profile=Profile.RECEIVING)) == ["dmarc.missing warning"]
    assert ids(dmarc_of(profile=Profile.BULK_SENDER)) == ["dmarc.missing error"]


PARKED = {
    "reject": (f"v=DMARC1; p=reject; {REPORTS}", ["dmarc.ok ok"]),
    "quarantine": (f"v=DMARC1; p=quarantine; {REPORTS}", ["dmarc.parked-not-reject warning"]),
    "none": (f"v=DMARC1; p=none; {REPORTS}", ["dmarc.parked-not-reject error"]),
    "test mode": (
        f"v=DMARC1; p=reject; t=y; {REPORTS}",
        ["dmarc.parked-not-reject warning", "dmarc.testing info"],
    ),
    "no policy": (f"v=DMARC1; p=x; {REPORTS}", ["dmarc.invalid-policy error"]),
    "missing": (None, ["dmarc.missing error"]),
}


@pytest.mark.parametrize(("text", "expected"), PARKED.values(), ids=PARKED.keys())
def test_a_parked_domain(text: str | None, expected: list[str]) -> None:
    findings = dmarc_of(*([text] if text else []), profile=Profile.PARKED)
    assert ids(findings) == expected
    if expected[0].startswith(("dmarc.parked", "dmarc.missing")):
        assert "v=DMARC1; p=reject" in {f.expected for f in findings}


# The tree walk


SUB = f"news.{NAME}"


def of_sub(parent: str, *more: Record, name: str = SUB, faults: Faults | None = None) -> list[Finding]:
    there = Record(SUB, "A", "192.0.2.11")
    return run(dmarc.check, dmarc_zone(parent, more=[there, *more]), faults=faults, target={"name": name})


INHERITED = {
    "p": (GOOD, ["dmarc.ok ok"], "says p=reject"),
    "sp": (f"v=DMARC1; p=quarantine; sp=reject; {REPORTS}", ["dmarc.ok ok"], "says sp=reject"),
    "a weaker sp": (f"v=DMARC1; p=reject; sp=none; {REPORTS}", ["dmarc.subdomain-weaker warning"], "sp=none"),
    "np is not for what exists": (
        f"v=DMARC1; p=quarantine; np=reject; {REPORTS}",
        ["dmarc.ok ok"],
        "p=quarantine",
    ),
    "broken above": (f"v=DMARC1; p=x; {REPORTS}", ["dmarc.invalid-policy error"], "acts as p=none"),
}


@pytest.mark.parametrize(("parent", "expected", "said"), INHERITED.values(), ids=INHERITED.keys())
def test_a_subdomain_has_the_policy_from_above(parent: str, expected: list[str], said: str) -> None:
    findings = of_sub(parent)
    assert ids(findings) == expected
    assert said in findings[0].message


def test_a_subdomain_that_does_not_exist_has_np() -> None:
    findings = of_sub(f"v=DMARC1; p=quarantine; np=reject; {REPORTS}", name=f"gone.{NAME}")
    assert "says np=reject" in findings[0].message


def test_a_name_of_many_labels_asks_the_suffix_of_seven() -> None:
    name = f"a.b.c.d.e.f.g.h.{SUB}"
    assert ids(of_sub(GOOD, name=name)) == ["dmarc.ok ok"]


def test_what_is_wrong_above_is_said() -> None:
    assert ids(of_sub("v=dmarc1; p=reject")) == ["dmarc.missing error"]
    two = of_sub(GOOD, Record(DMARC, "TXT", "v=DMARC1; p=none"))
    assert ids(two) == ["dmarc.multiple-records error"]
    assert two[0].evidence[0].question == f"{DMARC} TXT"
    near = of_sub(GOOD, Record(f"_dmarc.{SUB}", "TXT", "v=dmarc1; p=none"))
    assert ids(near) == ["dmarc.not-recognised error"]


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS])
@pytest.mark.parametrize(
    ("text", "silent"),
    [
        (GOOD, DMARC),
        ("v=DMARC1; p=reject; rua=mailto:x@silent.example", ("silent.example", "MX")),
        ("v=DMARC1; p=reject; rua=mailto:x@reports.example", f"{NAME}._report._dmarc.reports.example"),
    ],
)
def test_a_silent_server_is_unknown(status: Status, text: str, silent: Any) -> None:
    findings = dmarc_of(text, faults={silent: status})
    assert ids(findings) == ["dmarc.unknown unknown"]
    assert any(e.answer.startswith(status.value) for e in findings[0].evidence)


def test_silence_above_a_subdomain_may_hide_its_policy() -> None:
    faults: Faults = {DMARC: Status.TIMEOUT}
    assert ids(of_sub(GOOD, faults=faults)) == ["dmarc.unknown unknown"]


def test_silence_at_the_registry_hides_no_record_of_the_domain() -> None:
    faults: Faults = {"_dmarc.example": Status.REFUSED}
    assert ids(dmarc_of(faults=faults)) == ["dmarc.missing error"]
    assert ids(dmarc_of(GOOD, faults=faults)) == ["dmarc.ok ok"]


def test_the_existence_that_np_asks_for_may_be_unknown() -> None:
    findings = of_sub(f"v=DMARC1; p=reject; np=reject; {REPORTS}", faults={(SUB, "A"): Status.TIMEOUT})
    assert ids(findings) == ["dmarc.unknown unknown"]


# Hostile zones


def test_many_addresses_are_not_all_asked_about() -> None:
    many = ",".join(f"mailto:x@h{n}.other.example" for n in range(500))
    resolver = MemoryResolver(dmarc_zone(f"v=DMARC1; p=reject; rua={many}; ruf={many}"))
    tools = Tools(resolver, NOW)
    findings = asyncio.run(dmarc.check(Target(NAME), tools))
    assert len(resolver.asked) < 400
    assert 1 <= len(findings) <= 40


@pytest.mark.parametrize(
    "text", ["v=DMARC1;" + ";" * 60_000, "v=DMARC1; p=" + "x" * 60_000, "v=DMARC1; " + "a=b; " * 12_000]
)
def test_a_record_of_64_kb_ends(text: str) -> None:
    findings = dmarc_of(text)
    assert findings
    assert sum(len(str(f)) for f in findings) < 40_000


PIECES = st.sampled_from(
    [
        "v=DMARC1",
        "v=dmarc1",
        "p=reject",
        "p=",
        "sp=x",
        "np=none",
        "rua=mailto:a@b",
        "rua=x",
        "psd=y",
        "t=y",
        "pct=1",
        ";",
        "\x00",
        '"',
    ]
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, LATIN), max_size=8).map("; ".join), st.sampled_from(list(Profile)))
def test_no_text_makes_it_fail(text: str, profile: Profile) -> None:
    for start in ("", "v=DMARC1; "):
        findings = dmarc_of(start + text, profile=profile)
        assert findings
        assert all(f.area == "dmarc" for f in findings)


def test_the_healthy_zone_of_the_other_areas_is_healthy_here() -> None:
    assert ids(run(dmarc.check, HEALTHY)) == ["dmarc.no-rua info", "dmarc.ok ok"]
