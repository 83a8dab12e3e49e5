"""A rehearsal passes with a right plan, and names the reason where a record of it is wrong."""

import asyncio
import sys
from dataclasses import replace
from typing import Any

import pytest

from mailctl.domains.authentication import author_domain
from mailctl.domains.desired import DomainKey, MailDomain
from mailctl.domains.rehearsal import PlannedLookup, Rehearsal, compose, prove_live, rehearse
from mailctl.domains.zone_plan import planned_zone
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer
from mailctl.standards.dns import Answer, Lookup, Record, Status
from tests.domains.world import NOW
from tests.domains.zone_examples import HOUSE, IPV4, IPV6, NAME, RETURN_PATH, key_pem, mail_domain, plan

SELECTORS = {"r1": "rsa", "e1": "ed25519"}
KEYS = tuple(
    DomainKey(selector, algorithm, dkim.public_text(key_pem(algorithm)))
    for selector, algorithm in SELECTORS.items()
)
SIGNERS = [Signer(NAME, "r1", "rsa", key_pem("rsa")), Signer(NAME, "e1", "ed25519", key_pem("ed25519"))]
DOMAIN = mail_domain(keys=KEYS)
PLANNED = planned_zone(plan((), DOMAIN))
DMARC = f"_dmarc.{NAME}"


async def nobody(name: str, rdtype: str) -> Answer:
    """A network that is not there."""
    return Answer(name, rdtype, Status.TIMEOUT)


def run(
    planned: tuple[Record, ...] = PLANNED,
    *,
    domain: MailDomain = DOMAIN,
    live: Lookup | None = None,
    signers: list[Signer] | None = None,
) -> Rehearsal:
    live = live or MemoryResolver(())
    return asyncio.run(rehearse(domain, SIGNERS if signers is None else signers, planned, live, now=NOW))


def but(name: str, rdtype: str, *values: str, zone: tuple[Record, ...] = PLANNED) -> tuple[Record, ...]:
    kept = tuple(r for r in zone if (r.name, r.rdtype) != (name, rdtype))
    return kept + tuple(Record(name, rdtype, value) for value in values)


def test_a_right_plan_passes() -> None:
    rehearsal = run()
    assert rehearsal.passed
    assert (rehearsal.domain, rehearsal.dns, rehearsal.problems) == (NAME, "planned", ())
    assert [d.client for d in rehearsal.deliveries] == [IPV4, IPV6]
    for delivery in rehearsal.deliveries:
        assert delivery.authentication is not None
        verdicts = [(v.method, v.result) for v in delivery.authentication.verdicts]
        assert verdicts == [("spf", "pass"), ("dkim", "pass"), ("dkim", "pass"), ("dmarc", "pass")]
        assert all(v.reason for v in delivery.authentication.verdicts)
        header = delivery.authentication.header
        assert header.startswith("receiver.mailctl.invalid;")
        assert "spf=pass" in header
        assert header.count("dkim=pass") == 2
        assert "dmarc=pass" in header
        assert f"smtp.mailfrom=bounces+rehearsal@{RETURN_PATH}" in header


def test_it_needs_no_network() -> None:
    assert run(live=nobody).passed


def test_without_an_address_nothing_is_proven() -> None:
    assert not run(domain=mail_domain(keys=KEYS, ipv4=(), ipv6=())).passed


