"""Real Postfix and OpenDKIM, on a host of their own made of namespaces: set up from nothing, failed, killed, undone."""

import json
import os
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.domains.host_examples import assert_golden
from tests.lab.net import Host, Network, wait_until

pytestmark = [pytest.mark.server, pytest.mark.root, pytest.mark.xdist_group("host")]
MAILCTL = (sys.executable, "-m", "mailctl")
NAME, DOMAIN = "mail.shop.example", "shop.example"
SEED = """
    from mailctl.edges.key_files import KeyFiles
    from mailctl.settings import load
    from mailctl.standards import dkim
    from mailctl.store import open_store
    settings = load(None)
    files = KeyFiles(settings.state_dir / "keys")
    with open_store(settings.store.url) as store:
        store.tenants.add("default")
        row = store.domains.add("default", "shop.example", hostname="mail.shop.example")
        for selector, algorithm in (("r1", "rsa"), ("e1", "ed25519")):
            pem = dkim.generate(algorithm)
            files.write("shop.example", selector, pem)
            store.keys.add(row, selector, algorithm, dkim.public_text(pem))
"""
WATCHED = ("/etc", "/lib/systemd/system", "/usr/share/postfix")


@contextmanager
def booted() -> Iterator[Host]:
    if os.geteuid():
        pytest.skip("needs root (namespaces)")
    with Network() as wire, Host(wire, NAME, ("192.0.2.25/24", "2001:db8::25/64")) as made:
        made.write("/etc/mailctl/mailctl.toml", '[host]\npostmaster = "admin@elsewhere.example"\n')
        made.run([sys.executable, "-c", textwrap.dedent(SEED)])
        made.run(["postfix", "check"])  # the queue's folders, which a package makes at installation
        yield made
        print(made.mail_log())


@pytest.fixture(scope="module")
def shared_host() -> Iterator[Host]:
    with booted() as made:
        yield made


@pytest.fixture
def host(shared_host: Host) -> Iterator[Host]:
    """The host as its packages leave it; after the test, undo must have brought it back to that."""
    before = found(shared_host)
    yield shared_host
    if found(shared_host) != before:
        mailctl(shared_host, "undo", "--yes", "--all", "--force")
    assert found(shared_host) == before
    assert not any(up(shared_host).values())


@pytest.fixture
def own_host() -> Iterator[Host]:
    with booted() as made:
        yield made


def mailctl(host: Host, *words: str, expect: int = 0, failpoint: str = "") -> str:
    env = {"MAILCTL_FAILPOINT": failpoint} if failpoint else None
    done = host.run([*MAILCTL, "host", *words], env=env, check=False)
    text = done.stdout + done.stderr
    assert done.returncode == expect, text
    assert "Traceback" not in text
    return text


def found(host: Host) -> dict[str, str]:
    return {
        path: what for path, what in host.snapshot(*WATCHED).items() if not path.startswith("/etc/mailctl")
    }


def up(host: Host) -> dict[int, bool]:
    return {port: host.listening(port) for port in (25, 10587, 8891, 8892)}


def mail(host: Host, sender: str, recipient: str, subject: str) -> None:
    text = f"From: {sender}\nTo: {recipient}\nSubject: {subject}\n\nHello.\n"
    host.run(["sendmail", "-f", sender, recipient], input=text)


def test_from_nothing_to_configured_and_back(host: Host) -> None:
    before = found(host)
    mailctl(host, "plan", "--check", expect=2)
    assert found(host) == before
    mailctl(host, "apply", "--yes")
    assert up(host) == dict.fromkeys((25, 10587, 8891, 8892), True)
    assert_golden("postconf-n", host.run(["postconf", "-n"]).stdout)
    assert "warning" not in host.run(["postfix", "check"]).stderr

    after = found(host)
    mailctl(host, "plan", "--check")
    mailctl(host, "apply", "--yes")
    assert found(host) == after

    mailctl(host, "undo", "--yes", "--all")
    assert found(host) == before
    assert not any(up(host).values())
    assert mailctl(host, "undo", "--yes") == "nothing to undo\n"


