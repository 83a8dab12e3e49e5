"""The receiving site: Postfix, OpenDKIM, OpenDMARC and policyd-spf from Debian; nothing in it is mailctl's.

Everything for anybody at receiver.example lands in one Maildir, whatever the verdict, so that a test can read
the Authentication-Results (RFC 8601) that the receiver's own software wrote.
"""

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial

from tests.lab.net import Host, Network, wait_until

MX = "mx.receiver.example"
DOMAIN = "receiver.example"
INBOX = "/var/vmail/inbox"
MAIN_CF = f"""\
compatibility_level = 3.6
myhostname = {MX}
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = /var/vmail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/mx.pem
smtpd_tls_key_file = /etc/mx.key
smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service unix:private/policyd-spf
smtpd_milters = inet:127.0.0.1:8891, inet:127.0.0.1:8893
milter_default_action = tempfail
"""
POLICY_SERVICE = (
    "policyd-spf/unix=policyd-spf unix - n n - 0 spawn user=nobody argv=/usr/bin/policyd-spf /etc/spf.conf"
)
CERTIFICATE = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
    *("-subj", f"/CN={MX}", "-keyout", "/etc/mx.key", "-out", "/etc/mx.pem"),
)
SPF_CONF = f"""\
debugLevel = 1
Header_Type = AR
Authserv_Id = {MX}
HELO_reject = False
Mail_From_reject = False
skip_addresses = 127.0.0.0/8
"""
# OpenDKIM does its own recursion, from the real root, unless it is told the name server; and Debian's
# TrustAnchorFile must stay out, as this Internet's root is not signed.
DKIM_CONF = f"""\
Mode v
Syslog yes
SyslogSuccess yes
LogWhy yes
UserID opendkim
PidFile /run/opendkim/opendkim.pid
Socket inet:8891@127.0.0.1
AuthservID {MX}
AlwaysAddARHeader yes
Nameservers {{nameserver}}
"""
# OpenDMARC must take SPF from the policy service's header: it sees the mail one process away from the client.
DMARC_CONF = f"""\
Syslog yes
UserID opendmarc
PidFile /run/opendmarc/opendmarc.pid
Socket inet:8893@127.0.0.1
AuthservID {MX}
TrustedAuthservIDs {MX}
RejectFailures no
SPFIgnoreResults no
SPFSelfValidate no
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
"""


@dataclass(frozen=True)
class Verdict:
    """One result of an Authentication-Results field: method, result, and properties such as `header.d`."""

    method: str
    result: str
    properties: dict[str, str]


class Receiver:
    """The host mx.receiver.example, its mail software running."""

    def __init__(self, network: Network, addresses: tuple[str, ...], nameserver: str) -> None:
        self.host = Host(network, MX, addresses, nameserver=nameserver)
        try:
            self._configure(nameserver)
            self._start()
        except BaseException:
            self.host.close()
            raise

    def _configure(self, nameserver: str) -> None:
        host = self.host
        for path, text in (
            ("/etc/postfix/main.cf", MAIN_CF),
            ("/etc/spf.conf", SPF_CONF),
            ("/etc/opendkim.conf", DKIM_CONF.format(nameserver=nameserver)),
            ("/etc/opendmarc.conf", DMARC_CONF),
        ):
            host.write(path, text)
        host.run(["cp", "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf"])
        host.run(["postconf", "-F", "*/*/chroot=n"])
        host.run(["postconf", "-M", POLICY_SERVICE])
        host.age("/etc/postfix/main.cf", "/etc/postfix/master.cf")
        for folder, owner in (("opendkim", "opendkim"), ("opendmarc", "opendmarc")):
            host.run(["install", "-d", "-o", owner, "-g", owner, f"/run/{folder}"])
        host.run(CERTIFICATE)
        host.run(["install", "-d", "-o", "5000", "-g", "5000", "/var/vmail"])

    def _start(self) -> None:
        self.host.run(["opendkim", "-x", "/etc/opendkim.conf"])
        self.host.run(["opendmarc", "-c", "/etc/opendmarc.conf"])
        self.host.run(["postfix", "start"])
        for port in (8891, 8893, 25):
            wait_until(f"the receiver's port {port} does not listen", partial(self.host.listening, port))

    def messages(self) -> list[EmailMessage]:
        """All that was delivered so far."""
        found = self.host.run(["find", f"{INBOX}/new", "-type", "f"], check=False).stdout.split()
        texts = [self.host.read(path) for path in found]
        return [email.message_from_string(text, policy=email.policy.default) for text in texts]

    def delivered(self, subject: str, seconds: float = 20) -> EmailMessage:
        """The message with this subject, once it is there; `LabError` if it does not come."""
        found: list[EmailMessage] = []

        def arrived() -> bool:
            found[:] = [message for message in self.messages() if message["Subject"] == subject]
            return bool(found)

        wait_until(f"no message {subject!r} was delivered", arrived, seconds)
        return found[0]


def verdicts(message: EmailMessage) -> list[Verdict]:
    """What the receiver's software found: the results in all of its own Authentication-Results fields."""
    found = []
    for field in message.get_all("Authentication-Results", []):
        text = re.sub(r"\([^()]*\)", "", str(field))
        identity, *results = (part.strip() for part in text.split(";"))
        if identity.split()[0] != MX:
            continue
        for result in results:
            pairs = dict(item.split("=", 1) for item in result.split() if "=" in item)
            if pairs:
                method, value = next(iter(pairs.items()))
                found.append(
                    Verdict(method, value, {key: val.strip('"') for key, val in pairs.items() if "." in key})
                )
    return found


def results(message: EmailMessage, method: str) -> list[str]:
    """The results of one method, such as `dkim`: one for each signature."""
    return [verdict.result for verdict in verdicts(message) if verdict.method == method]
