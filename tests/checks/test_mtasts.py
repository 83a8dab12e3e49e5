"""MTA-STS: zones, policies and policy hosts, and what is to be said about each."""

from dataclasses import replace
from typing import Any

import pytest

from mailctl.domains.checks import mtasts
from mailctl.domains.checks.target import Profile
from mailctl.domains.findings import Finding
from mailctl.edges.https import Fetched, MemoryFetcher, Trouble
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import NAME, Faults, ids, run, zone

HOST, PATH = f"mta-sts.{NAME}", "/.well-known/mta-sts.txt"
URL = f"https://{HOST}{PATH}"
RECORD = Record(f"_mta-sts.{NAME}", "TXT", "v=STSv1; id=20261101T000000;")
ADDRESS = Record(HOST, "A", "8.8.4.4")
POLICY = f"version: STSv1\r\nmode: enforce\r\nmx: mail.{NAME}\r\nmx: mail2.{NAME}\r\nmax_age: 604800\r\n"
SERVED = Fetched(HOST, PATH, status=200, content_type="text/plain; charset=utf-8", body=POLICY.encode())


def served(policy: str) -> Fetched:
    return replace(SERVED, body=policy.encode())


def look(
    response: Fetched | None = SERVED,
    records: tuple[Record, ...] = (RECORD, ADDRESS),
    *,
    without: tuple[tuple[str, str], ...] = (),
    faults: Faults | None = None,
    target: dict[str, Any] | None = None,
    **tools: Any,
) -> list[Finding]:
    fetcher = MemoryFetcher({} if response is None else {URL: response})
    tools = {"https": fetcher, **tools}
    return run(mtasts.check, zone(without=without, more=records), faults=faults, target=target, **tools)


@pytest.mark.parametrize("profile", Profile)
def test_a_healthy_domain_is_ok(profile: Profile) -> None:
    findings = look(target={"profile": profile})
    assert ids(findings) == ["mtasts.ok ok"]


@pytest.mark.parametrize(
    "policy",
    [
        POLICY.replace("\r\n", "\n"),
        POLICY.replace(f"mail.{NAME}", f"*.{NAME}"),
        POLICY.replace("604800", "31557600"),
        POLICY.replace("604800", "86400"),
        POLICY + "x-extension: 1\r\n\r\n",
    ],
)
def test_healthy_policies_are_ok(policy: str) -> None:
    assert ids(look(served(policy))) == ["mtasts.ok ok"]


def test_what_is_ok_can_be_compared_later() -> None:
    """The record, then what tells its policy apart from another one: --baseline lives on both."""

    def proof(policy: str) -> list[str]:
        (ok,) = look(served(policy))
        return [one.answer for one in ok.evidence]

    same, other = proof(POLICY), proof(POLICY.replace("604800", "700000"))
    assert len(same) == 2
    assert same == proof(POLICY)
    assert same[0] == other[0]
    assert same[1] != other[1]


RECORDS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "several": (("v=STSv1; id=1", "v=STSv1; id=2"), ["mtasts.several-records error"]),
    "no id": (("v=STSv1;",), ["mtasts.record-invalid error"]),
    "a date with hyphens for an id": (("v=STSv1; id=2026-11-01",), ["mtasts.record-invalid error"]),
    "a long id": ((f"v=STSv1; id={'1' * 33}",), ["mtasts.record-invalid error"]),
    "a small letter": (("v=stsv1; id=1",), ["mtasts.record-invalid error"]),
    "no semicolon": (("v=STSv1",), ["mtasts.record-invalid error"]),
    "an unknown field": (("v=STSv1; id=1; x=y",), ["mtasts.ok ok"]),
    "other texts beside it": (("v=STSv1; id=1", "v=spf1 -all", "hello"), ["mtasts.ok ok"]),
    "only other texts": (("v=spf1 -all",), ["mtasts.record-missing warning"]),
}


@pytest.mark.parametrize("case", RECORDS)
def test_records(case: str) -> None:
    texts, expected = RECORDS[case]
    records = tuple(Record(RECORD.name, "TXT", text) for text in texts)
    assert ids(look(records=(*records, ADDRESS))) == expected


