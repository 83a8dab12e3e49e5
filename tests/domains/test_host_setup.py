"""From settings, store and key files to a plan; the certificate; and the commands that a person types."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from mailctl.domains.desired import DomainKey, MailDomain
from mailctl.domains.host_certificate import LIFE, fits, self_signed
from mailctl.domains.host_facts import gather, is_local
from mailctl.domains.host_setup import HostSide, apply_host, host_inputs, plan_host, recover_host, undo_host
from mailctl.edges.host import MemoryHost
from mailctl.edges.key_files import MemoryKeyFiles
from mailctl.errors import BadInput, HostCannot
from mailctl.settings import HostSettings, Settings, TlsSettings
from mailctl.standards import dkim
from mailctl.store import open_store
from tests.domains.host_examples import LAYOUT, NOW
from tests.domains.memory_mta import MAIN_CF, bare_host, files

PEM = dkim.generate("ed25519")
TEXT = dkim.public_text(PEM)


@pytest.fixture
def w(tmp_path: Path) -> Iterator[HostSide]:
    url = f"sqlite:///{tmp_path}/mailctl.db"
    settings = Settings.model_validate(
        {
            "store": {"url": url},
            "state_dir": "/var/lib/mailctl",
            "host": {"postmaster": "admin@elsewhere.example"},
        }
    )
    keys = MemoryKeyFiles()
    with open_store(url) as store:
        store.tenants.add("default")
        row = store.domains.add("default", "shop.example", hostname="mail.sender.example")
        store.keys.add(row, "e1", "ed25519", TEXT)
        keys.write("shop.example", "e1", PEM)
        yield HostSide(settings, store, keys, bare_host(), lambda: NOW)


def host_of(w: HostSide) -> MemoryHost:
    assert isinstance(w.host, MemoryHost)
    return w.host


def private_keys(w: HostSide) -> list[str]:
    return [str(c.path) for c in plan_host(w).files if c.path.suffix == ".private"]


def test_plan_apply_plan_undo(w: HostSide) -> None:
    before = files(host_of(w))
    apply_host(w, plan_host(w), force=False)
    assert plan_host(w).empty
    assert recover_host(w) == ()
    assert len(undo_host(w)) == 1
    assert files(host_of(w)) == before


def test_undo_everything(w: HostSide) -> None:
    before = files(host_of(w))
    apply_host(w, plan_host(w))
    w.store.domains.set("shop.example", receives_mail=True)
    apply_host(w, plan_host(w))
    assert len(undo_host(w, everything=True)) == 2
    assert files(host_of(w)) == before


def test_a_domain_that_is_not_stored_yet_joins_those_that_are(w: HostSide) -> None:
    key = DomainKey("e7", "ed25519", TEXT, "planned")
    club = MailDomain("club.example", "mail.sender.example", keys=(key,))
    planned = plan_host(w, club, {"e7": PEM})
    paths = {str(change.path) for change in planned.files}
    assert "/etc/opendkim/keys/club.example/e7.private" in paths
    assert "/etc/opendkim/keys/shop.example/e1.private" in paths


def test_domains_of_another_host_are_not_for_this_one(w: HostSide) -> None:
    row = w.store.domains.add("default", "club.example", hostname="mail2.sender.example")
    w.store.keys.add(row, "e2", "ed25519", TEXT)
    settings = w.settings.model_copy(update={"host": HostSettings(name="mail.sender.example")})
    assert private_keys(replace(w, settings=settings)) == ["/etc/opendkim/keys/shop.example/e1.private"]


def test_a_name_that_no_host_can_have(w: HostSide) -> None:
    w.store.domains.remove("shop.example")
    with pytest.raises(BadInput, match="cannot be this host's name") as caught:
        plan_host(replace(w, host=bare_host(name="localhost")))
    assert "host.name" in caught.value.hint


def test_anybody_may_see_the_plan_and_only_root_may_carry_it_out(w: HostSide) -> None:
    mine = replace(w, host=bare_host(uid=1000))
    plan = plan_host(mine)
    assert not plan.empty
    with pytest.raises(HostCannot, match="cannot be set up") as caught:
        apply_host(mine, plan)
    assert "root" in caught.value.hint


def certificate_path(w: HostSide) -> str:
    inputs = host_inputs(w, gather(w.host, LAYOUT), None, {})
    return str(inputs.certificate.chain_path)


def test_a_certificate_of_the_settings_is_used(w: HostSide) -> None:
    host = host_of(w)
    host.add("/etc/letsencrypt/live/x/fullchain.pem")
    host.add("/etc/letsencrypt/live/x/privkey.pem", mode=0o600)
    folder = Path("/etc/letsencrypt/live/x")
    tls = TlsSettings(certificate=folder / "fullchain.pem", key=folder / "privkey.pem")
    given = replace(w, settings=w.settings.model_copy(update={"tls": tls}))
    assert certificate_path(given) == "/etc/letsencrypt/live/x/fullchain.pem"
    assert not [c for c in plan_host(given).files if "tls" in c.path.name]
    del host.nodes[folder / "privkey.pem"]
    with pytest.raises(HostCannot) as caught:
        plan_host(given)
    assert caught.value.details == ("/etc/letsencrypt/live/x/privkey.pem",)


def test_a_certificate_that_somebody_gave_postfix_is_kept(w: HostSide) -> None:
    theirs = "smtpd_tls_cert_file = /etc/ssl/mine.pem\nsmtpd_tls_key_file = $smtpd_tls_cert_file\n"
    host_of(w).add("/etc/postfix/main.cf", MAIN_CF + theirs)
    assert certificate_path(w) == "/etc/ssl/mine.pem"


def test_debians_snake_oil_is_nobodys_certificate(w: HostSide) -> None:
    snakeoil = "smtpd_tls_cert_file = /etc/ssl/certs/ssl-cert-snakeoil.pem\n"
    host_of(w).add("/etc/postfix/main.cf", MAIN_CF + snakeoil)
    assert certificate_path(w) == "/etc/postfix/mailctl/tls.pem"


def test_a_self_signed_certificate_is_made_once_and_again_before_it_ends(w: HostSide) -> None:
    apply_host(w, plan_host(w))
    assert plan_host(w).empty
    late = replace(w, now=lambda: NOW + LIFE - timedelta(days=10))
    assert {c.path.name for c in plan_host(late).files} == {"tls.pem", "tls.key"}


def test_which_certificates_fit() -> None:
    chain, key = self_signed("mail.sender.example", NOW)
    other_chain, other_key = self_signed("mail.other.example", NOW)
    assert fits(chain, key, "mail.sender.example", NOW)
    assert not fits(other_chain, other_key, "mail.sender.example", NOW)
    assert not fits(chain, other_key, "mail.sender.example", NOW)
    assert not fits(chain, key, "mail.sender.example", NOW + LIFE)
    assert not fits(b"garbage", key, "mail.sender.example", NOW)
    assert not fits(chain, b"garbage", "mail.sender.example", NOW)


def test_a_long_name_has_a_certificate_too() -> None:
    name = f"{'a' * 60}.{'b' * 60}.example"
    assert fits(*self_signed(name, NOW), name, NOW)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1", True),
        ("fd00::2", True),
    ],
)
def test_local_addresses(address: str, local: bool) -> None:
    assert is_local(ip_address(address)) is local


def test_facts_as_json_hold_no_secret(w: HostSide) -> None:
    from mailctl.host_views import facts_report

    apply_host(w, plan_host(w))
    text = json.dumps(facts_report(gather(w.host, LAYOUT), ()))
    assert '"running": true' in text
    assert "PRIVATE" not in text
