"""TLS: CAA records, and what mail hosts show."""

from datetime import timedelta

import pytest

from mailctl.domains.checks import tls
from mailctl.domains.checks.target import Profile
from mailctl.edges.https import MemoryFetcher
from mailctl.edges.smtp_probe import Probed, Trouble
from mailctl.standards.dns import Record, Status
from tests.checks.hosts import NAME, NOW, ids, run, zone
from tests.checks.hosts_with_tls import MAIL, MAIL2, certificate, failing, prober, shown

CAA = Record(NAME, "CAA", '0 issue "letsencrypt.org"')
HEALTHY = zone(more=[CAA])


@pytest.mark.parametrize("profile", Profile)
def test_a_healthy_domain_is_ok(profile: Profile) -> None:
    assert ids(run(tls.check, HEALTHY, target={"profile": profile}, smtp=prober(), allow_private=True)) == [
        "tls.ok ok"
    ]


def test_nobody_is_contacted_without_leave() -> None:
    assert ids(run(tls.check, HEALTHY)) == ["tls.ok ok"]


def late(days: float) -> Probed:
    return shown(MAIL, chain=(certificate(MAIL, days),))


TABLE: dict[str, tuple[Probed, list[str]]] = {
    "no STARTTLS": (failing(MAIL, Trouble.NO_STARTTLS), ["tls.starttls-missing error"]),
    "a handshake that fails": (failing(MAIL, Trouble.TLS), ["tls.handshake-failed error"]),
    "silent": (failing(MAIL, Trouble.TIMEOUT), ["tls.unreachable unknown"]),
    "closed": (failing(MAIL, Trouble.REFUSED), ["tls.unreachable unknown"]),
    "no way there": (failing(MAIL, Trouble.NO_ROUTE), ["tls.unreachable unknown"]),
    "not for us": (failing(MAIL, Trouble.TURNED_AWAY), ["tls.unreachable unknown"]),
    "cut off": (failing(MAIL, Trouble.BROKEN), ["tls.unreachable unknown"]),
    "another name": (shown(MAIL, name_matches=False), ["tls.certificate-name warning"]),
    "not trusted": (shown(MAIL, untrusted="self-signed certificate"), ["tls.certificate-untrusted warning"]),
    "no authorities here": (
        shown(MAIL, untrusted="unable to get local issuer certificate", no_authorities=True),
        ["tls.unreachable unknown"],
    ),
    "out of date": (late(-1), ["tls.certificate-expired warning"]),
    "ends soon": (late(13), ["tls.expires-soon warning"]),
    "ends in two weeks": (late(14), ["tls.ok ok"]),
    "TLS 1.1": (shown(MAIL, protocol="TLSv1.1"), ["tls.old-protocol warning"]),
    "TLS 1.2": (shown(MAIL, protocol="TLSv1.2"), ["tls.ok ok"]),
}


@pytest.mark.parametrize("case", TABLE)
def test_mail_hosts(case: str) -> None:
    host, expected = TABLE[case]
    assert ids(run(tls.check, HEALTHY, smtp=prober(host), allow_private=True)) == expected


def test_private_addresses_are_contacted_in_laboratories_alone() -> None:
    smtp = prober()
    assert ids(run(tls.check, HEALTHY, smtp=smtp)) == ["tls.not-contacted info"] * 2 + ["tls.ok ok"]
    assert smtp.asked == []


def test_each_host_is_looked_at() -> None:
    smtp = prober(failing(MAIL, Trouble.TIMEOUT), shown(MAIL2, name_matches=False))
    found = run(tls.check, HEALTHY, smtp=smtp, allow_private=True)
    assert ids(found) == ["tls.certificate-name warning", "tls.unreachable unknown"]
    assert sorted(smtp.asked) == [MAIL, MAIL2]


@pytest.mark.parametrize(("mode", "severity"), [("enforce", "error"), ("testing", "warning")])
def test_an_enforced_policy_makes_a_bad_certificate_an_error(mode: str, severity: str) -> None:
    policy = f"version: STSv1\nmode: {mode}\nmx: *.{NAME}\nmax_age: 604800\n"
    https = MemoryFetcher({f"https://mta-sts.{NAME}/.well-known/mta-sts.txt": policy.encode()})
    announced = [
        Record(f"_mta-sts.{NAME}", "TXT", "v=STSv1; id=1"),
        Record(f"mta-sts.{NAME}", "A", "8.8.4.4"),
    ]
    smtp = prober(shown(MAIL, name_matches=False), late(5))
    found = run(
        tls.check,
        [*HEALTHY, *announced],
        smtp=prober(shown(MAIL, name_matches=False)),
        allow_private=True,
        https=https,
    )
    assert ids(found) == [f"tls.certificate-name {severity}"]
    assert ids(run(tls.check, [*HEALTHY, *announced], smtp=smtp, allow_private=True)) == [
        "tls.expires-soon warning"
    ]


AUTHORITIES: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "nothing": ((), ["tls.caa-missing info", "tls.ok ok"]),
    "nobody": (('0 issue ";"',), ["tls.ok ok"]),
    "a critical property that nobody knows": (('128 tbs "x"',), ["tls.caa-invalid error"]),
    "one that is not critical": (('0 tbs "x"',), ["tls.ok ok"]),
    "an URL for an issuer": (('0 issue "https://letsencrypt.org"',), ["tls.caa-invalid error"]),
    "nonsense": (("nonsense",), ["tls.caa-invalid error"]),
}


@pytest.mark.parametrize("case", AUTHORITIES)
def test_caa(case: str) -> None:
    values, expected = AUTHORITIES[case]
    assert ids(run(tls.check, zone(more=[Record(NAME, "CAA", value) for value in values]))) == expected


def test_caa_from_above_counts() -> None:
    assert ids(run(tls.check, HEALTHY, target={"name": f"news.{NAME}"})) == ["tls.ok ok"]


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS])
def test_what_nobody_answers_is_unknown(status: Status) -> None:
    assert ids(run(tls.check, HEALTHY, faults={(NAME, "CAA"): status})) == ["tls.unknown unknown"]
    found = run(tls.check, HEALTHY, faults={(NAME, "MX"): status}, smtp=prober(), allow_private=True)
    assert ids(found) == ["tls.unknown unknown"]


def test_a_fault_above_the_domain_is_not_held_against_it() -> None:
    found = run(tls.check, faults={("example", "CAA"): Status.REFUSED})
    assert ids(found) == ["tls.caa-missing info", "tls.ok ok"]
    assert "whether example has one is unknown" in found[1].message


def test_a_certificate_that_has_not_begun() -> None:
    early = certificate(MAIL)
    early = type(early)(early.der, early.spki, early.names, NOW + timedelta(1), early.not_after)
    (found,) = run(tls.check, HEALTHY, smtp=prober(shown(MAIL, chain=(early,))), allow_private=True)
    assert found.id == "tls.certificate-expired"
    assert found.message.endswith("begins on 2026-11-02")


def test_a_domain_that_takes_no_mail_has_no_hosts_to_contact() -> None:
    smtp = prober()
    records = zone(without=[(NAME, "MX")], more=[CAA, Record(NAME, "MX", "0 .")])
    assert ids(run(tls.check, records, smtp=smtp, allow_private=True)) == ["tls.ok ok"]
    assert smtp.asked == []
