"""What verify says where one record is wrong: just that, with its evidence, and never more than it knows."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mailctl.domains.checks.catalogue import catalogue
from mailctl.domains.checks.entries.planned import ENTRIES, RECORDS, STATES, finding_id
from mailctl.domains.desired import MailDomain, Purpose
from mailctl.domains.findings import Finding, Report, Severity
from mailctl.domains.verify import verify
from mailctl.edges.publisher import MemoryPublisher
from mailctl.standards.dns import Record, Status
from mailctl.verifying import exit_code as code_of
from tests.domains.world import TwinDns
from tests.domains.zone_examples import (
    COMPLETE,
    HOST,
    HOUSE,
    IPV4,
    IPV6,
    KEY,
    KEY_NAME,
    KEY_TEXT,
    NAME,
    OTHER_KEY,
    PTR4,
    RETURN_PATH,
    but,
    mail_domain,
    records,
)

DMARC = f"_dmarc.{NAME}"
UNANSWERED = (Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS)


def dns(zone: tuple[Record, ...], **differences: Any) -> TwinDns:
    inside = [r for r in zone if r.name == NAME or r.name.endswith(f".{NAME}")]
    house = [r for r in zone if r.name.endswith(HOUSE)]
    elsewhere = tuple(r for r in zone if r not in inside and r not in house)
    return TwinDns(MemoryPublisher({NAME: inside, HOUSE: house}), elsewhere, **differences)


def run(zone: tuple[Record, ...] = COMPLETE, domain: MailDomain | None = None, **differences: Any) -> Report:
    return asyncio.run(verify(domain or mail_domain(), dns(zone, **differences), NAME))


def wrong(report: Report) -> dict[str, Severity]:
    """Everything that is not fine; an id that comes twice is a test's failure."""
    found = [f for f in report.findings if f.severity is not Severity.OK]
    assert len({f.id for f in found}) == len(found)
    return {f.id: f.severity for f in found}


def only(report: Report) -> Finding:
    (finding,) = (f for f in report.findings if f.severity is not Severity.OK)
    return finding


def exit_code(reports: list[Report]) -> int:
    return code_of({finding.severity for report in reports for finding in report.findings})


def test_a_complete_zone_is_clean() -> None:
    report = run()
    assert wrong(report) == {}
    assert (report.verdict, exit_code([report])) == (Severity.OK, 0)
    assert {f.id for f in report.findings} == {
        "spf.ok", "spf.return-path-ok", "spf.helo-ok", "mx.return-path-ok", "dkim.ok", "dmarc.ok", "ptr.ok",
        "dns.host-address-ok", "spf.address-passes", "dmarc.aligned",
    }  # fmt: skip


def test_strict_alignment_leaves_dkim_alone_to_carry_dmarc() -> None:
    report = run(but((DMARC, "TXT", "v=DMARC1; p=none; aspf=s")))
    found = next(f for f in report.findings if f.id == "dmarc.one-leg")
    assert (found.severity, exit_code([report])) == (Severity.INFO, 0)
    assert "aspf=s" in found.message


ERROR = Severity.ERROR
BROKEN = [
    # name, type, what is there instead, the finding, what the evidence says
    (NAME, "TXT", None, "spf.missing", "nxdomain|nodata"),
    (NAME, "TXT", "v=spf1 mx -all", "spf.wrong", r"v=spf1 mx -all"),
    (NAME, "TXT", "v=spf1 ip4:300.1.1.1", "spf.conflict", "300"),
    (RETURN_PATH, "TXT", None, "spf.return-path-missing", "nodata"),
    (RETURN_PATH, "TXT", "v=spf1 -all", "spf.return-path-wrong", "v=spf1 -all"),
    (RETURN_PATH, "TXT", "v=spf1 bad:", "spf.return-path-conflict", "bad"),
    (HOST, "TXT", None, "spf.helo-missing", "nodata"),
    (HOST, "TXT", "v=spf1 a -all", "spf.helo-wrong", "v=spf1 a -all"),
    (RETURN_PATH, "MX", None, "mx.return-path-missing", "nodata"),
    (RETURN_PATH, "MX", "10 mx.office.example", "mx.return-path-wrong", "mx.office.example"),
    (KEY_NAME, "TXT", None, "dkim.missing", "nxdomain"),
    (KEY_NAME, "TXT", OTHER_KEY, "dkim.wrong", "AAAAAAA"),
    (KEY_NAME, "TXT", KEY_TEXT[:60], "dkim.wrong", KEY_TEXT[:60]),
    (KEY_NAME, "CNAME", "k.vendor.example", "dkim.conflict", ""),
    (DMARC, "TXT", None, "dmarc.missing", "nxdomain"),
    (DMARC, "TXT", "v=DMARC1; sp=none", "dmarc.wrong", "sp=none"),
    (DMARC, "TXT", "v=DMARC1; p=no ne", "dmarc.conflict", "p=no ne"),
    (DMARC, "TXT", "V=dmarc1; p=none", "dmarc.missing", "V=dmarc1"),
    (HOST, "A", None, "dns.host-address-missing", "nodata"),
    (HOST, "A", "198.51.100.9", "dns.host-address-wrong", "198.51.100.9"),
    (PTR4, "PTR", None, "ptr.missing", "nxdomain"),
    (PTR4, "PTR", "vm7.hoster.example", "ptr.wrong", "vm7.hoster.example"),
]


