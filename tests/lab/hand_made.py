"""A sender host configured by hand, as a careful administrator would do it: it proves the laboratory itself.

Only the keys are mailctl's (their records are then read by software that is not ours).
"""

from functools import cache, partial

from mailctl.standards import dkim
from mailctl.standards.dns import split_txt
from tests.lab.names import RESOLVER, SECONDARY, Names
from tests.lab.net import Host, wait_until
from tests.lab.world import SENDER_V4, SENDER_V6

KEYS = "/etc/dkimkeys"
SELECTORS: dict[dkim.Algorithm, str] = {"rsa": "r1", "ed25519": "e1"}
# Debian 12's OpenDKIM has one SignatureAlgorithm a process (a KeyTable's fourth column is newer): one process
# for each algorithm.
PORTS: dict[dkim.Algorithm, int] = {"rsa": 8891, "ed25519": 8892}
OPENDKIM_CONF = """\
Syslog yes
SyslogSuccess yes
LogWhy yes
Mode s
SignatureAlgorithm {algorithm}-sha256
Canonicalization relaxed/relaxed
OversignHeaders From
UserID opendkim
PidFile /run/opendkim/{algorithm}.pid
Socket inet:{port}@127.0.0.1
KeyTable {folder}/KeyTable
SigningTable refile:{folder}/SigningTable
InternalHosts 127.0.0.1
"""


@cache
def make_keys() -> dict[dkim.Algorithm, bytes]:
    """A private key of each algorithm, PKCS8 PEM; always the same: a receiver caches."""
    return {algorithm: dkim.generate(algorithm) for algorithm in SELECTORS}


def publish(names: Names, domain: str, keys: dict[dkim.Algorithm, bytes]) -> None:
    """SPF, DKIM and DMARC for the domain, into the live zone."""
    lines = [
        f'add {domain}. 60 TXT "v=spf1 ip4:{SENDER_V4} ip6:{SENDER_V6} -all"',
        f'add _dmarc.{domain}. 60 TXT "v=DMARC1; p=reject; adkim=s; aspf=s"',
    ]
    for algorithm, pem in keys.items():
        strings = " ".join(f'"{part.decode()}"' for part in split_txt(dkim.public_text(pem)))
        lines.append(f"add {SELECTORS[algorithm]}._domainkey.{domain}. 60 TXT {strings}")
    names.update(domain, lines)
    for server in (SECONDARY, RESOLVER):  # the resolver asks either of the two, so both must know first
        for name, start in ((domain, '"v=spf1'), (f"_dmarc.{domain}", '"v=DMARC1')):
            wait_until(f"{server} does not know {name}", partial(_knows, names, name, start, server))


def _knows(names: Names, name: str, start: str, server: str) -> bool:
    return any(text.startswith(start) for text in names.ask(name, "TXT", server))


def configure(host: Host, domain: str, keys: dict[dkim.Algorithm, bytes]) -> None:
    """Postfix and OpenDKIM that sign local mail for the domain, running; mail for the domain stays local."""
    host.run(["install", "-d", "-o", "opendkim", "-g", "opendkim", "/run/opendkim"])
    for algorithm, pem in keys.items():
        _start_signer(host, domain, algorithm, pem)
    milters = ", ".join(f"inet:127.0.0.1:{PORTS[algorithm]}" for algorithm in keys)
    host.run(
        [
            *("postconf", "-e", f"mydestination = {host.name}, {domain}, localhost"),
            *(f"smtpd_milters = {milters}", f"non_smtpd_milters = {milters}", "mynetworks = 127.0.0.0/8"),
            "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
        ]
    )
    host.age("/etc/postfix/main.cf")
    host.run(["service", "postfix", "start"])
    wait_until("Postfix does not listen", lambda: host.listening(25))


def _start_signer(host: Host, domain: str, algorithm: dkim.Algorithm, pem: bytes) -> None:
    folder, selector, port = f"{KEYS}/{algorithm}", SELECTORS[algorithm], PORTS[algorithm]
    host.write(f"{folder}/private", pem.decode(), mode="0600", owner="opendkim")
    host.write(f"{folder}/KeyTable", f"key {domain}:{selector}:{folder}/private\n")
    host.write(f"{folder}/SigningTable", f"*@{domain} key\n")
    settings = OPENDKIM_CONF.format(algorithm=algorithm, port=port, folder=folder)
    host.write(f"{folder}/opendkim.conf", settings)
    host.run(["opendkim", "-x", f"{folder}/opendkim.conf"])
    wait_until("OpenDKIM does not listen", lambda: host.listening(port))
