"""No open relay and no smuggling: the attacks on a host configured by hand (test_setup.py has mailctl's)."""

import pytest

from tests.lab import hand_made
from tests.lab.attacks import RelayTarget, relay_attempts, relay_forms, smuggle
from tests.lab.net import Host, wait_until
from tests.lab.world import SENDER, SENDER_V4, SENDER_V6, World

pytestmark = [pytest.mark.server, pytest.mark.root, pytest.mark.xdist_group("lab")]
TARGET = RelayTarget(local_domain="shop.example", host_name=SENDER, address=SENDER_V4)


@pytest.fixture
def configured(sender: Host) -> Host:
    hand_made.configure(sender, TARGET.local_domain, {})
    return sender


def restart(host: Host) -> None:
    """A reload would let an idle smtpd serve one more client with the old settings."""
    host.age("/etc/postfix/main.cf")
    host.run(["service", "postfix", "restart"])
    wait_until("Postfix does not listen", lambda: host.listening(25))


@pytest.mark.parametrize("address", [SENDER_V4, SENDER_V6])
def test_every_form_of_relaying_is_refused(world: World, configured: Host, address: str) -> None:
    attempts = relay_attempts(lambda: world.foreign.connect(address), TARGET)
    assert len(attempts) == len(relay_forms(TARGET)) >= 9
    assert [attempt for attempt in attempts if attempt.accepted] == []
    assert all(attempt.reply[0] in "45" for attempt in attempts)


def test_an_open_relay_is_recognised(world: World, configured: Host) -> None:
    configured.run(["postconf", "-e", "mynetworks = 0.0.0.0/0"])
    restart(configured)
    attempts = relay_attempts(lambda: world.foreign.connect(SENDER_V4), TARGET)
    assert {"plain", "null sender", "source route"} <= {a.form for a in attempts if a.accepted}


def test_smuggling_is_counted_and_a_hardened_server_takes_one_message(configured: Host) -> None:
    def attack() -> dict[bytes, int]:
        return smuggle(lambda: configured.connect("127.0.0.1"), "a@shop.example", "root@shop.example")

    soft = attack()
    assert max(soft.values()) == 2  # Debian's Postfix as it comes trusts its own networks' bare newlines
    configured.run(
        [
            *("postconf", "-e", "smtpd_forbid_bare_newline = normalize"),
            "smtpd_forbid_bare_newline_exclusions =",
        ]
    )
    restart(configured)
    assert set(attack().values()) == {1}