@pytest.mark.parametrize(("name", "rdtype", "there", "id_", "seen"), BROKEN)
def test_one_finding_for_one_fault(name: str, rdtype: str, there: str | None, id_: str, seen: str) -> None:
    zone = but((name, rdtype, there))
    if rdtype == "CNAME":
        zone = tuple(r for r in zone if r.name != name or r.rdtype == "CNAME")
    report = run(zone)
    assert wrong(report) == {id_: ERROR}
    assert exit_code([report]) == 1
    finding = only(report)
    (evidence,) = finding.evidence
    assert evidence.question == f"{name} {'TXT' if rdtype == 'CNAME' else rdtype}"
    assert re.search(seen, evidence.answer)
    assert evidence.server == "memory"
    assert finding.reference.startswith("RFC ")
    assert finding.message
    assert finding.fix
    assert finding.elsewhere is (rdtype == "PTR")
    assert report.findings[0] is finding


def test_two_records_where_one_is_allowed() -> None:
    twice = (*COMPLETE, Record(NAME, "TXT", "v=spf1 -all"), Record(DMARC, "TXT", "v=DMARC1; p=reject"))
    assert wrong(run(twice)) == {"spf.conflict": ERROR, "dmarc.conflict": ERROR}


def test_a_fix_can_be_pasted() -> None:
    fix = only(run(but((KEY_NAME, "TXT", None)))).fix
    assert fix.startswith(f"{KEY_NAME}. 3600 IN TXT ")
    assert KEY_TEXT in fix.replace('" "', "")
    assert only(run(but((PTR4, "PTR", None)))).fix == (
        f"ask whoever gave you the address to set {PTR4} PTR {HOST}"
    )


def test_a_key_on_its_way_out_is_still_expected() -> None:
    domain = mail_domain(keys=(KEY, replace(KEY, selector="old", state="retiring")))
    assert wrong(run(COMPLETE, domain)) == {"dkim.missing": ERROR}


def test_delegated_keys() -> None:
    domain = mail_domain(keys=(replace(KEY, selector="mc1"),), delegation_zone=HOUSE)
    delegated = records(
        (f"mc1._domainkey.{NAME}", "CNAME", f"mc1.{NAME}.{HOUSE}"),
        (f"mc2._domainkey.{NAME}", "CNAME", f"mc2.{NAME}.{HOUSE}"),
        (f"mc1.{NAME}.{HOUSE}", "TXT", KEY_TEXT),
    )
    assert wrong(run(COMPLETE + delegated, domain)) == {}
    assert wrong(run(COMPLETE + delegated[:2], domain)) == {"dkim.missing": ERROR}
    assert wrong(run(COMPLETE + delegated[1:], domain)) == {"dkim.delegation-missing": ERROR}
    away = (*delegated[1:], Record(f"mc1._domainkey.{NAME}", "CNAME", "k.vendor.example"))
    assert wrong(run(COMPLETE + away, domain)) == {"dkim.delegation-wrong": ERROR}


def test_the_mx_is_expected_only_where_the_host_takes_mail() -> None:
    receives = mail_domain(receives_mail=True)
    assert wrong(run(COMPLETE, receives)) == {"mx.domain-missing": ERROR}
    assert wrong(run((*COMPLETE, Record(NAME, "MX", "10 mx.office.example")), receives)) == {
        "mx.domain-wrong": ERROR
    }
    assert wrong(run((*COMPLETE, Record(NAME, "MX", "10 mx.office.example")))) == {}


PROPAGATING = [
    (NAME, "TXT", "spf.propagating"),
    (RETURN_PATH, "TXT", "spf.return-path-propagating"),
    (RETURN_PATH, "MX", "mx.return-path-propagating"),
    (KEY_NAME, "TXT", "dkim.propagating"),
    (DMARC, "TXT", "dmarc.propagating"),
    (HOST, "A", "dns.host-address-propagating"),
]


@pytest.mark.parametrize(("name", "rdtype", "id_"), PROPAGATING)
def test_what_every_server_has_and_the_resolver_has_not_is_propagating(
    name: str, rdtype: str, id_: str
) -> None:
    report = run(stale={(name, rdtype)})
    assert wrong(report) == {id_: Severity.WARNING}
    assert exit_code([report]) == 0
    assert only(report).fix.startswith("wait")
    hidden = run(hidden={(name, rdtype)})
    assert set(wrong(hidden)) == {id_.replace("propagating", "missing")}


