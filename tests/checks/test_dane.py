"""DANE: TLSA records, whether senders use them, and whether they match."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

import pytest

from mailctl.domains.checks import dane
from mailctl.domains.checks.target import Profile
from mailctl.edges.resolver import MemoryResolver
from mailctl.edges.smtp_probe import Probed, Trouble
from mailctl.standards.dns import Answer, Record, Status
from tests.checks.hosts import NAME, ids, run, run_on, zone
from tests.checks.hosts_with_tls import AUTHORITY, MAIL, MAIL2, certificate, failing, prober, shown


def tlsa(host: str, value: str = "") -> Record:
    """A record; without a value the one that fits the host's key."""
    own = f"3 1 1 {sha256(certificate(host).spki).hexdigest()}"
    return Record(f"_25._tcp.{host}", "TLSA", value or own)


GOOD = (tlsa(MAIL), tlsa(MAIL2))
AUTHORITYS = f"2 1 1 {sha256(AUTHORITY.spki).hexdigest()}"
OTHER = f"3 1 1 {'00' * 32}"


class Partly(MemoryResolver):
    """A validating resolver for which some names are not secure."""

    def __init__(self, records: Iterable[Record], insecure: Iterable[str]) -> None:
        super().__init__(records, zones=("", NAME), authenticated=True)
        self._insecure = set(insecure)

    async def __call__(self, name: str, rdtype: str) -> Answer:
        answer = await super().__call__(name, rdtype)
        return replace(answer, authenticated=answer.authenticated and name not in self._insecure)


@pytest.mark.parametrize("profile", Profile)
def test_a_healthy_domain_is_ok(profile: Profile) -> None:
    records = zone(more=GOOD)
    found = run(
        dane.check,
        records,
        target={"profile": profile},
        authenticated=True,
        trust_ad=True,
        smtp=prober(),
        allow_private=True,
    )
    assert ids(found) == ["dane.ok ok"]


def test_without_a_trusted_resolver_it_cannot_be_told_whether_they_count() -> None:
    assert ids(run(dane.check, zone(more=GOOD))) == ["dane.not-validated info", "dane.ok ok"]


