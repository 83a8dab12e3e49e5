"""PTR, its forward confirmation and the HELO name: a table of zones."""

import pytest

from mailctl.domains.checks import ptr
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import NAME, V4, V6, Faults, ids, run, zone

MAIL = f"mail.{NAME}"
PTR4, PTR6 = (V4.reverse_pointer, "PTR"), (V6.reverse_pointer, "PTR")
BOTH = {"sending_ips": (V4, V6), "hostname": MAIL}


def named(*names: str, more: tuple[Record, ...] = ()) -> tuple[Record, ...]:
    """The healthy zone with these names for the IPv4 address."""
    return zone(without=[PTR4], more=[*(Record(*PTR4, name) for name in names), *more])


def test_a_healthy_host_is_ok() -> None:
    assert ids(run(ptr.check, target=BOTH)) == ["ptr.ok ok", "ptr.ok ok"]


def test_nobody_named_an_address() -> None:
    assert run(ptr.check) == []


TABLE: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "NXDOMAIN": (zone(without=[PTR4]), ["ptr.missing error"]),
    "NODATA": (
        zone(without=[PTR4], more=[Record(V4.reverse_pointer, "TXT", "no name")]),
        ["ptr.missing error"],
    ),
    "the name is another host's": (named(f"mail2.{NAME}"), ["ptr.not-confirmed error"]),
    "the name does not exist": (named("gone.example"), ["ptr.not-confirmed error"]),
    "the name has IPv6 alone": (
        named("six.example", more=(Record("six.example", "AAAA", "2001:db8::10"),)),
        ["ptr.not-confirmed error"],
    ),
    "several, all lead back": (
        named(MAIL, "www.example", more=(Record("www.example", "A", str(V4)),)),
        ["ptr.ok ok", "ptr.several info"],
    ),
    "several, one leads back": (named("gone.example", MAIL), ["ptr.ok ok", "ptr.several info"]),
    "several, none leads back": (named("gone.example", "gone2.example"), ["ptr.not-confirmed error"]),
    "through the alias of a small network (RFC 2317)": (
        zone(
            without=[PTR4],
            more=[
                Record(V4.reverse_pointer, "CNAME", "10.0/28.2.0.192.in-addr.arpa"),
                Record("10.0/28.2.0.192.in-addr.arpa", "PTR", MAIL),
            ],
        ),
        ["ptr.ok ok"],
    ),
    "a name of numbers": (
        named("192-0-2-10.isp.example", more=(Record("192-0-2-10.isp.example", "A", str(V4)),)),
        ["ptr.generic warning"],
    ),
    "a name of numbers that does not lead back is one finding": (
        named("192-0-2-10.isp.example"),
        ["ptr.not-confirmed error"],
    ),
    "a name of numbers beside a good one": (
        named(MAIL, "192-0-2-10.isp.example", more=(Record("192-0-2-10.isp.example", "A", str(V4)),)),
        ["ptr.ok ok", "ptr.several info"],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    records, expected = TABLE[case]
    assert ids(run(ptr.check, records, target={"sending_ips": (V4,)})) == expected


@pytest.mark.parametrize(
    ("name", "generic"),
    [
        ("192-0-2-10.isp.example", True),
        ("10.2.0.192.isp.example", True),
        ("static.10.2.0.192.clients.host.example", True),
        ("ip192-000-002-010.example", True),
        ("host-192.0.2.10.example", True),
        ("mail.shop.example", False),
        ("mx10.shop.example", False),
        ("192-0-2.shop.example", False),
        ("192-0-2-11.isp.example", False),
        ("mail-192-0-2.10g.example", True),
        ("v2-0-10.shop192.example", False),
    ],
)
def test_names_made_of_the_address(name: str, generic: bool) -> None:
    assert ptr.is_generic(name, V4) is generic


def test_each_address_is_looked_at_once() -> None:
    assert ids(run(ptr.check, zone(without=[PTR6]), target={"sending_ips": (V4, V6, V6)})) == [
        "ptr.missing error",
        "ptr.ok ok",
    ]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        (zone(), []),
        (zone(without=[(MAIL, "A"), (MAIL, "AAAA")]), ["ptr.helo-missing error"]),
        (zone(without=[(MAIL, "A")], more=[Record(MAIL, "A", "192.0.2.99")]), []),
        (
            zone(without=[(MAIL, "A"), (MAIL, "AAAA")], more=[Record(MAIL, "A", "192.0.2.99")]),
            ["ptr.helo-elsewhere warning"],
        ),
    ],
)
def test_where_the_helo_name_leads(records: tuple[Record, ...], expected: list[str]) -> None:
    found = ids(run(ptr.check, records, target=BOTH))
    assert [line for line in found if "helo" in line] == expected


def test_the_helo_name_alone() -> None:
    assert ids(run(ptr.check, target={"hostname": "gone.example"})) == ["ptr.helo-missing error"]
    assert run(ptr.check, target={"hostname": MAIL}) == []


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS])
@pytest.mark.parametrize("where", [PTR4, (MAIL, "A")])
def test_a_fault_is_unknown(status: Status, where: tuple[str, str]) -> None:
    faults: Faults = {where: status}
    (finding,) = run(ptr.check, faults=faults, target={"sending_ips": (V4,)})
    assert ids([finding]) == ["ptr.unknown unknown"]
    assert str(status) in finding.message


def test_an_unknown_helo_name_is_unknown() -> None:
    faults: Faults = {MAIL: Status.TIMEOUT}
    assert ids(run(ptr.check, faults=faults, target={"hostname": MAIL})) == ["ptr.unknown unknown"]


def test_the_fix_names_the_record() -> None:
    (finding,) = run(ptr.check, zone(without=[PTR4]), target={"sending_ips": (V4,), "hostname": MAIL})
    assert f"10.2.0.192.in-addr.arpa. PTR {MAIL}." in finding.fix
