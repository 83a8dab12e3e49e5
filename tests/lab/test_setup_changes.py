"""What can happen to a host that mailctl set up, or tried to: rotation, failure, undo.

Each test has a host of its own.
"""

import pytest

from tests.lab.admin import DOMAIN, Admin
from tests.lab.names import PRIMARY
from tests.lab.net import Host, wait_until
from tests.lab.receiver import results, verdicts
from tests.lab.world import SENDER_V4, World, remove_package

pytestmark = [pytest.mark.server, pytest.mark.root, pytest.mark.xdist_group("lab")]


@pytest.fixture
def admin(world: World, sender: Host) -> Admin:
    return Admin(world, sender)


def selectors(admin: Admin, subject: str) -> set[str]:
    """The selectors whose signatures the receiver accepted; SPF and DMARC must have passed too."""
    message = admin.world.receiver.delivered(subject)
    assert results(message, "spf") == ["pass"]
    assert results(message, "dmarc") == ["pass"]
    return {
        found.properties["header.s"]
        for found in verdicts(message)
        if found.method == "dkim" and found.result == "pass"
    }


def test_mail_in_the_queue_survives_a_rotation(admin: Admin) -> None:
    admin.setup()
    receiver = admin.world.receiver
    receiver.host.run(["postfix", "stop"])
    try:
        admin.sendmail("signed before the rotation")
        wait_until("the mail is not in the queue", lambda: "status=deferred" in admin.host.mail_log())
        admin.mailctl("dkim", "rotate", DOMAIN, "--yes")
        admin.sendmail("signed after the rotation")
    finally:
        receiver.host.run(["postfix", "start"])
    wait_until("the receiver does not listen", lambda: receiver.host.listening(25))
    admin.host.run(["postqueue", "-f"])
    before = selectors(admin, "signed before the rotation")
    after = selectors(admin, "signed after the rotation")
    assert len(before) == len(after) == 2
    assert before.isdisjoint(after)
    admin.mailctl("dkim", "retire", DOMAIN, "--yes", "--force")
    assert all(admin.world.names.ask(f"{name}._domainkey.{DOMAIN}", "TXT", PRIMARY) == [] for name in before)
    admin.sendmail("signed after the retirement")
    assert selectors(admin, "signed after the retirement") == after


def test_a_rotation_waits_for_every_name_server_and_goes_on_later(admin: Admin) -> None:
    admin.setup()
    admin.sendmail("before")
    old = selectors(admin, "before")
    admin.world.names.hold_secondary(DOMAIN, hold=True)
    text = admin.mailctl("dkim", "rotate", DOMAIN, "--yes", "--wait", "2", expect=3)
    assert "at 1 of 2 servers" in text
    admin.sendmail("still the old keys")
    assert selectors(admin, "still the old keys") == old
    admin.world.names.hold_secondary(DOMAIN, hold=False)
    admin.mailctl("dkim", "rotate", DOMAIN, "--yes")
    admin.sendmail("now the new keys")
    assert selectors(admin, "now the new keys").isdisjoint(old)


def test_undo_leaves_the_host_as_found(admin: Admin) -> None:
    before = admin.found()
    admin.setup()
    assert admin.found() != before
    admin.mailctl("setup", "--undo", "--yes")
    assert admin.found() == before
    assert not any(admin.host.listening(port) for port in (25, 10587, 8891, 8892))


def test_undo_leaves_a_running_postfix_running_as_before(admin: Admin) -> None:
    admin.host.run(["service", "postfix", "start"])
    before = admin.found()
    admin.setup()
    admin.mailctl("setup", "--undo", "--yes")
    assert admin.found() == before
    wait_until("Postfix does not listen", lambda: admin.host.listening(25, SENDER_V4))
    assert not admin.host.listening(10587)


def test_a_port_that_is_taken_is_seen_before_anything_is_touched(admin: Admin) -> None:
    admin.host.spawn(["python3", "-m", "http.server", "--bind", "127.0.0.1", "10587"])
    wait_until("the other program does not listen", lambda: admin.host.listening(10587))
    before = admin.found()
    assert "127.0.0.1:10587" in admin.setup(expect=5)
    assert admin.found() == before
    assert admin.world.names.ask(f"_dmarc.{DOMAIN}", "TXT") == []


# Programs that fail once mailctl's configuration is there; what was there before they take.
BROKEN = {
    "/usr/sbin/opendkim": """\
#!/bin/sh
case "$1" in -V|-n) exec /usr/sbin/opendkim.real "$@" ;; esac
exit 1
""",
    "/usr/sbin/postfix": """\
#!/bin/sh
case " $* " in *" start "*|*" reload "*) grep -q mailctl /etc/postfix/main.cf && exit 1 ;; esac
exec /usr/sbin/postfix.real "$@"
""",
}


@pytest.mark.parametrize("program", list(BROKEN))
def test_a_failed_apply_puts_everything_back(admin: Admin, program: str) -> None:
    admin.host.run(["service", "postfix", "start"])
    admin.host.run(["mv", program, f"{program}.real"])
    admin.host.write(program, BROKEN[program], mode="0755")
    before = admin.found()
    admin.setup(expect=6)
    assert admin.found() == before
    wait_until("Postfix does not listen", lambda: admin.host.listening(25, SENDER_V4))
    assert not any(admin.host.listening(port) for port in (10587, 8891, 8892))
    assert admin.world.names.ask(f"_dmarc.{DOMAIN}", "TXT") == []


def test_a_disk_that_fills_up_midway_puts_everything_back(admin: Admin) -> None:
    admin.host.run(["install", "-d", "/etc/opendkim"])
    admin.host.run(["mount", "-t", "tmpfs", "-o", "size=8k,mode=0755", "tmpfs", "/etc/opendkim"])
    before = admin.found()
    assert "No space left" in admin.setup(expect=6)
    assert admin.found() == before


def test_without_dns_nothing_is_touched(admin: Admin) -> None:
    before = admin.found()
    admin.world.names.stop()
    text = admin.setup(expect=3)
    assert DOMAIN in text
    assert admin.found() == before


@pytest.mark.parametrize("package", ["postfix", "opendkim"])
def test_without_a_package_it_says_what_to_install(admin: Admin, package: str) -> None:
    remove_package(admin.host, package)
    before = admin.found()
    assert "apt-get install" in admin.setup(expect=5)
    assert admin.found() == before


def test_a_full_disk_leaves_the_host_as_it_was(admin: Admin) -> None:
    before = admin.found()
    admin.host.run(["install", "-d", "-m", "0700", "/var/lib/mailctl"])
    admin.host.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", "/var/lib/mailctl"])
    done = admin.host.run(["dd", "if=/dev/zero", "of=/var/lib/mailctl/ballast", "bs=4k"], check=False)
    assert "No space left" in done.stderr
    text = admin.setup(expect=5)
    assert "full" in text
    assert admin.found() == before
    assert admin.world.names.ask(f"_dmarc.{DOMAIN}", "TXT") == []
