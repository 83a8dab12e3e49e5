"""The laboratory proves itself: a sender configured by hand, judged by the receiver's own software.

And it leaves nothing behind.
"""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from mailctl.standards import dkim_sign
from tests.lab import hand_made
from tests.lab.attacks import Smtp
from tests.lab.names import PRIMARY, RESOLVER, SECONDARY
from tests.lab.net import REPOSITORY, Host, LabError, Network, wait_until
from tests.lab.receiver import results, verdicts
from tests.lab.world import RECEIVER_V4, World

pytestmark = [pytest.mark.server, pytest.mark.root, pytest.mark.xdist_group("lab")]
DOMAIN = "shop.example"
BOTH_PASS = {"rsa-sha256": "pass", "ed25519-sha256": "pass"}


def message(subject: str) -> str:
    return f"From: news@{DOMAIN}\nTo: bob@receiver.example\nSubject: {subject}\n\nHello, Bob.\n"


def smtp_send(smtp: Smtp, text: str) -> None:
    """Hand a message over by SMTP; the text's lines end in LF."""
    for line in (f"MAIL FROM:<news@{DOMAIN}>", "RCPT TO:<bob@receiver.example>", "DATA"):
        code, reply = smtp.command(line)
        assert code in (250, 354), reply
    smtp.send(text.replace("\n", "\r\n").encode() + b".\r\n")
    code, reply = smtp.reply()
    assert code == 250, reply


def test_mail_signed_by_the_senders_opendkim_passes_all_three_checks(world: World, sender: Host) -> None:
    keys = hand_made.make_keys()
    hand_made.publish(world.names, DOMAIN, keys)
    hand_made.configure(sender, DOMAIN, keys)
    sender.run(["sendmail", "-f", f"news@{DOMAIN}", "bob@receiver.example"], input=message("by hand"))
    received = world.receiver.delivered("by hand")
    signatures = {
        found.properties["header.a"]: found.result for found in verdicts(received) if found.method == "dkim"
    }
    assert signatures == BOTH_PASS
    assert results(received, "spf") == ["pass"]
    assert results(received, "dmarc") == ["pass"]


def test_mail_signed_by_mailctl_passes_dkim_but_not_spf_from_elsewhere(world: World) -> None:
    keys = hand_made.make_keys()
    hand_made.publish(world.names, DOMAIN, keys)
    signers = [
        dkim_sign.Signer(DOMAIN, hand_made.SELECTORS[algorithm], algorithm, pem)
        for algorithm, pem in keys.items()
    ]
    text = message("from elsewhere").replace("\n", "\r\n").encode()
    signed = dkim_sign.sign(text, signers, time=int(time.time()), expire=None).decode().replace("\r\n", "\n")
    with Smtp(lambda: world.foreign.connect(RECEIVER_V4)) as smtp:
        smtp_send(smtp, signed)
    received = world.receiver.delivered("from elsewhere")
    signatures = {
        found.properties["header.a"]: found.result for found in verdicts(received) if found.method == "dkim"
    }
    assert signatures == BOTH_PASS
    assert results(received, "spf") == ["fail"]
    assert results(received, "dmarc") == ["pass"]  # DKIM alone is enough (RFC 9989 §4.4)


def test_forged_mail_fails_all_three_checks(world: World) -> None:
    hand_made.publish(world.names, DOMAIN, hand_made.make_keys())
    with Smtp(lambda: world.foreign.connect(RECEIVER_V4)) as smtp:
        smtp_send(smtp, message("forged"))
    received = world.receiver.delivered("forged")
    assert [results(received, method) for method in ("dkim", "spf", "dmarc")] == [
        ["none"],
        ["fail"],
        ["fail"],
    ]


def test_updates_reach_every_server_and_reset_takes_them_back(world: World) -> None:
    names = world.names
    names.update(DOMAIN, [f'add new.{DOMAIN}. 60 TXT "here"'])
    for server in (PRIMARY, SECONDARY, RESOLVER):
        wait_until(f"{server} does not know", partial(names.ask, f"new.{DOMAIN}", "TXT", server))
    names.reset()
    assert [names.ask(f"new.{DOMAIN}", "TXT", at) for at in (PRIMARY, SECONDARY, RESOLVER)] == [[], [], []]
    assert names.ask(DOMAIN, "TXT") == ['"some-verification=shop"']


def test_unsigned_update_is_refused(world: World) -> None:
    batch = f"server {PRIMARY}\nzone {DOMAIN}.\nadd evil.{DOMAIN}. 60 A 192.0.2.1\nsend\n"
    done = world.names.host.run(["knsupdate"], input=batch, check=False)
    assert done.returncode != 0
    assert "NOTAUTH" in done.stdout + done.stderr or "REFUSED" in done.stdout + done.stderr


def test_sender_is_bare_and_its_changes_are_seen(sender: Host) -> None:
    assert sender.run(["hostname", "--fqdn"]).stdout.strip() == "mail.sender.example"
    assert not sender.listening(25)
    before = sender.snapshot("/etc/postfix", "/etc/opendkim.conf")
    assert before == sender.snapshot("/etc/postfix", "/etc/opendkim.conf")
    sender.run(["postconf", "-e", "relayhost = evil.example"])
    after = sender.snapshot("/etc/postfix", "/etc/opendkim.conf")
    assert {path for path in after if before.get(path) != after[path]} == {"/etc/postfix/main.cf"}


def test_a_host_changes_nothing_outside_and_leaves_nothing(world: World) -> None:
    marker = f"/etc/mailctl-lab-marker-{os.getpid()}"
    with Host(world.network, "brief.example", ("192.0.2.200/24",)) as host:
        host.write(marker, "x")
        assert host.read(marker) == "x"
        assert not Path(marker).exists()
        host.spawn(["sleep", "4711"])
        base, init = Path(host._base), Path(f"/proc/{host._namespace.pid}")
        assert base.exists()
        assert init.exists()
    assert not base.exists()
    assert not init.exists()


def test_a_killed_test_takes_its_hosts_along(tmp_path: Path) -> None:
    script = """
from tests.lab.net import Host, Network
import time
with Network() as wire, Host(wire, "killed.example", ("192.0.2.1/24",)) as host:
    host.spawn(["sleep", "4711"])
    print(host._namespace.pid, flush=True)
    time.sleep(60)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # its empty mount point is all that can stay behind
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        init = Path(f"/proc/{victim.stdout.readline().strip()}")
        assert init.exists()
        victim.send_signal(signal.SIGKILL)
    wait_until("the host is gone", lambda: not init.exists())
    assert not init.exists()


def test_a_failing_program_is_an_error_with_its_output() -> None:
    with Network() as wire, Host(wire, "one.example", ("192.0.2.1/24",)) as host:
        with pytest.raises(LabError, match="No such file"):
            host.run(["ls", "/nowhere"])
        assert host.run(["ls", "/nowhere"], check=False).returncode == 2