def test_mail_is_signed_once_by_each_key_and_bounces_are_kept(host: Host) -> None:
    mailctl(host, "apply", "--yes")
    host.run(["rm", "-rf", f"/var/mail/mailctl-bounces/bounces.{DOMAIN}"])
    mail(host, f"news@{DOMAIN}", f"v+1@bounces.{DOMAIN}", "a bounce")
    folder = f"/var/mail/mailctl-bounces/bounces.{DOMAIN}/new"
    wait_until("the bounce is not kept", lambda: host.run(["ls", folder], check=False).stdout)
    message = host.run(["sh", "-c", f"cat {folder}/*"]).stdout
    assert message.count("DKIM-Signature:") == 2
    assert "a=rsa-sha256" in message
    assert "a=ed25519-sha256" in message
    assert host.run(["stat", "-c", "%U %a", f"{folder}"]).stdout == "mail 700\n"


def test_the_hosts_own_bounces_are_signed_and_root_reaches_a_person(host: Host) -> None:
    mailctl(host, "apply", "--yes")
    host.run(["rm", "-rf", f"/var/mail/mailctl-bounces/bounces.{DOMAIN}"])
    mail(host, f"v+2@bounces.{DOMAIN}", f"nobody-of-that-name@{NAME}", "lost")
    folder = f"/var/mail/mailctl-bounces/bounces.{DOMAIN}/new"
    wait_until("no bounce came back", lambda: host.run(["ls", folder], check=False).stdout)
    message = host.run(["sh", "-c", f"cat {folder}/*"]).stdout
    assert f"<MAILER-DAEMON@{NAME}>" in message
    head = message.partition("\n\n")[0]
    assert head.count("DKIM-Signature:") == 2
    mail(host, f"news@{DOMAIN}", "root", "for a person")
    wait_until("root is nobody", lambda: "to=<admin@elsewhere.example>, orig_to=<root>" in host.mail_log())


def test_a_rotation_is_taken_up_without_a_restart(host: Host) -> None:
    mailctl(host, "apply", "--yes")
    rotate = """
        from mailctl.edges.key_files import KeyFiles
        from mailctl.settings import load
        from mailctl.standards import dkim
        from mailctl.store import open_store
        settings = load(None)
        with open_store(settings.store.url) as store:
            row = store.domains.need("shop.example")
            (old,) = [key for key in store.keys.list(row) if key.selector == "r1"]
            pem = dkim.generate("rsa")
            KeyFiles(settings.state_dir / "keys").write("shop.example", "r2", pem)
            new = store.keys.add(row, "r2", "rsa", dkim.public_text(pem))
            for key, states in ((old, ("published", "active", "retiring")), (new, ("published", "active"))):
                for state in states:
                    store.keys.set_state(key, state)
    """
    host.run([sys.executable, "-c", textwrap.dedent(rotate)])
    pids = host.run(["pgrep", "-x", "opendkim"]).stdout
    mailctl(host, "apply", "--yes")
    assert host.run(["pgrep", "-x", "opendkim"]).stdout == pids

    def signed_anew() -> bool:
        mail(host, f"news@{DOMAIN}", f"v@bounces.{DOMAIN}", f"at {time.monotonic()}")
        return "(s=r2," in host.mail_log()

    wait_until("OpenDKIM still signs with the old key", signed_anew)
    assert host.run(["ls", f"/etc/opendkim/keys/{DOMAIN}"]).stdout.split() == ["e1.private", "r2.private"]
    mailctl(host, "plan", "--check")


def test_a_start_that_fails_puts_everything_back(host: Host) -> None:
    before = found(host)
    taken = "import socket, time; s = socket.create_server(('', 25)); print(1, flush=True); time.sleep(60)"
    other = host.spawn([sys.executable, "-c", taken])
    wait_until("port 25 is free", lambda: host.listening(25))
    text = mailctl(host, "apply", "--yes", expect=6)
    assert "put back" in text
    assert found(host) == before
    other.stop()


