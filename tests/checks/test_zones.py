"""The domain itself, the shape of its zone, and its name servers: tables of zones and servers."""

from collections.abc import Iterable, Mapping, Sequence

import pytest

from mailctl.domains.checks import dns, domain, ns
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import HEALTHY, NAME, Faults, ids, run, zone

FAULTY = (Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT)
NS1, NS2 = f"ns1.{NAME}", f"ns2.{NAME}"
SOA = (NAME, "SOA")


def soa(serial: int) -> Record:
    return Record(NAME, "SOA", f"{NS1} hostmaster.{NAME} {serial} 3600 600 86400 60")


# --- the domain itself


def test_the_domain_exists() -> None:
    assert ids(run(domain.check)) == ["domain.ok ok"]


@pytest.mark.parametrize("name", [f"mail.{NAME}", f"_dmarc.{NAME}"])
def test_a_name_below_the_apex_exists(name: str) -> None:
    assert ids(run(domain.check, target={"name": name})) == ["domain.ok ok"]


def test_an_empty_non_terminal_exists() -> None:
    records = zone(more=[Record(f"a.b.{NAME}", "A", "192.0.2.1")])
    assert ids(run(domain.check, records, target={"name": f"b.{NAME}"})) == ["domain.ok ok"]


def test_a_domain_that_does_not_exist() -> None:
    (finding,) = run(domain.check, target={"name": "gone.example"})
    assert ids([finding]) == ["domain.does-not-exist error"]
    assert finding.evidence[0].answer == "nxdomain"


def test_an_alias_of_nothing() -> None:
    records = zone(more=[Record(f"alias.{NAME}", "CNAME", "gone.example")])
    assert ids(run(domain.check, records, target={"name": f"alias.{NAME}"})) == ["domain.leads-nowhere error"]


@pytest.mark.parametrize("status", FAULTY)
def test_an_apex_that_does_not_answer_is_unknown(status: Status) -> None:
    (finding,) = run(domain.check, faults={NAME: status})
    assert ids([finding]) == ["domain.unknown unknown"]
    assert str(status) in finding.message


def test_a_bogus_apex_is_told_as_such() -> None:
    assert ids(run(domain.check, faults={NAME: Status.BOGUS})) == ["dnssec.bogus error"]


@pytest.mark.parametrize("status", [*FAULTY, Status.BOGUS, Status.NXDOMAIN])
@pytest.mark.parametrize("rdtype", ["SOA", "MX", "TXT"])
def test_a_fault_at_one_type_does_not_condemn_the_domain(status: Status, rdtype: str) -> None:
    assert ids(run(domain.check, faults={(NAME, rdtype): status})) == ["domain.ok ok"]


# --- the shape of the zone


ALIAS = f"alias.{NAME}"
SHAPES: dict[str, tuple[str, Sequence[Record], list[str]]] = {
    "healthy": (NAME, HEALTHY, ["dns.ok ok"]),
    "a CNAME at the apex": (
        NAME,
        zone(more=[Record(NAME, "CNAME", "cdn.example")]),
        ["dns.cname-at-apex error"],
    ),
    "a CNAME at the apex, and the resolver shows nothing else": (
        "shop2.example",
        [Record("shop2.example", "CNAME", NAME), *HEALTHY],
        ["dns.cname-at-apex error"],
    ),
    "an alias": (
        ALIAS,
        zone(more=[Record(ALIAS, "CNAME", NAME)]),
        ["dns.alias info"],
    ),
    "a CNAME beside a TXT": (
        ALIAS,
        zone(more=[Record(ALIAS, "CNAME", NAME), Record(ALIAS, "TXT", "v=spf1 -all")]),
        ["dns.cname-beside-others error"],
    ),
    "a wildcard TXT": (
        NAME,
        zone(more=[Record(f"*.{NAME}", "TXT", "site-verification=1")]),
        ["dns.ok ok", "dns.wildcard-txt info"],
    ),
    "a wildcard that forbids sending": (
        NAME,
        zone(more=[Record(f"*.{NAME}", "TXT", "v=spf1 -all")]),
        ["dns.ok ok"],
    ),
    "a wildcard of another type": (
        NAME,
        zone(more=[Record(f"*.{NAME}", "A", "192.0.2.80")]),
        ["dns.ok ok"],
    ),
}


@pytest.mark.parametrize("case", SHAPES)
def test_shapes(case: str) -> None:
    name, records, expected = SHAPES[case]
    assert ids(run(dns.check, records, target={"name": name})) == expected


@pytest.mark.parametrize("status", [*FAULTY, Status.BOGUS])
def test_an_unknown_shape(status: Status) -> None:
    assert ids(run(dns.check, faults={(NAME, "CNAME"): status})) == ["dns.unknown unknown"]
    assert ids(run(dns.check, faults={f"{dns.PROBE}.{NAME}": status})) == ["dns.ok ok"]


# --- name servers, by the resolver