QUESTIONS = {(r.name, r.rdtype) for r in COMPLETE}


@pytest.mark.parametrize("status", UNANSWERED)
@pytest.mark.parametrize(("name", "rdtype"), sorted(QUESTIONS))
def test_silence_is_unknown_and_never_missing(name: str, rdtype: str, status: Status) -> None:
    report = run(faults={(name, rdtype): status})
    (finding,) = (f for f in report.findings if f.severity is not Severity.OK)
    assert finding.severity is Severity.UNKNOWN
    assert finding.id.endswith("unknown")
    assert status.value in finding.message
    assert finding.evidence[0].answer.startswith(status.value)
    assert (report.verdict, exit_code([report])) == (Severity.UNKNOWN, 3)


@pytest.mark.parametrize("status", UNANSWERED)
def test_a_zone_that_says_nothing_at_all(status: Status) -> None:
    names = {name for name, _ in QUESTIONS}
    report = run(faults=dict.fromkeys(names, status))
    assert {f.severity for f in report.findings} == {Severity.UNKNOWN}
    assert exit_code([report]) == 3
    found = [f.id for f in report.findings]
    assert len(found) == len(COMPLETE)


@pytest.mark.parametrize("status", UNANSWERED)
def test_an_include_that_nobody_answers_for(status: Status) -> None:
    """Behind our address it costs nothing; before it, a receiver gets a temperror."""
    harmless = but((RETURN_PATH, "TXT", f"v=spf1 ip4:{IPV4} ip6:{IPV6} include:_spf.office.example -all"))
    assert wrong(run(harmless, faults={"_spf.office.example": status})) == {}
    first = but((RETURN_PATH, "TXT", f"v=spf1 include:_spf.office.example ip4:{IPV4} ip6:{IPV6} -all"))
    report = run(first, faults={"_spf.office.example": status})
    assert {f.id for f in report.findings if f.severity is not Severity.OK} == {"spf.evaluation-unknown"}
    assert exit_code([report]) == 3


def test_a_record_that_has_our_address_and_does_not_let_it_pass() -> None:
    """The text is as planned; only an evaluation shows that an include in front of it breaks the whole record."""
    zone = but((RETURN_PATH, "TXT", f"v=spf1 include:none.office.example ip4:{IPV4} ip6:{IPV6} -all"))
    report = run(zone)
    found = [f for f in report.findings if f.severity is not Severity.OK]
    assert {f.id for f in found} == {"spf.address-does-not-pass"}
    assert [str(IPV4) in f.message for f in found].count(True) == 1
    assert all("permerror" in f.message for f in found)


def test_one_fault_does_not_hide_another_of_the_same_area() -> None:
    zone = tuple(
        r for r in COMPLETE if (r.name, r.rdtype) not in {(NAME, "TXT"), (RETURN_PATH, "TXT")}
    ) + records((RETURN_PATH, "TXT", f"v=spf1 include:none.office.example ip4:{IPV4} ip6:{IPV6} -all"))
    found = {f.id for f in run(zone).findings if f.severity is not Severity.OK}
    assert found == {"spf.missing", "spf.address-does-not-pass"}


@pytest.mark.parametrize(
    ("severities", "code"),
    [
        ((), 0),
        ((Severity.OK, Severity.INFO), 0),
        ((Severity.OK, Severity.UNKNOWN), 3),
        ((Severity.UNKNOWN, Severity.WARNING), 3),
        ((Severity.ERROR, Severity.UNKNOWN), 1),
    ],
)
def test_exit_codes(severities: tuple[Severity, ...], code: int) -> None:
    assert code_of(severities) == code


def test_a_run_may_fail_for_warnings() -> None:
    assert code_of([Severity.WARNING]) == 0
    assert code_of([Severity.WARNING, Severity.UNKNOWN], Severity.WARNING) == 1
    assert code_of([Severity.UNKNOWN], Severity.WARNING) == 3


def test_every_id_is_one_of_a_kind() -> None:
    ids = [finding_id(purpose, state) for purpose in Purpose for state in STATES]
    assert len(set(ids)) == len(ids) == len(RECORDS) * len(STATES)
    for id_ in (*ids, *(entry.id for entry in ENTRIES)):
        assert re.fullmatch(r"[a-z0-9]+\.[a-z0-9]+(-[a-z0-9]+)*", id_)
        assert id_ in catalogue()
    known: Mapping[str, Any] = catalogue()
    assert all(known[id_].reference for id_ in ids)


def test_hostile_text_is_evidence_and_no_more() -> None:
    hostile = "v=spf1 \x1b[2J\x9b31m\u202e".encode("latin-1", "replace").decode("latin-1")
    report = run(but((NAME, "TXT", hostile)))
    assert set(wrong(report)) == {"spf.conflict"}
    assert hostile in only(report).evidence[0].answer