POLICIES: dict[str, tuple[str, list[str]]] = {
    "testing": (POLICY.replace("enforce", "testing"), ["mtasts.mode-testing info", "mtasts.ok ok"]),
    "none": ("version: STSv1\nmode: none\nmax_age: 60\n", ["mtasts.mode-none info", "mtasts.ok ok"]),
    "no version": (POLICY.replace("version: STSv1\r\n", ""), ["mtasts.policy-version error"]),
    "another version": (POLICY.replace("STSv1", "STSv2"), ["mtasts.policy-version error"]),
    "a web page": ("<html>\n<body>\n", ["mtasts.policy-version error"]),
    "nothing": ("", ["mtasts.policy-version error"]),
    "an unknown mode": (POLICY.replace("enforce", "report"), ["mtasts.policy-mode error"]),
    "no mode": (POLICY.replace("mode: enforce\r\n", ""), ["mtasts.policy-mode error"]),
    "no mx": ("version: STSv1\nmode: enforce\nmax_age: 604800\n", ["mtasts.policy-mx error"]),
    "an mx that is no pattern": (POLICY + "mx: mail.*.example\r\n", ["mtasts.policy-mx error"]),
    "max_age over a year": (POLICY.replace("604800", "31557601"), ["mtasts.policy-max-age error"]),
    "max_age is no number": (POLICY.replace("604800", "1w"), ["mtasts.policy-max-age error"]),
    "no max_age": (POLICY.replace("max_age: 604800\r\n", ""), ["mtasts.policy-max-age error"]),
    "max_age of a minute": (POLICY.replace("604800", "60"), ["mtasts.max-age-short warning"]),
    "a comment": ("# our policy\r\n" + POLICY, ["mtasts.policy-syntax warning"]),
    "a field twice": (POLICY + "max_age: 1\r\n", ["mtasts.policy-syntax warning"]),
    "a host that is not covered": (POLICY.replace("mx: mail2", "mx: other"), ["mtasts.mx-not-covered error"]),
    "not covered, in testing": (
        POLICY.replace("mx: mail2", "mx: other").replace("enforce", "testing"),
        ["mtasts.mode-testing info", "mtasts.mx-not-covered warning"],
    ),
    "a wildcard of the wrong depth": (
        "version: STSv1\nmode: enforce\nmx: *.mail.shop.example\nmx: shop.example\nmax_age: 604800\n",
        ["mtasts.mx-not-covered error"],
    ),
    "every fault is told at once": (
        POLICY.replace("enforce", "x").replace("604800", "x"),
        ["mtasts.policy-max-age error", "mtasts.policy-mode error"],
    ),
}


@pytest.mark.parametrize("case", POLICIES)
def test_policies(case: str) -> None:
    policy, expected = POLICIES[case]
    assert ids(look(served(policy))) == expected


def broken(trouble: Trouble) -> Fetched:
    return Fetched(HOST, PATH, trouble=trouble, detail="as planned")


RESPONSES: dict[str, tuple[Fetched | None, list[str]]] = {
    "nobody listens": (None, ["mtasts.policy-unreachable error"]),
    "no TLS": (broken(Trouble.TLS), ["mtasts.policy-unreachable error"]),
    "cut off": (broken(Trouble.BROKEN), ["mtasts.policy-unreachable error"]),
    "a bad certificate": (broken(Trouble.CERTIFICATE), ["mtasts.certificate error"]),
    "too slow": (broken(Trouble.TIMEOUT), ["mtasts.unknown unknown"]),
    "no way there": (broken(Trouble.NO_ROUTE), ["mtasts.unknown unknown"]),
    "no authorities here": (broken(Trouble.NO_TRUST), ["mtasts.unknown unknown"]),
    "a redirect": (Fetched(HOST, PATH, status=301, location="https://x.example/"), ["mtasts.redirect error"]),
    "not there": (Fetched(HOST, PATH, status=404), ["mtasts.policy-missing error"]),
    "a server error": (Fetched(HOST, PATH, status=500), ["mtasts.policy-status error"]),
    "HTML": (replace(SERVED, content_type="text/html"), ["mtasts.content-type error"]),
    "no type": (replace(SERVED, content_type=""), ["mtasts.content-type error"]),
    "a type in capitals": (replace(SERVED, content_type="Text/Plain"), ["mtasts.ok ok"]),
    "80 kB": (replace(SERVED, body=POLICY.encode() + b"x" * 80_000), ["mtasts.policy-too-large error"]),
}


@pytest.mark.parametrize("case", RESPONSES)
def test_policy_hosts(case: str) -> None:
    response, expected = RESPONSES[case]
    assert ids(look(response)) == expected


