"""TLS-RPT: records, and whether reports have somewhere to go."""

import pytest

from mailctl.domains.checks import tlsrpt
from mailctl.domains.checks.target import Profile
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import NAME, ids, run, zone

WHERE = f"_smtp._tls.{NAME}"
GOOD = f"v=TLSRPTv1; rua=mailto:tls@{NAME}"


def record(*texts: str) -> tuple[Record, ...]:
    return tuple(Record(WHERE, "TXT", text) for text in texts)


@pytest.mark.parametrize("profile", Profile)
def test_a_healthy_domain_is_ok(profile: Profile) -> None:
    assert ids(run(tlsrpt.check, zone(more=record(GOOD)), target={"profile": profile})) == ["tlsrpt.ok ok"]


TABLE: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "nothing": ((), ["tlsrpt.missing info"]),
    "at the domain itself": ((Record(NAME, "TXT", GOOD),), ["tlsrpt.record-misplaced error"]),
    "other texts": (record("v=spf1 -all"), ["tlsrpt.missing info"]),
    "other texts beside it": (record("v=spf1 -all", GOOD), ["tlsrpt.ok ok"]),
    "several": (record(GOOD, GOOD + ";"), ["tlsrpt.several-records error"]),
    "a small letter": (record(GOOD.replace("TLSRPT", "tlsrpt")), ["tlsrpt.record-invalid error"]),
    "no rua": (record("v=TLSRPTv1;"), ["tlsrpt.record-invalid error"]),
    "an address without mailto": (record(f"v=TLSRPTv1; rua=tls@{NAME}"), ["tlsrpt.record-invalid error"]),
    "http": (record(f"v=TLSRPTv1; rua=http://{NAME}/"), ["tlsrpt.record-invalid error"]),
    "https": (record(f"v=TLSRPTv1; rua=https://mail.{NAME}/reports"), ["tlsrpt.ok ok"]),
    "https to nowhere": (
        record(f"v=TLSRPTv1; rua=https://gone.{NAME}/reports"),
        ["tlsrpt.destination-unreachable warning"],
    ),
    "mail to nowhere": (
        record("v=TLSRPTv1; rua=mailto:tls@gone.other.example"),
        ["tlsrpt.destination-unreachable warning"],
    ),
    "mail to a null MX": (
        (*record("v=TLSRPTv1; rua=mailto:tls@no.other.example"), Record("no.other.example", "MX", "0 .")),
        ["tlsrpt.destination-unreachable warning"],
    ),
    "mail to a host without MX": (
        (*record("v=TLSRPTv1; rua=mailto:tls@a.other.example"), Record("a.other.example", "A", "8.8.8.8")),
        ["tlsrpt.ok ok"],
    ),
    "one of two is lost": (
        record(f"{GOOD},mailto:tls@gone.other.example"),
        ["tlsrpt.destination-unreachable warning"],
    ),
    "a record elsewhere": (
        (Record(WHERE, "CNAME", "rpt.other.example"), Record("rpt.other.example", "TXT", GOOD)),
        ["tlsrpt.ok ok"],
    ),
    "a record elsewhere that is gone": (
        (Record(WHERE, "CNAME", "rpt.other.example"),),
        ["tlsrpt.dangling-cname error"],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_records(case: str) -> None:
    records, expected = TABLE[case]
    assert ids(run(tlsrpt.check, zone(more=records))) == expected


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS])
@pytest.mark.parametrize("question", [(WHERE, "TXT"), ("there.example", "MX"), ("host.example", "A")])
def test_what_nobody_answers_is_unknown(question: tuple[str, str], status: Status) -> None:
    texts = {
        "there.example": "v=TLSRPTv1; rua=mailto:a@there.example",
        "host.example": "v=TLSRPTv1; rua=https://host.example/",
    }
    records = zone(more=record(texts.get(question[0], GOOD)))
    assert ids(run(tlsrpt.check, records, faults={question: status})) == ["tlsrpt.unknown unknown"]


def test_a_domain_that_takes_no_mail_needs_none() -> None:
    records = zone(without=[(NAME, "MX")], more=[Record(NAME, "MX", "0 .")])
    assert ids(run(tlsrpt.check, records)) == ["tlsrpt.not-needed ok"]


def test_whether_mail_is_taken_is_not_guessed() -> None:
    records = zone(without=[(NAME, "MX")])
    assert ids(run(tlsrpt.check, records, faults={(NAME, "A"): Status.SERVFAIL})) == ["tlsrpt.missing info"]
