"""MX: a table of zones and what is to be said about each."""

from collections.abc import Sequence

import pytest

from mailctl.domains.checks import mx
from mailctl.domains.checks.target import Profile
from mailctl.domains.findings import Severity
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import HEALTHY, NAME, Faults, ids, run, zone

MX = (NAME, "MX")
NULL = Record(NAME, "MX", "0 .")
MAIL = f"mail.{NAME}"
APEX_A = Record(NAME, "A", "192.0.2.80")
NO_SPF = (NAME, "TXT")


def mx_zone(*hosts: str, more: Sequence[Record] = ()) -> tuple[Record, ...]:
    return zone(without=[MX], more=[*(Record(NAME, "MX", host) for host in hosts), *more])


@pytest.mark.parametrize("profile", [p for p in Profile if p is not Profile.PARKED])
def test_a_healthy_domain_is_ok(profile: Profile) -> None:
    assert ids(run(mx.check, target={"profile": profile})) == ["mx.ok ok"]


# the zone, and what is found: the same for a sender, a bulk sender and a receiver
TABLE: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "one exchange": (mx_zone(f"10 {MAIL}"), ["mx.ok ok", "mx.single info"]),
    "no exchange has IPv6": (
        mx_zone(f"10 mail2.{NAME}", f"20 mail3.{NAME}", more=[Record(f"mail3.{NAME}", "A", "192.0.2.13")]),
        ["mx.no-ipv6 info", "mx.ok ok"],
    ),
    "no exchange has IPv4": (
        zone(without=[MX, (MAIL, "A")], more=[Record(NAME, "MX", f"10 {MAIL}")]),
        ["mx.no-ipv4 warning", "mx.single info"],
    ),
    "an alias": (
        mx_zone(f"10 {MAIL}", f"20 alias.{NAME}", more=[Record(f"alias.{NAME}", "CNAME", MAIL)]),
        ["mx.is-cname error"],
    ),
    "an alias of nothing is one finding": (
        mx_zone(f"10 {MAIL}", f"20 alias.{NAME}", more=[Record(f"alias.{NAME}", "CNAME", f"gone.{NAME}")]),
        ["mx.is-cname error"],
    ),
    "an address": (mx_zone(f"10 {MAIL}", "20 192.0.2.10"), ["mx.is-address error"]),
    "an address in brackets": (mx_zone(f"10 {MAIL}", "20 [192.0.2.10]"), ["mx.is-address error"]),
    "twice with other preferences": (
        mx_zone(f"10 {MAIL}", f"20 {MAIL}", f"30 mail2.{NAME}"),
        ["mx.duplicate warning"],
    ),
    "NXDOMAIN": (mx_zone(f"10 {MAIL}", f"20 gone.{NAME}"), ["mx.unresolvable error"]),
    "NODATA": (
        mx_zone(f"10 {MAIL}", f"20 text.{NAME}", more=[Record(f"text.{NAME}", "TXT", "no address")]),
        ["mx.unresolvable error"],
    ),
    "each host without an address is told": (
        mx_zone(f"10 gone.{NAME}", f"20 gone2.{NAME}"),
        ["mx.unresolvable error", "mx.unresolvable error"],
    ),
    "null beside others": (mx_zone("0 .", f"10 {MAIL}"), ["mx.null-not-alone error"]),
    "two null records": (mx_zone("0 .", "10 ."), ["mx.null-not-alone error"]),
    **{
        f"private: {address}": (
            mx_zone(f"10 {MAIL}", f"20 in.{NAME}", more=[Record(f"in.{NAME}", kind, address)]),
            ["mx.private error"],
        )
        for kind, address in [
            ("A", "10.0.0.5"),
            ("A", "192.168.1.1"),
            ("A", "127.0.0.1"),
            ("A", "0.0.0.0"),
            ("A", "169.254.1.1"),
            ("A", "100.64.0.1"),
            ("A", "240.0.0.1"),
            ("AAAA", "::1"),
            ("AAAA", "fe80::1"),
            ("AAAA", "fd00::1"),
        ]
    },
}


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("profile", [Profile.SENDER, Profile.BULK_SENDER, Profile.RECEIVING])
def test_the_table(case: str, profile: Profile) -> None:
    records, expected = TABLE[case]
    assert ids(run(mx.check, records, target={"profile": profile})) == expected


WITHOUT = zone(without=[MX])
DENY = [Record(NAME, "TXT", "v=spf1 -all")]
NULL_SENDS = zone(without=[MX], more=[NULL])
NULL_ONLY = zone(without=[MX, NO_SPF], more=[NULL, *DENY])

