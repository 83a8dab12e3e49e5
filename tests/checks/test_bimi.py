"""BIMI: records, and the DMARC policies that let them count."""

import pytest

from mailctl.domains.checks import bimi
from mailctl.domains.checks.target import Profile
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import NAME, ids, run, zone

WHERE, DMARC = f"default._bimi.{NAME}", f"_dmarc.{NAME}"
GOOD = f"v=BIMI1; l=https://{NAME}/logo.svg; a=https://{NAME}/mark.pem"


def record(*texts: str) -> tuple[Record, ...]:
    return tuple(Record(WHERE, "TXT", text) for text in texts)


@pytest.mark.parametrize("profile", Profile)
def test_a_healthy_domain_is_ok(profile: Profile) -> None:
    assert ids(run(bimi.check, zone(more=record(GOOD)), target={"profile": profile})) == ["bimi.ok ok"]


TABLE: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "nothing": ((), ["bimi.missing info"]),
    "other texts": (record("v=spf1 -all"), ["bimi.missing info"]),
    "several": (record(GOOD, "v=BIMI1; l="), ["bimi.several-records error"]),
    "small letters": (record(GOOD.replace("BIMI1", "bimi1")), ["bimi.record-invalid error"]),
    "no location": (record("v=BIMI1;"), ["bimi.record-invalid error"]),
    "http": (record(GOOD.replace("l=https", "l=http")), ["bimi.record-invalid error"]),
    "a certificate over http": (record(GOOD.replace("a=https", "a=http")), ["bimi.record-invalid error"]),
    "a PNG": (record(GOOD.replace("svg", "png")), ["bimi.not-svg error"]),
    "no certificate": (record(GOOD.partition("; a=")[0]), ["bimi.no-certificate info", "bimi.ok ok"]),
    "declined": (record("v=BIMI1; l=; a=;"), ["bimi.declined info"]),
}


@pytest.mark.parametrize("case", TABLE)
def test_records(case: str) -> None:
    records, expected = TABLE[case]
    assert ids(run(bimi.check, zone(more=records))) == expected


@pytest.mark.parametrize(
    ("policy", "enforcing"),
    [
        ("v=DMARC1; p=reject", True),
        ("v=DMARC1; p=quarantine", True),
        ("v=DMARC1; p=quarantine; sp=reject", True),
        ("v=DMARC1; p=reject; pct=50", True),
        ("v=DMARC1; p=none", False),
        ("v=DMARC1; p=quarantine; t=y", False),
        ("v=DMARC1; p=reject; sp=none", False),
        ("v=DMARC1; p=quarantine; pct=50", False),
        ("v=DMARC1; p=nonsense", False),
        ("v=DMARC1; p=nonsense; rua=mailto:a@shop.example", False),
        (None, False),
    ],
)
def test_it_depends_on_an_enforcing_policy(policy: str | None, enforcing: bool) -> None:
    policies = () if policy is None else (Record(DMARC, "TXT", policy),)
    findings = run(bimi.check, zone(without=[(DMARC, "TXT")], more=[*record(GOOD), *policies]))
    assert ids(findings) == (["bimi.ok ok"] if enforcing else ["bimi.dmarc-not-enforcing error"])


NEWS = f"news.{NAME}"


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ("p=quarantine", "bimi.ok ok"),
        ("p=none", "bimi.dmarc-not-enforcing error"),
        ("p=reject; sp=none", "bimi.dmarc-not-enforcing error"),
    ],
)
def test_the_policy_above_has_to_be_strict_too(above: str, expected: str) -> None:
    policies = [
        Record(DMARC, "TXT", f"v=DMARC1; {above}"),
        Record(f"_dmarc.{NEWS}", "TXT", "v=DMARC1; p=reject"),
    ]
    records = zone(without=[(DMARC, "TXT")], more=[*policies, Record(f"default._bimi.{NEWS}", "TXT", GOOD)])
    assert ids(run(bimi.check, records, target={"name": NEWS})) == [expected]


def test_the_record_above_counts_where_there_is_none() -> None:
    found = run(bimi.check, zone(more=record(GOOD)), target={"name": NEWS})
    assert ids(found) == ["bimi.ok ok"]
    assert found[0].evidence[0].question == f"{WHERE} TXT"
    slip = Record(f"default._bimi.{NEWS}", "TXT", GOOD.replace("BIMI1", "bimi1"))
    found = run(bimi.check, zone(more=[*record(GOOD), slip]), target={"name": NEWS})
    assert ids(found) == ["bimi.record-invalid error"]


def test_a_policy_from_above_counts() -> None:
    records = zone(more=[Record(f"default._bimi.news.{NAME}", "TXT", GOOD)])
    assert ids(run(bimi.check, records, target={"name": f"news.{NAME}"})) == ["bimi.ok ok"]


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS])
@pytest.mark.parametrize("name", [WHERE, DMARC])
def test_what_nobody_answers_is_unknown(name: str, status: Status) -> None:
    findings = run(bimi.check, zone(more=record(GOOD)), faults={name: status})
    assert ids(findings) == ["bimi.unknown unknown"]
    assert findings[0].evidence[0].question == f"{name} TXT"


def test_a_parked_domain_needs_no_logo() -> None:
    assert ids(run(bimi.check, target={"profile": Profile.PARKED})) == ["bimi.not-needed ok"]
