"""A small Internet on one machine, to prove mail against software that nobody of us wrote.

    with World() as world:
        with world.sender() as host:                  # a fresh, bare Debian host: mail.sender.example
            host.run([*MAILCTL, "setup", "shop.example", …], env=…)      # the real command, as root
            host.run(["sendmail", "-f", "news@shop.example", "bob@receiver.example"], input=text)
            message = world.receiver.delivered("the subject")
            receiver.results(message, "dkim")         # ["pass", "pass"]: by OpenDKIM
        world.names.reset()                           # the zones as they were

The hosts (all on 192.0.2.0/24 and 2001:db8::/64):
- `world.names` (names.py): Knot primary 192.0.2.53 for RFC 2136 updates (`.update()`, key `TSIG_NAME`,
  `world.names.tsig_secret`), secondary 192.0.2.55, resolver 192.0.2.54 (`.ask()`); `.stop()`, `.start()`,
  `.reset()`;
- `world.receiver` (receiver.py): Postfix, OpenDKIM, OpenDMARC and policyd-spf for receiver.example;
- `world.sender()`: each call boots a new mail.sender.example (192.0.2.25, 2001:db8::25), Postfix and OpenDKIM
  installed as Debian leaves them ("Internet Site"), nothing configured, nothing running;
- `world.foreign`: a host (192.0.2.99) that nobody trusts; attacks come from it (attacks.py).

Zones: sender.example has the host's own addresses (and PTR), shop.example and client.example are bare apart
from a TXT record of somebody else's; all of them take updates. In a host, `run`, `spawn`, `write`, `read`,
`connect`, `mail_log` and `snapshot` are what tests use (net.py).
"""

import contextlib
import shutil
import sys
from types import TracebackType
from typing import Self

from tests.lab.names import PRIMARY, RESOLVER, REVERSE_V4, REVERSE_V6, SECONDARY, Names
from tests.lab.net import Host, Network
from tests.lab.receiver import MX, Receiver

SENDER, SENDER_V4, SENDER_V6 = "mail.sender.example", "192.0.2.25", "2001:db8::25"
RECEIVER_V4, RECEIVER_V6 = "192.0.2.80", "2001:db8::80"
FOREIGN_V4, FOREIGN_V6 = "192.0.2.99", "2001:db8::99"
MAILCTL = (sys.executable, "-m", "mailctl")
PROGRAMS = (
    "ip",
    "unshare",
    "nsenter",
    "postfix",
    "opendkim",
    "opendmarc",
    "policyd-spf",
    "knotd",
    "unbound",
    "kdig",
)
V6_NODE = ".".join("0" * 22)  # the digits between 2001:db8 and an address's last two
ZONES = {
    "": f"ns1.example. A {PRIMARY}\nns2.example. A {SECONDARY}\n",
    "example": f"ns1 A {PRIMARY}\nns2 A {SECONDARY}\n",
    REVERSE_V4: f"25 PTR {SENDER}.\n80 PTR {MX}.\n",
    REVERSE_V6: f"5.2.{V6_NODE} PTR {SENDER}.\n0.8.{V6_NODE} PTR {MX}.\n",
    "receiver.example": f'@ MX 10 mx\n@ TXT "v=spf1 mx -all"\nmx A {RECEIVER_V4}\nmx AAAA {RECEIVER_V6}\n',
    "foreign.example": f"@ MX 10 host\nhost A {FOREIGN_V4}\nhost AAAA {FOREIGN_V6}\n",
    "sender.example": f"mail A {SENDER_V4}\nmail AAAA {SENDER_V6}\n",
    "client.example": '@ TXT "some-verification=client"\n',
    "shop.example": '@ TXT "some-verification=shop"\n',
}
# What Debian's postinst writes for an "Internet Site" whose mail name is the host's own (without the
# recommended package ssl-cert, that is without certificates).
STOCK_MAIN_CF = f"""\
# See /usr/share/postfix/main.cf.dist for a commented, more complete version

smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no

# appending .domain is the MUA's job.
append_dot_mydomain = no

readme_directory = no

# See http://www.postfix.org/COMPATIBILITY_README.html -- default to 3.6 on
# fresh installs.
compatibility_level = 3.6

smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = {SENDER}
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
myorigin = /etc/mailname
mydestination = $myhostname, {SENDER}, localhost.sender.example, , localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = all
"""


def missing_programs() -> list[str]:
    """Programs of Debian packages that the world needs and this machine lacks (scripts/packages)."""
    return [name for name in PROGRAMS if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]


class World:
    """The Internet of the module's docstring; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        with contextlib.ExitStack() as stack:
            self.network = stack.enter_context(Network())
            self.names = Names(self.network, ZONES)
            stack.callback(self.names.close)
            self.receiver = Receiver(
                self.network, (f"{RECEIVER_V4}/24", f"{RECEIVER_V6}/64"), nameserver=RESOLVER
            )
            stack.callback(self.receiver.host.close)
            self.foreign = stack.enter_context(
                Host(
                    self.network,
                    "host.foreign.example",
                    (f"{FOREIGN_V4}/24", f"{FOREIGN_V6}/64"),
                    nameserver=RESOLVER,
                )
            )
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def sender(self) -> Host:
        """Boot a bare mail.sender.example; close it (it is a context manager) before the next one is booted."""
        host = Host(self.network, SENDER, (f"{SENDER_V4}/24", f"{SENDER_V6}/64"), nameserver=RESOLVER)
        make_stock(host)
        return host


def make_stock(host: Host) -> None:
    """Bring /etc/postfix and /etc/opendkim* to the state after installation, whatever this machine's are."""
    host.run(["rm", "-rf", "/etc/postfix/main.cf", "/etc/opendkim", "/etc/mailctl", "/var/lib/mailctl"])
    host.write("/etc/postfix/main.cf", STOCK_MAIN_CF)
    host.run(["cp", "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf"])
    host.age("/etc/postfix/main.cf", "/etc/postfix/master.cf")
    host.write("/etc/aliases", "postmaster: root\n")
    host.run(["newaliases"])


def remove_package(host: Host, package: str) -> None:
    """Take away the files of a Debian package in a host, as if it had never been installed."""
    listed = host.run(["dpkg-query", "--listfiles", package]).stdout.splitlines()
    programs = [path for path in listed if path.startswith(("/usr/sbin/", "/usr/bin/", "/usr/lib/postfix/"))]
    host.run(["rm", "-rf", *programs, f"/etc/{package}", f"/etc/{package}.conf"])