OTHER = dkim.public_text(key_pem("rsa", 7))
STRICT = "v=DMARC1; p=reject; adkim=s; aspf=s"
ELEVEN = "v=spf1 " + " ".join(f"a:h{n}.{NAME}" for n in range(11))
HALF = f"v=spf1 ip4:{IPV4} -all"
BROKEN = [
    ("another key", but(f"r1._domainkey.{NAME}", "TXT", OTHER), ["dkim=fail r1._domainkey"], []),
    ("no key", but(f"e1._domainkey.{NAME}", "TXT"), ["dkim=permerror e1._domainkey"], []),
    ("a revoked key", but(f"r1._domainkey.{NAME}", "TXT", "v=DKIM1; k=rsa; p="), ["dkim=permerror r1._domainkey"], []),
    ("a key cut short", but(f"r1._domainkey.{NAME}", "TXT", KEYS[0].text[:200]), ["dkim=permerror r1._domainkey"], []),
    ("two keys at a selector", but(f"r1._domainkey.{NAME}", "TXT", KEYS[0].text, OTHER), ["r1._domainkey"], []),
    ("SPF without the address", but(RETURN_PATH, "TXT", "v=spf1 ip4:198.51.100.1 -all"), ["spf=fail"], ["dmarc="]),
    ("SPF with half of them", but(RETURN_PATH, "TXT", HALF), [f"from {IPV6}: spf=fail"], [f"from {IPV4}"]),
    ("softfail", but(RETURN_PATH, "TXT", "v=spf1 ~all"), ["spf=softfail"], ["dmarc="]),
    ("no SPF", but(RETURN_PATH, "TXT"), ["spf=none"], ["dmarc="]),
    ("a broken SPF record", but(RETURN_PATH, "TXT", "v=spf1 ip4:nonsense"), ["spf=permerror"], []),
    ("two SPF records", but(RETURN_PATH, "TXT", "v=spf1 +all", "v=spf1 -all"), ["spf=permerror"], []),
    ("SPF beyond 10 lookups", but(RETURN_PATH, "TXT", ELEVEN), ["spf=permerror"], []),
    ("no DMARC", but(DMARC, "TXT"), ["dmarc=none"], ["spf=", "dkim="]),
    ("two DMARC records", but(DMARC, "TXT", "v=DMARC1; p=none", STRICT), ["dmarc=none"], ["spf=", "dkim="]),
]  # fmt: skip


@pytest.mark.parametrize(("what", "planned", "named", "absent"), BROKEN, ids=[row[0] for row in BROKEN])
def test_what_is_wrong_with_a_plan_is_named(
    what: str, planned: tuple[Record, ...], named: list[str], absent: list[str]
) -> None:
    rehearsal = run(planned)
    assert not rehearsal.passed
    text = "\n".join(rehearsal.problems)
    for part in named:
        assert part in text
    for part in absent:
        assert part not in text
    assert all(line.rpartition(": ")[2] for line in rehearsal.problems)


def test_strict_alignment_is_met_by_dkim_and_not_by_the_return_path() -> None:
    """The return path is a subdomain: under aspf=s only DKIM aligns, and without DKIM the message fails."""
    zone = but(DMARC, "TXT", STRICT)
    assert run(zone).passed
    without = run(
        but(f"r1._domainkey.{NAME}", "TXT", OTHER, zone=but(f"e1._domainkey.{NAME}", "TXT", zone=zone))
    )
    assert not without.passed
    assert any("dmarc=fail" in line for line in without.problems)
    assert {d.authentication.disposition for d in without.deliveries if d.authentication} == {"reject"}


def test_under_relaxed_alignment_spf_carries_it_alone_and_the_signature_is_still_missed() -> None:
    zone = but(f"r1._domainkey.{NAME}", "TXT", OTHER, zone=but(f"e1._domainkey.{NAME}", "TXT"))
    rehearsal = run(zone)
    assert not rehearsal.passed
    assert not any("dmarc" in line for line in rehearsal.problems)


def test_no_signature_at_all() -> None:
    rehearsal = run(signers=[])
    assert not rehearsal.passed
    assert any("dkim" in line for line in rehearsal.problems)