HOSTS: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "no policy host": ((RECORD,), ["mtasts.policy-host-missing error"]),
    "an alias of nothing": (
        (RECORD, Record(HOST, "CNAME", f"gone.{NAME}")),
        ["mtasts.policy-host-missing error"],
    ),
    "an alias": (
        (RECORD, Record(HOST, "CNAME", "web.other.example"), Record("web.other.example", "A", "8.8.4.4")),
        ["mtasts.ok ok"],
    ),
    "a private address": ((RECORD, Record(HOST, "A", "10.0.0.1")), ["mtasts.private-address error"]),
    "IPv6 alone": ((RECORD, Record(HOST, "AAAA", "2a00:1450::1")), ["mtasts.ok ok"]),
    "a record elsewhere": (
        (
            Record(RECORD.name, "CNAME", "sts.other.example"),
            Record("sts.other.example", "TXT", RECORD.value),
            ADDRESS,
        ),
        ["mtasts.ok ok"],
    ),
    "a record elsewhere that is gone": (
        (Record(RECORD.name, "CNAME", "sts.other.example"), ADDRESS),
        ["mtasts.dangling-cname error"],
    ),
    "a policy without a record": ((ADDRESS,), ["mtasts.record-missing warning"]),
    "a record at the domain itself": (
        (replace(RECORD, name=NAME), ADDRESS),
        ["mtasts.record-misplaced error"],
    ),
    "nothing": ((), ["mtasts.missing info"]),
}


@pytest.mark.parametrize("case", HOSTS)
def test_names(case: str) -> None:
    records, expected = HOSTS[case]
    assert ids(look(records=records)) == expected


def test_a_web_server_that_has_no_policy_is_no_policy_without_a_record() -> None:
    assert ids(look(served("<html>"), (ADDRESS,))) == ["mtasts.missing info"]
    assert ids(look(None, (ADDRESS,))) == ["mtasts.missing info"]


def test_private_addresses_are_contacted_in_laboratories_alone() -> None:
    fetcher = MemoryFetcher({URL: SERVED})
    records = (RECORD, Record(HOST, "A", "127.0.0.1"))
    look(records=records, https=fetcher)
    assert fetcher.asked == []
    assert ids(look(records=records, https=fetcher, allow_private=True)) == ["mtasts.ok ok"]
    assert fetcher.asked == [URL]


def test_nobody_is_contacted_without_leave() -> None:
    assert ids(look(https=None)) == ["mtasts.ok ok", "mtasts.policy-unchecked info"]


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS])
@pytest.mark.parametrize("question", [(RECORD.name, "TXT"), (HOST, "A"), (NAME, "MX")])
def test_what_nobody_answers_is_unknown(question: tuple[str, str], status: Status) -> None:
    assert ids(look(faults={question: status})) == ["mtasts.unknown unknown"]


def test_one_family_that_nobody_answers_for_does_not_matter() -> None:
    assert ids(look(faults={(HOST, "AAAA"): Status.SERVFAIL})) == ["mtasts.ok ok"]


NULL = Record(NAME, "MX", "0 .")
APEX = Record(NAME, "A", "8.8.8.8")


@pytest.mark.parametrize("records", [(NULL,), ()])
def test_a_domain_that_takes_no_mail_needs_none(records: tuple[Record, ...]) -> None:
    assert ids(look(records=records, without=((NAME, "MX"),))) == ["mtasts.not-needed ok"]


def test_without_mx_the_domain_itself_is_the_host() -> None:
    policy = "version: STSv1\nmode: enforce\nmx: {}\nmax_age: 604800\n"
    records, without = (RECORD, ADDRESS, APEX), ((NAME, "MX"),)
    assert ids(look(served(policy.format(NAME)), records, without=without)) == ["mtasts.ok ok"]
    assert ids(look(served(policy.format(f"*.{NAME}")), records, without=without)) == [
        "mtasts.mx-not-covered error"
    ]


def test_a_finding_says_what_was_seen_and_what_to_paste() -> None:
    (finding,) = look(served(POLICY.replace("mx: mail2", "mx: other")))
    assert f"mail2.{NAME}" in finding.message
    assert finding.fix == f"mx: mail2.{NAME}"
    assert finding.evidence[0].question == f"GET {URL}"
    assert finding.evidence[0].server == "8.8.4.4"