# the zone and the profile, and what is found
BY_PROFILE: list[tuple[str, tuple[Record, ...], Profile, list[str]]] = [
    ("nothing", WITHOUT, Profile.SENDER, ["mx.missing warning"]),
    ("nothing", WITHOUT, Profile.BULK_SENDER, ["mx.missing warning"]),
    ("nothing", WITHOUT, Profile.RECEIVING, ["mx.missing error"]),
    ("nothing", WITHOUT, Profile.PARKED, ["mx.ok ok"]),
    ("an address", (*WITHOUT, APEX_A), Profile.SENDER, ["mx.missing warning"]),
    ("an address", (*WITHOUT, APEX_A), Profile.RECEIVING, ["mx.missing warning"]),
    ("an address", (*WITHOUT, APEX_A), Profile.PARKED, ["mx.not-null warning"]),
    ("null", NULL_ONLY, Profile.PARKED, ["mx.null ok"]),
    ("null", NULL_ONLY, Profile.SENDER, ["mx.null ok"]),
    ("null", NULL_ONLY, Profile.RECEIVING, ["mx.null-but-receives error"]),
    ("null, SPF sends", NULL_SENDS, Profile.SENDER, ["mx.null-but-sends warning"]),
    ("null, SPF sends", NULL_SENDS, Profile.PARKED, ["mx.null-but-sends warning"]),
    (
        "null, SPF redirects",
        zone(without=[MX, NO_SPF], more=[NULL, Record(NAME, "TXT", "v=spf1 redirect=_spf.shop.example")]),
        Profile.SENDER,
        ["mx.null-but-sends warning"],
    ),
    (
        "null, SPF is broken",
        zone(without=[MX, NO_SPF], more=[NULL, Record(NAME, "TXT", "v=spf1 ip4:nonsense -all")]),
        Profile.SENDER,
        ["mx.null ok"],
    ),
    (
        "null, preference",
        zone(without=[MX, NO_SPF], more=[Record(NAME, "MX", "10 ."), *DENY]),
        Profile.PARKED,
        ["mx.null-preference warning"],
    ),
    ("exchanges", HEALTHY, Profile.PARKED, ["mx.not-null warning"]),
]


@pytest.mark.parametrize(("case", "records", "profile", "expected"), BY_PROFILE)
def test_what_depends_on_the_profile(
    case: str, records: tuple[Record, ...], profile: Profile, expected: list[str]
) -> None:
    assert ids(run(mx.check, records, target={"profile": profile})) == expected


def test_of_thousands_some_are_looked_at() -> None:
    hosts = [f"h{n}.{NAME}" for n in range(2000)]
    records = mx_zone(
        *(f"10 {host}" for host in hosts),
        more=[
            Record(host, kind, ip)
            for host in hosts
            for kind, ip in (("A", "192.0.2.1"), ("AAAA", "2001:db8::1"))
        ],
    )
    (finding,) = run(mx.check, records)
    assert ids([finding]) == ["mx.too-many warning"]
    assert len(finding.evidence[0].answer) < 100


FAULTY = (Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS)


@pytest.mark.parametrize("status", FAULTY)
@pytest.mark.parametrize("where", [MX, (MAIL, "A"), (MAIL, "AAAA"), MAIL])
def test_a_fault_is_unknown(status: Status, where: tuple[str, str] | str) -> None:
    faults: Faults = {where: status}
    findings = run(mx.check, faults=faults)
    assert ids(findings) == ["mx.unknown unknown"]
    assert str(status) in findings[0].message


@pytest.mark.parametrize("status", FAULTY)
def test_whether_the_domain_has_an_address_may_be_unknown(status: Status) -> None:
    findings = run(mx.check, WITHOUT, faults={(NAME, "A"): status}, target={"profile": Profile.RECEIVING})
    assert ids(findings) == ["mx.missing warning"]
    assert "unknown" in findings[0].message


def test_one_family_is_known_and_absent_the_other_unknown() -> None:
    findings = run(mx.check, mx_zone(f"10 mail2.{NAME}"), faults={(f"mail2.{NAME}", "A"): Status.TIMEOUT})
    assert ids(findings) == ["mx.single info", "mx.unknown unknown"]


def test_an_unknown_spf_record_is_not_held_against_a_null_mx() -> None:
    assert ids(run(mx.check, NULL_SENDS, faults={NO_SPF: Status.SERVFAIL})) == ["mx.null ok"]


def test_private_addresses_pass_in_a_laboratory() -> None:
    records = zone(without=[(MAIL, "A")], more=[Record(MAIL, "A", "127.0.0.1")])
    assert ids(run(mx.check, records, allow_private=True)) == ["mx.ok ok"]


def test_the_evidence_and_the_fix_can_be_used() -> None:
    (finding,) = run(mx.check, mx_zone(f"10 {MAIL}", f"20 gone.{NAME}"))
    assert [(e.question, e.answer) for e in finding.evidence] == [
        (f"gone.{NAME} A", "nxdomain"),
        (f"gone.{NAME} AAAA", "nxdomain"),
    ]
    assert finding.severity is Severity.ERROR
    assert f"gone.{NAME}" in finding.fix
    (finding,) = run(mx.check, TABLE["an alias"][0])
    assert finding.fix == f"{NAME}. 3600 IN MX 20 {MAIL}."


def test_a_forgotten_final_dot_is_named() -> None:
    (finding,) = run(mx.check, mx_zone(f"10 {MAIL}", f"20 mx.{NAME}.{NAME}"))
    assert "final dot" in finding.message