def test_what_others_publish_counts() -> None:
    """An include in a record that is edited is followed into the DNS as it is; where that is dead, SPF says so."""
    zone = but(RETURN_PATH, "TXT", "v=spf1 include:_spf.office.example -all")
    office = MemoryResolver(
        [Record("_spf.office.example", "TXT", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all")]
    )
    assert run(zone, live=office).passed
    dead = run(zone, live=nobody)
    assert any("spf=temperror" in line for line in dead.problems)


def test_delegated_keys_are_found_through_their_cname() -> None:
    domain = mail_domain(keys=(replace(KEYS[0], selector="mc1"),), delegation_zone=HOUSE)
    planned = planned_zone(plan((), domain))
    signers = [Signer(NAME, "mc1", "rsa", key_pem("rsa"))]
    assert run(planned, domain=domain, signers=signers).passed
    # …also where the DNS as it is has only the CNAME, which dangles until the key is published.
    live = MemoryResolver([Record(f"mc1._domainkey.{NAME}", "CNAME", f"mc1.{NAME}.{HOUSE}")])
    assert run(planned, domain=domain, signers=signers, live=live).passed
    elsewhere = but(f"mc1._domainkey.{NAME}", "CNAME", f"mc9.{NAME}.{HOUSE}", zone=planned)
    assert not run(elsewhere, domain=domain, signers=signers).passed


def test_the_dns_as_it_is_judges_the_live_proof() -> None:
    live = MemoryResolver(PLANNED)
    proof = asyncio.run(prove_live(DOMAIN, SIGNERS, live, now=NOW))
    assert (proof.passed, proof.dns) == (True, "live")
    assert not asyncio.run(prove_live(DOMAIN, SIGNERS, MemoryResolver(()), now=NOW)).passed
    silent = asyncio.run(prove_live(DOMAIN, SIGNERS, nobody, now=NOW))
    assert any("spf=temperror" in line for line in silent.problems)
    assert any("dkim=temperror" in line for line in silent.problems)


def test_nothing_leaves_this_machine() -> None:
    """An audit hook sees every connection that the process makes, whatever library makes it."""
    seen: list[Any] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.bind", "socket.sendto") and not done:
            seen.append(arguments[1])

    done: list[bool] = []
    sys.addaudithook(hook)
    try:
        assert run(live=nobody).passed
    finally:
        done.append(True)
    addresses = {address[0] for address in seen if isinstance(address, tuple)}
    assert seen
    assert addresses == {"127.0.0.1"}


def test_planned_records_win_and_what_nobody_says_falls_back() -> None:
    planned = [Record(NAME, "TXT", "planned"), Record(f"alias.{NAME}", "CNAME", f"target.{NAME}")]
    now = [
        Record(NAME, "TXT", "old"), Record(f"alias.{NAME}", "TXT", "old"), Record(NAME, "MX", "10 mx.office.example"),
    ]  # fmt: skip
    lookup = PlannedLookup(planned, MemoryResolver(now))
    silent = PlannedLookup(planned, nobody, MemoryResolver(planned, zones=(NAME,)))

    async def ask(with_lookup: PlannedLookup, name: str, rdtype: str) -> Answer:
        return await with_lookup(name, rdtype)

    assert asyncio.run(ask(lookup, f"{NAME.upper()}.", "TXT")).texts() == ("planned",)
    assert asyncio.run(ask(lookup, f"alias.{NAME}", "TXT")).status is Status.NXDOMAIN
    assert [x.host for x in asyncio.run(ask(lookup, NAME, "MX")).exchanges()] == ["mx.office.example"]
    assert asyncio.run(ask(silent, NAME, "MX")).status is Status.NODATA
    assert asyncio.run(ask(silent, "office.example", "MX")).status is Status.TIMEOUT


def test_the_message() -> None:
    message = compose(DOMAIN, NOW)
    assert b"\n" not in message.replace(b"\r\n", b"")
    assert author_domain(message) == NAME
    for field in (
        b"From: rehearsal@shop.example\r\n",
        b"Date: Tue, 24 Nov 2020 12:00:00 +0000\r\n",
        b"Message-ID: <",
    ):
        assert field in message


@pytest.mark.parametrize(
    ("header", "domain"),
    [
        (b"From: A <a@Shop.Example>", "shop.example"),
        (b"From: a@shop.example\r\nFrom: b@other.example", ""),
        (b"To: a@shop.example", ""),
        (b'From: "a@evil.example" <b@shop.example>', "shop.example"),
    ],
)
def test_the_author_domain(header: bytes, domain: str) -> None:
    assert author_domain(header + b"\r\n\r\nbody\r\n") == domain