def test_a_port_that_is_taken_is_told_before_anything_is_changed(host: Host) -> None:
    before = found(host)
    taken = "import socket, time; s = socket.create_server(('127.0.0.1', 10587)); time.sleep(60)"
    other = host.spawn([sys.executable, "-c", taken])
    wait_until("port 10587 is free", lambda: host.listening(10587))
    assert "127.0.0.1:10587" in mailctl(host, "apply", "--yes", expect=5)
    assert found(host) == before
    other.stop()


def test_a_run_that_is_killed_is_put_back_by_undo(host: Host) -> None:
    before = found(host)
    mailctl(host, "apply", "--yes", expect=-9, failpoint="host.switched")
    mailctl(host, "undo", "--yes")
    assert found(host) == before


def test_apply_after_a_kill_puts_back_first_and_then_goes_on(host: Host) -> None:
    mailctl(host, "apply", "--yes", expect=-9, failpoint="host.renamed:9")
    assert "cut off" in mailctl(host, "apply", "--yes")
    mailctl(host, "plan", "--check")


@pytest.mark.parametrize(
    ("folder", "size", "expect"), [("/var/lib/mailctl/journal", "8k", 5), ("/etc/opendkim", "12k", 6)]
)
def test_a_disk_that_is_full_leaves_the_host_as_it_was(
    host: Host, folder: str, size: str, expect: int
) -> None:
    host.run(["mkdir", "-p", folder])
    host.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder])
    before = found(host)
    text = mailctl(host, "apply", "--yes", expect=expect)
    assert "No space left on device" in text
    assert found(host) == before
    host.run(["umount", folder])
    host.run(["rmdir", folder], check=False)  # the journal's was there before


def test_what_somebody_set_up_needs_force_before_and_after(own_host: Host) -> None:
    host = own_host
    host.run(["postconf", "-e", "relayhost = [smtp.provider.example]:587"])
    before = found(host)
    assert "relayhost" in mailctl(host, "apply", "--yes", expect=4)
    assert found(host) == before
    plan = json.loads(mailctl(host, "plan", "--json"))
    replaced = "relayhost = [smtp.provider.example]:587: mail would no longer leave through that relay"
    assert plan["dangers"] == [replaced]
    mailctl(host, "apply", "--yes", "--force")
    host.run(["postconf", "-e", "message_size_limit = 1000000"])
    changed = found(host)
    assert "/etc/postfix/main.cf" in mailctl(host, "undo", "--yes", expect=4)
    assert found(host) == changed
    mailctl(host, "undo", "--yes", "--force")
    assert found(host) == before


def test_without_a_configuration_and_without_the_software(own_host: Host) -> None:
    host = own_host
    host.run(["rm", "/etc/postfix/main.cf"])
    before = found(host)
    mailctl(host, "apply", "--yes")
    assert host.listening(10587)
    mailctl(host, "undo", "--yes")
    assert found(host) == before
    host.run(["rm", "/usr/sbin/postconf", "/usr/sbin/opendkim"])
    assert "apt-get install postfix opendkim" in mailctl(host, "plan", expect=5)


# The interpreter may lie where only root can go, so it loads everything as root, and gives that up from within.
AS_NOBODY = """
    import contextlib, io, os, sys
    from mailctl.cli import main
    sys.argv = ["mailctl", "host", "plan"]
    os.environ["MAILCTL_STATE_DIR"] = "/tmp/state-of-root"
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main()
    os.environ["MAILCTL_CONFIG"] = "/etc/mailctl/mailctl.toml"
    os.environ["MAILCTL_STATE_DIR"] = "/tmp/state-of-nobody"
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    sys.argv = ["mailctl", "host", *WORDS]
    main()
"""


def as_nobody(host: Host, *words: str) -> tuple[int, str]:
    program = textwrap.dedent(AS_NOBODY).replace("WORDS", repr(list(words)))
    done = host.run([sys.executable, "-c", program], check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_without_root(host: Host) -> None:
    assert as_nobody(host, "plan", "--check")[0] == 2
    code, text = as_nobody(host, "apply", "--yes")
    assert (code, "run this as root" in text) == (5, True)
    mailctl(host, "apply", "--yes")
    code, text = as_nobody(host, "plan")  # now there are files that only root may read
    assert (code, "what to do" in text) == (5, True), text
