"""Block lists: what their answers mean, and which lists are believed."""

from collections.abc import Iterable
from ipaddress import ip_address

import pytest

from mailctl.domains.checks import dnsbl
from mailctl.standards import dnsbl as standard
from mailctl.standards.dns import Answer, Record, Status
from mailctl.standards.dnsbl import Verdict
from tests.checks.hosts import V4, V6, Faults, ids, run

LIST = "bl.list.example"
POINT, POINT6 = standard.LISTED
COUNTER, COUNTER6 = standard.NOT_LISTED


def listing(*addresses: object, code: str = "127.0.0.2", zone: str = LIST) -> list[Record]:
    return [Record(standard.query_name(ip_address(str(a)), zone), "A", code) for a in addresses]


def look(
    records: Iterable[Record], *zones: str, ips: tuple[object, ...] = (V4,), faults: Faults | None = None
) -> list[str]:
    findings = run(dnsbl.check, records, faults=faults, target={"sending_ips": ips}, dnsbls=zones or (LIST,))
    return ids(findings)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.99", "99.2.0.192.bl.example"),  # RFC 5782 §2.1
        (
            "2001:db8:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example",
        ),  # §2.4
        ("::ffff:7f00:2", "2.0.0.0.0.0.f.7.f.f.f.f." + "0." * 20 + "bl.example"),  # §5
    ],
)
def test_the_names_to_ask(address: str, name: str) -> None:
    assert standard.query_name(ip_address(address), "bl.example") == name


@pytest.mark.parametrize(
    ("codes", "verdict"),
    [
        (["127.0.0.2"], Verdict.LISTED),
        (["127.0.0.10", "127.0.0.3"], Verdict.LISTED),
        (["127.255.255.254"], Verdict.REFUSED),
        (["127.255.255.252"], Verdict.REFUSED),
        (["127.255.255.1"], Verdict.REFUSED),
        (["127.0.0.2", "127.255.255.255"], Verdict.REFUSED),
        (["203.0.113.9"], Verdict.ODD),
        (["127.0.0.2", "203.0.113.9"], Verdict.ODD),
        ([], Verdict.ODD),
    ],
)
def test_what_an_answer_means(codes: list[str], verdict: Verdict) -> None:
    answer = Answer("x", "A", Status.ANSWER, tuple(map(ip_address, codes)))
    assert standard.read(answer).verdict is verdict


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.ANSWER])
def test_no_answer_is_clean_or_unknown(status: Status) -> None:
    expected = Verdict.CLEAN if status in (Status.NXDOMAIN, Status.NODATA) else Verdict.UNKNOWN
    assert standard.read(Answer("x", "A", status)).verdict is expected


GOOD = [*listing(POINT), *listing(POINT6)]


def test_a_list_that_works_and_lists_nobody_here() -> None:
    assert look(GOOD) == ["dnsbl.ok ok"]
    assert look(GOOD, ips=(V4, V6)) == ["dnsbl.ok ok"]


def test_nothing_is_asked_without_lists_or_addresses() -> None:
    assert run(dnsbl.check, GOOD, target={"sending_ips": (V4,)}) == []
    assert run(dnsbl.check, GOOD, dnsbls=(LIST,)) == []


def test_listed_with_the_reason() -> None:
    name = standard.query_name(V4, LIST)
    records = [*GOOD, *listing(V4, code="127.0.0.4"), Record(name, "TXT", "spam, see https://list.example")]
    (finding,) = run(dnsbl.check, records, target={"sending_ips": (V4,)}, dnsbls=(LIST,))
    assert ids([finding]) == ["dnsbl.listed error"]
    assert "127.0.0.4" in finding.message
    assert "spam, see https://list.example" in finding.message
    assert finding.evidence[0].question == f"{name} A"


TABLE: dict[str, tuple[list[Record], tuple[object, ...], list[str]]] = {
    "listed without a reason": ([*GOOD, *listing(V4)], (V4,), ["dnsbl.listed error"]),
    "IPv6 listed": ([*GOOD, *listing(V6)], (V4, V6), ["dnsbl.listed error"]),
    "lists nothing": ([], (V4, V6), ["dnsbl.unknown unknown"]),
    "lists everything": ([Record(f"*.{LIST}", "A", "127.0.0.2")], (V4,), ["dnsbl.unknown unknown"]),
    "lists its counterpoint": (listing(POINT, COUNTER, V4), (V4,), ["dnsbl.unknown unknown"]),
    "refuses everything": ([Record(f"*.{LIST}", "A", "127.255.255.254")], (V4,), ["dnsbl.unknown unknown"]),
    "refuses the second question": (
        [*GOOD, *listing(V4, code="127.255.255.255")],
        (V4,),
        ["dnsbl.unknown unknown"],
    ),
    "a parked zone": ([Record(f"*.{LIST}", "A", "203.0.113.7")], (V4,), ["dnsbl.unknown unknown"]),
    "IPv4 alone": (listing(POINT), (V4, V6), ["dnsbl.no-ipv6 info"]),
    "IPv4 alone, and listed": ([*listing(POINT), *listing(V4)], (V4, V6), ["dnsbl.listed error", "dnsbl.no-ipv6 info"]),
    "IPv6 lists everything": (
        [*listing(POINT), *listing(POINT6, COUNTER6, V6)],
        (V6,),
        ["dnsbl.unknown unknown"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    records, ips, expected = TABLE[case]
    assert look(records, ips=ips) == expected


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS])
@pytest.mark.parametrize("address", [POINT, COUNTER, V4])
def test_a_fault_is_unknown(status: Status, address: object) -> None:
    faults: Faults = {standard.query_name(ip_address(str(address)), LIST): status}
    assert look([*GOOD, *listing(V4)], faults=faults) == ["dnsbl.unknown unknown"]


def test_each_list_for_itself() -> None:
    records = [*GOOD, *listing(V4), *listing(POINT, zone="other.example")]
    assert look(records, LIST, "other.example", "dead.example") == [
        "dnsbl.listed error",
        "dnsbl.unknown unknown",
    ]
