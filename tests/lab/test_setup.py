"""`mailctl setup` on a bare host: what the receiver's own software makes of its mail, and what strangers get.

The host is set up once for the tests of this module; none of them changes it.
"""

from collections.abc import Iterator

import pytest

from tests.lab.admin import DOMAIN, Admin
from tests.lab.attacks import RelayTarget, Smtp, relay_attempts, relay_forms, smuggle
from tests.lab.net import wait_until
from tests.lab.receiver import results, verdicts
from tests.lab.world import SENDER, SENDER_V4, SENDER_V6, World

pytestmark = [pytest.mark.server, pytest.mark.root, pytest.mark.xdist_group("lab")]
BOTH_PASS = {"rsa-sha256": "pass", "ed25519-sha256": "pass"}


@pytest.fixture(scope="module")
def ready(shared_world: World) -> Iterator[Admin]:
    with shared_world.sender() as host:
        admin = Admin(shared_world, host)
        print(admin.setup())
        admin.wait_for_listeners()
        yield admin
        print(host.mail_log())
    shared_world.names.reset()


def assert_authentic(admin: Admin, subject: str) -> None:
    """The receiver's OpenDKIM, policyd-spf and OpenDMARC say pass, and there are just two signatures."""
    message = admin.world.receiver.delivered(subject)
    dkim = [found for found in verdicts(message) if found.method == "dkim"]
    assert {found.properties["header.a"]: found.result for found in dkim} == BOTH_PASS
    assert {found.properties["header.d"] for found in dkim} == {DOMAIN}
    assert len(message.get_all("DKIM-Signature", [])) == 2
    assert results(message, "spf") == ["pass"]
    assert results(message, "dmarc") == ["pass"]


def test_mail_of_a_local_program_is_signed_by_opendkim_and_authentic(ready: Admin) -> None:
    ready.sendmail("of a local program")
    assert_authentic(ready, "of a local program")


def test_mail_signed_by_mailctl_is_not_signed_again_and_authentic(ready: Admin) -> None:
    ready.inject_signed("signed by mailctl")
    assert_authentic(ready, "signed by mailctl")


def test_mail_travels_over_tls(ready: Admin) -> None:
    ready.sendmail("over TLS")
    received = ready.world.receiver.delivered("over TLS")["Received"]
    assert "with ESMTPS" in received


def test_verify_agrees(ready: Admin) -> None:
    assert "pass" in ready.mailctl("verify", DOMAIN)


def test_a_second_setup_changes_nothing(ready: Admin) -> None:
    names = ready.world.names
    files, log, serial = ready.found(), ready.host.mail_log(), names.ask(DOMAIN, "SOA")
    ready.setup("--check")  # would end with 2 if there were a change
    ready.setup()
    assert ready.found() == files
    assert names.ask(DOMAIN, "SOA") == serial
    assert "reload" not in ready.host.mail_log().removeprefix(log)


def test_records_of_others_are_kept(ready: Admin) -> None:
    texts = ready.world.names.ask(DOMAIN, "TXT")
    assert '"some-verification=shop"' in texts
    assert len([text for text in texts if text.startswith('"v=spf1')]) == 1


@pytest.mark.parametrize("address", [SENDER_V4, SENDER_V6])
def test_no_form_of_relaying_is_accepted(ready: Admin, address: str) -> None:
    target = RelayTarget(local_domain=SENDER, host_name=SENDER, address=SENDER_V4)
    attempts = relay_attempts(lambda: ready.world.foreign.connect(address), target)
    assert len(attempts) == len(relay_forms(target)) >= 9
    assert [attempt for attempt in attempts if attempt.accepted] == []


def test_a_stranger_cannot_inject(ready: Admin) -> None:
    assert ready.host.listening(10587)
    for address in (SENDER_V4, SENDER_V6):
        with pytest.raises(OSError, match="refused"):
            ready.world.foreign.connect(address, 10587)


def test_a_bounce_is_kept_and_other_names_are_not_told(ready: Admin) -> None:
    with Smtp(lambda: ready.world.foreign.connect(SENDER_V4)) as smtp:
        assert smtp.command("VRFY root")[0] == 502
        assert smtp.command("MAIL FROM:<>")[0] == 250
        assert smtp.command(f"RCPT TO:<bounces+any@bounces.{DOMAIN}>")[0] == 250
        assert smtp.command(f"RCPT TO:<somebody@{DOMAIN}>")[0] in (454, 550, 554)
        assert smtp.command("DATA")[0] == 354
        smtp.send(b"From: <>\r\nSubject: undeliverable\r\n\r\nSorry.\r\n.\r\n")
        assert smtp.reply()[0] == 250
    folder = "/var/mail/mailctl-bounces"
    look = ["grep", "-rl", "Subject: undeliverable", folder]
    wait_until("the bounce is not in its Maildir", lambda: ready.host.run(look, check=False).stdout)
    assert "/new/" in ready.host.run(look).stdout


@pytest.mark.parametrize("port", [25, 10587])
def test_nothing_is_smuggled_from_the_hosts_own_programs(ready: Admin, port: int) -> None:
    counts = smuggle(lambda: ready.host.connect("127.0.0.1", port), f"news@{DOMAIN}", f"root@{SENDER}")
    assert max(counts.values()) == 1
