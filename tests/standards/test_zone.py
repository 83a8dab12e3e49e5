"""What a zone answers (RFC 1034 §4.3.2, RFC 4592 §2.2, RFC 2308)."""

import pytest

from mailctl.standards.dns import Record, RRsetChange, Status
from mailctl.standards.zone import Zones, is_within, stale

# The zone of RFC 4592 §2.2.1, and more below it.
RECORDS = (
    Record("*.example", "TXT", "this is a wildcard"),
    Record("*.example", "MX", "10 host1.example"),
    Record("sub.*.example", "TXT", "this is not a wildcard"),
    Record("host1.example", "A", "192.0.2.1"),
    Record("_ssh._tcp.host1.example", "SRV", "0 5 22 host1.example"),
    Record("_ssh._tcp.host2.example", "SRV", "0 5 22 host1.example"),
    Record("alias.example", "CNAME", "deep.inner.example"),
    Record("deep.inner.example", "A", "192.0.2.9"),
    Record("out.example", "CNAME", "www.foreign"),
    Record("self.example", "CNAME", "self.example"),
)
ZONES = Zones(RECORDS, ["example", "inner.example"])


@pytest.mark.parametrize(
    ("name", "rdtype", "status", "values"),
    [
        ("host3.example", "MX", Status.ANSWER, ["10 host1.example"]),
        ("host3.example", "A", Status.NODATA, []),
        ("foo.bar.example", "TXT", Status.ANSWER, ["this is a wildcard"]),
        ("host1.example", "MX", Status.NODATA, []),
        ("sub.*.example", "MX", Status.NODATA, []),
        ("_telnet._tcp.host1.example", "SRV", Status.NXDOMAIN, []),
        ("host2.example", "MX", Status.NODATA, []),
        ("ghost.*.example", "MX", Status.NXDOMAIN, []),
        ("HOST1.example.", "a", Status.ANSWER, ["192.0.2.1"]),
        ("alias.example", "A", Status.ANSWER, ["192.0.2.9"]),
        ("alias.example", "CNAME", Status.ANSWER, ["deep.inner.example"]),
        ("absent.inner.example", "A", Status.NXDOMAIN, []),
        ("other", "A", Status.REFUSED, []),
        ("self.example", "A", Status.SERVFAIL, []),
    ],
)
def test_find(name: str, rdtype: str, status: Status, values: list[str]) -> None:
    found = ZONES.find(name, rdtype)
    assert (found.status, [record.value for record in found.rrset]) == (status, values)


def test_records_of_a_wildcard_bear_the_name_that_was_asked() -> None:
    assert [record.name for record in ZONES.find("host3.example", "TXT").records] == ["host3.example"]


def test_a_chain_that_leaves_the_zones_ends_without_a_zone() -> None:
    found = ZONES.find("out.example", "A")
    assert (found.status, found.chain, found.rrset, found.zone) == (Status.ANSWER, ("www.foreign",), (), None)


def test_every_zone_has_a_soa_and_a_name_server_with_an_address() -> None:
    for zone in ("example", "inner.example"):
        (server,) = ZONES.find(zone, "NS").rrset
        assert ZONES.find(zone, "SOA").rrset == (ZONES.soa(zone),)
        assert [record.value for record in ZONES.find(server.value, "A").rrset] == ["127.0.0.1"]


def test_given_soa_and_ns_are_kept() -> None:
    soa = Record("x.example", "SOA", "ns.x.example host.x.example 7 1 1 1 5", 10)
    ns = Record("x.example", "NS", "ns.elsewhere.example")
    zones = Zones([soa, ns], ["x.example"])
    assert (zones.find("x.example", "SOA").rrset, zones.find("x.example", "NS").rrset) == ((soa,), (ns,))


@pytest.mark.parametrize(
    ("name", "zone", "within"),
    [
        ("a.example", "example", True),
        ("example", "example", True),
        ("xample", "ample", False),
        ("x", "", True),
    ],
)
def test_is_within(name: str, zone: str, within: bool) -> None:
    assert is_within(name, zone) is within


def test_stale_names_each_rrset_and_ignores_the_ttl() -> None:
    seen = Record("x.example", "TXT", "a", 60)
    same = RRsetChange("x.example", "TXT", (Record("x.example", "TXT", "a", 3600),), ())
    other = RRsetChange("x.example", "MX", (Record("x.example", "MX", "10 y.example"),), ())
    assert stale([seen], [same]) == ()
    assert stale([seen], [same, other]) == ('x.example MX: planned from "10 y.example", now nothing',)