NSS = (NAME, "NS")
SERVERS: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "healthy": (HEALTHY, ["ns.ok ok"]),
    "one": (zone(without=[NSS], more=[Record(NAME, "NS", NS1)]), ["ns.single warning"]),
    "one place under two names": (
        zone(without=[(NS2, "A")], more=[Record(NS2, "A", "192.0.2.1")]),
        ["ns.ok ok", "ns.same-address info"],
    ),
    "without an address": (zone(without=[(NS2, "A")]), ["ns.unresolvable error"]),
    "IPv6 alone": (zone(without=[(NS2, "A")], more=[Record(NS2, "AAAA", "2001:db8::2")]), ["ns.ok ok"]),
    "an alias": (
        zone(without=[(NS2, "A")], more=[Record(NS2, "CNAME", f"mail2.{NAME}")]),
        ["ns.is-cname warning"],
    ),
}


@pytest.mark.parametrize("case", SERVERS)
def test_servers(case: str) -> None:
    records, expected = SERVERS[case]
    assert ids(run(ns.check, records)) == expected


def test_a_name_below_is_served_by_its_zone() -> None:
    (finding,) = run(ns.check, target={"name": f"mail.{NAME}"})
    assert finding.message == f"{NAME} is served by {NS1}, {NS2}"


def test_a_registrys_servers_are_not_the_domains() -> None:
    registry = [Record("example", "SOA", "a.example b.example 1 2 3 4 5"), Record("x.example", "MX", "0 .")]
    assert run(ns.check, registry, target={"name": "x.example"}) == []


@pytest.mark.parametrize("status", [*FAULTY, Status.BOGUS])
@pytest.mark.parametrize("where", [NAME, NSS, (NS1, "A")])
def test_unknown_servers(status: Status, where: str | tuple[str, str]) -> None:
    findings = run(ns.check, zone(without=[SOA]), faults={where: status})
    assert ids(findings) == ["ns.unknown unknown"]


# --- name servers, asked directly


def directly(
    records: Iterable[Record], servers: Mapping[str, MemoryResolver] | None = None, **options: object
) -> list[str]:
    return ids(run(ns.check, records, servers=servers, authoritative=True, **options))  # type: ignore[arg-type]


def other(
    *records: Record, without: Iterable[tuple[str, str]] = (), faults: Faults | None = None
) -> MemoryResolver:
    """A server with a zone of its own."""
    return MemoryResolver(zone(without=without, more=records), zones=(NAME,), faults=faults)


TXT, MX, DMARC = (NAME, "TXT"), (NAME, "MX"), (f"_dmarc.{NAME}", "TXT")
KEY = (f"s1._domainkey.{NAME}", "TXT")
BEHIND = [soa(6)]
DIRECT: dict[str, tuple[MemoryResolver, list[str]]] = {
    "of one mind": (other(), ["ns.ok ok"]),
    "an older version": (other(*BEHIND, without=[SOA]), ["ns.ok ok", "ns.propagating info"]),
    "another MX": (
        other(Record(*MX, "10 mail.elsewhere.example"), without=[MX]),
        ["ns.disagree error"],
    ),
    "another MX, in an older version": (
        other(Record(*MX, "10 mail.elsewhere.example"), *BEHIND, without=[MX, SOA]),
        ["ns.disagree warning"],
    ),
    "no SPF": (other(without=[TXT]), ["ns.disagree error"]),
    "another text": (other(Record(*TXT, "site-verification=1")), ["ns.ok ok"]),
    "another DMARC": (other(Record(*DMARC, "v=DMARC1; p=none"), without=[DMARC]), ["ns.disagree error"]),
    "a key more": (other(Record(*KEY, "v=DKIM1; p=abc")), ["ns.disagree error"]),
    "refuses": (MemoryResolver([], zones=("elsewhere.example",)), ["ns.lame error"]),
    "fails": (other(faults={NAME: Status.SERVFAIL}), ["ns.lame error"]),
    "silent": (other(faults={NAME: Status.TIMEOUT}), ["ns.unknown unknown"]),
}


@pytest.mark.parametrize("case", DIRECT)
def test_servers_asked_directly(case: str) -> None:
    server, expected = DIRECT[case]
    assert directly(HEALTHY, {NS2: server}, target={"selectors": ("s1",)}) == expected


@pytest.mark.parametrize("case", DIRECT)
def test_they_are_not_asked_without_being_told(case: str) -> None:
    server, _ = DIRECT[case]
    assert ids(run(ns.check, servers={NS2: server})) == ["ns.ok ok"]


def test_a_server_without_an_address_is_one_finding() -> None:
    assert directly(zone(without=[(NS2, "A")])) == ["ns.unresolvable error"]


def test_a_lame_server_is_named() -> None:
    servers = {NS2: MemoryResolver([], zones=("elsewhere.example",))}
    (finding,) = run(ns.check, servers=servers, authoritative=True)
    assert finding.message == f"{NS2} (198.51.100.1:53) does not hold {NAME}: refused"