TABLE: dict[str, tuple[tuple[Record, ...], list[str]]] = {
    "nothing": ((), ["dane.missing info"]),
    "one host alone": (GOOD[:1], ["dane.partial warning"]),
    "usage 0": ((tlsa(MAIL, "0 1 1 " + "00" * 32), GOOD[1]), ["dane.usage error"]),
    "usage 1": ((tlsa(MAIL, "1 1 1 " + "00" * 32), GOOD[1]), ["dane.usage error"]),
    "usage 1 beside a good one": ((*GOOD, tlsa(MAIL, "1 1 1 " + "00" * 32)), ["dane.usage warning"]),
    "a digest that is too short": (
        (tlsa(MAIL, "3 1 1 " + "00" * 31), GOOD[1]),
        ["dane.record-invalid error"],
    ),
    "SHA-512 with the length of SHA-256": (
        (tlsa(MAIL, "3 1 2 " + "00" * 32), GOOD[1]),
        ["dane.record-invalid error"],
    ),
    "an unknown selector": ((tlsa(MAIL, "3 2 1 " + "00" * 32), GOOD[1]), ["dane.record-invalid error"]),
    "an unknown matching type": ((tlsa(MAIL, "3 1 3 " + "00" * 32), GOOD[1]), ["dane.record-invalid error"]),
    "nonsense beside a good one": ((*GOOD, tlsa(MAIL, "nonsense")), ["dane.record-invalid warning"]),
    "SHA-512": ((*GOOD, tlsa(MAIL, "3 1 2 " + "00" * 64)), ["dane.ok ok"]),
    "an alias": (
        (
            Record(f"_25._tcp.{MAIL}", "CNAME", f"_dane.{NAME}"),
            Record(f"_dane.{NAME}", "TLSA", OTHER),
            GOOD[1],
        ),
        ["dane.ok ok"],
    ),
    "an alias of nothing": (
        (Record(f"_25._tcp.{MAIL}", "CNAME", f"_dane.{NAME}"), GOOD[1]),
        ["dane.dangling-cname warning"],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_records(case: str) -> None:
    records, expected = TABLE[case]
    found = run(dane.check, zone(more=records), authenticated=True, trust_ad=True)
    assert ids(found) == expected


@pytest.mark.parametrize("insecure", [NAME, MAIL, f"_25._tcp.{MAIL2}"])
def test_records_that_nobody_will_use(insecure: str) -> None:
    (found,) = run_on(dane.check, Partly(zone(more=GOOD), [insecure]), trust_ad=True)
    assert f"{found.id} {found.severity}" == "dane.insecure warning"
    assert insecure in found.message


def test_records_in_a_zone_without_dnssec_are_one_finding() -> None:
    assert ids(run(dane.check, zone(more=GOOD), trust_ad=True)) == ["dane.insecure warning"]


MATCHES: dict[str, tuple[str, Probed, list[str]]] = {
    "its key": ("", shown(MAIL), ["dane.ok ok"]),
    "its key, whatever its name and dates": (
        "",
        shown(MAIL, name_matches=False, untrusted="self-signed", chain=(certificate(MAIL, -5),)),
        ["dane.ok ok"],
    ),
    "its certificate": (f"3 0 0 {certificate(MAIL).der.hex()}", shown(MAIL), ["dane.ok ok"]),
    "another key": (OTHER, shown(MAIL), ["dane.mismatch error"]),
    "the authority's key, of which the host is not": (
        AUTHORITYS.replace("2", "3", 1),
        shown(MAIL),
        ["dane.mismatch error"],
    ),
    "its authority": (AUTHORITYS, shown(MAIL), ["dane.ok ok"]),
    "its authority, for another name": (
        AUTHORITYS,
        shown(MAIL, name_matches=False, chain=(certificate("x.example"), AUTHORITY)),
        ["dane.mismatch error"],
    ),
    "its authority, for the domain": (
        AUTHORITYS,
        shown(MAIL, name_matches=False, chain=(certificate(NAME), AUTHORITY)),
        ["dane.ok ok"],
    ),
    "its authority, out of date": (
        AUTHORITYS,
        shown(MAIL, chain=(certificate(MAIL, -1), AUTHORITY)),
        ["dane.mismatch error"],
    ),
    "its authority, which it does not send": (
        AUTHORITYS,
        shown(MAIL, chain=(certificate(MAIL),)),
        ["dane.mismatch error"],
    ),
    "silent": ("", failing(MAIL, Trouble.TIMEOUT), ["dane.unknown unknown"]),
    "no STARTTLS, as the tls check says": ("", failing(MAIL, Trouble.NO_STARTTLS), ["dane.ok ok"]),
}


@pytest.mark.parametrize("case", MATCHES)
def test_matching(case: str) -> None:
    value, host, expected = MATCHES[case]
    records = zone(more=[tlsa(MAIL, value), GOOD[1]])
    found = run(dane.check, records, authenticated=True, trust_ad=True, smtp=prober(host), allow_private=True)
    assert ids(found) == expected


def test_a_mismatch_offers_the_record_that_fits() -> None:
    records = zone(more=[tlsa(MAIL, OTHER), GOOD[1]])
    (found,) = run(dane.check, records, authenticated=True, trust_ad=True, smtp=prober(), allow_private=True)
    assert found.expected == tlsa(MAIL).value
    assert found.fix == f"_25._tcp.{MAIL}. 3600 IN TLSA {tlsa(MAIL).value}"


def test_a_key_in_waiting_beside_the_one_in_use_is_good() -> None:
    records = zone(more=[*GOOD, tlsa(MAIL, OTHER)])
    found = run(dane.check, records, authenticated=True, trust_ad=True, smtp=prober(), allow_private=True)
    assert ids(found) == ["dane.ok ok"]


def test_a_mismatch_that_stops_no_mail_is_a_warning() -> None:
    records = zone(more=[tlsa(MAIL, OTHER), GOOD[1]])
    found = run(dane.check, records, trust_ad=True, smtp=prober(), allow_private=True)
    assert ids(found) == ["dane.insecure warning", "dane.mismatch warning"]


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS])
def test_what_nobody_answers_is_unknown(status: Status) -> None:
    assert ids(run(dane.check, faults={(NAME, "MX"): status})) == ["dane.unknown unknown"]
    found = run(
        dane.check, zone(more=GOOD), faults={f"_25._tcp.{MAIL}": status}, authenticated=True, trust_ad=True
    )
    assert ids(found) == ["dane.unknown unknown"]


def test_a_domain_that_takes_no_mail_needs_none() -> None:
    records = zone(without=[(NAME, "MX")], more=[Record(NAME, "MX", "0 .")])
    assert ids(run(dane.check, records)) == ["dane.not-needed ok"]
