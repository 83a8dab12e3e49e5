"""DNSSEC: what is said by which answers, and which DS is of which key."""

import base64
import hashlib

import dns.dnssec
import dns.name
import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.domains.checks import dnssec
from mailctl.standards.dns import Record, Status
from mailctl.standards.dnssec import leads_to_key
from tests.checks.hosts import HEALTHY, NAME, Faults, ids, run, zone


def key(seed: int, algorithm: int = 13, flags: int = 257) -> str:
    return f"{flags} 3 {algorithm} {base64.b64encode(hashlib.sha512(bytes([seed])).digest()).decode()}"


def ds_of(text: str, digest: str = "SHA256", name: str = NAME) -> str:
    """The DS that dnspython makes of a key."""
    rdata = dns.rdata.from_text("IN", "DNSKEY", text)
    return dns.dnssec.make_ds(dns.name.from_text(name), rdata, digest).to_text()


DS, KEY = (NAME, "DS"), (NAME, "DNSKEY")
SIGNED = zone(more=[Record(*DS, ds_of(key(1))), Record(*KEY, key(1))])
TABLE: dict[str, tuple[tuple[Record, ...], bool, list[str]]] = {
    "unsigned": (HEALTHY, False, ["dnssec.unsigned info"]),
    "vouched for": (SIGNED, True, ["dnssec.ok ok"]),
    "signed, nobody vouches": (SIGNED, False, ["dnssec.not-proven info"]),
    "an island": (zone(more=[Record(*KEY, key(1))]), False, ["dnssec.island info"]),
    "a DS and no key": (zone(more=[Record(*DS, ds_of(key(1)))]), False, ["dnssec.no-key error"]),
    "a DS of another key": (
        zone(more=[Record(*DS, ds_of(key(2))), Record(*KEY, key(1))]),
        False,
        ["dnssec.no-key error"],
    ),
    "a DS more, for the next key": (
        zone(more=[Record(*DS, ds_of(key(2))), Record(*DS, ds_of(key(1))), Record(*KEY, key(1))]),
        False,
        ["dnssec.not-proven info"],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    records, authenticated, expected = TABLE[case]
    assert ids(run(dnssec.check, records, authenticated=authenticated)) == expected


@pytest.mark.parametrize("rdtype", ["SOA", "MX", "TXT", "DS", "DNSKEY"])
def test_bogus_is_an_error(rdtype: str) -> None:
    (finding,) = run(dnssec.check, SIGNED, faults={(NAME, rdtype): Status.BOGUS})
    assert ids([finding]) == ["dnssec.bogus error"]
    assert finding.evidence[0].question == f"{NAME} {rdtype}"


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT])
@pytest.mark.parametrize("rdtype", ["DS", "DNSKEY"])
def test_a_fault_is_unknown(status: Status, rdtype: str) -> None:
    faults: Faults = {(NAME, rdtype): status}
    assert ids(run(dnssec.check, SIGNED, faults=faults)) == ["dnssec.unknown unknown"]


def test_a_name_below_stands_with_its_zone() -> None:
    assert ids(run(dnssec.check, target={"name": f"mail.{NAME}"})) == ["dnssec.unsigned info"]


def test_a_registrys_zone_is_not_the_domains() -> None:
    registry = [Record("example", "SOA", "a.example b.example 1 2 3 4 5"), Record("x.example", "MX", "0 .")]
    assert run(dnssec.check, registry, target={"name": "x.example"}) == []


@pytest.mark.parametrize("digest", ["SHA1", "SHA256", "SHA384"])
@pytest.mark.parametrize("algorithm", [8, 13, 15])
def test_digests_are_those_of_another_implementation(digest: str, algorithm: int) -> None:
    text = key(3, algorithm)
    if digest == "SHA1":
        rdata = dns.rdata.from_text("IN", "DNSKEY", text)
        wire = dns.name.from_text(NAME).to_wire() + rdata.to_wire()  # type: ignore[operator]
        ds = f"{dns.dnssec.key_id(rdata)} {algorithm} 1 {hashlib.sha1(wire).hexdigest()}"  # type: ignore[arg-type]
    else:
        ds = ds_of(text, digest)
    assert leads_to_key(NAME.upper(), [ds], [key(4), text])
    assert not leads_to_key(NAME, [ds], [key(4)])
    assert not leads_to_key("other.example", [ds], [text])


def test_a_digest_that_is_not_known_counts_as_a_match() -> None:
    tag = ds_of(key(1)).split()[0]
    assert leads_to_key(NAME, [f"{tag} 13 99 abcd"], [key(1)])


@given(st.lists(st.text(max_size=60), max_size=3), st.lists(st.text(max_size=60), max_size=3))
def test_no_text_breaks_it(ds: list[str], keys: list[str]) -> None:
    assert leads_to_key(NAME, ds, keys) in (True, False)
