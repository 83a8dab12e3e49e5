"""Zones signed with DNSSEC, as they should be and as they should not, and a real resolver that validates them.

Promise: everything hangs below a root of its own, whose key is Unbound's only trust anchor; nothing else is asked.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.dnssec
import dns.message
import dns.query
import dns.rdatatype
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

from tests.edges.knot import PATH, free_port

_UNBOUND = """\
server:
    interface: 127.0.0.1@{port}
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    do-daemonize: no
    num-threads: 1
    do-ip6: no
    do-not-query-localhost: no
    module-config: "validator iterator"
    qname-minimisation: no
    target-fetch-policy: "0 0 0 0 0"
    ede: yes
    trust-anchor: "{anchor}"
remote-control:
    control-enable: no
"""
_STUB = 'stub-zone:\n    name: "{name}"\n    stub-addr: 127.0.0.1@{port}\n'


class Key:
    """A key that signs a zone: ECDSA P-256, one for everything."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.record = dns.dnssec.make_dnskey(self.private.public_key(), 13, flags=257)

    def ds(self, zone: str) -> str:
        return dns.dnssec.make_ds(f"{zone}." if zone else ".", self.record, "SHA256").to_text()


def unsigned(name: str, lines: str) -> dns.zone.Zone:
    """A zone with SOA and two name servers, both here."""
    text = f"$ORIGIN {name}.\n$TTL 300\n" if name else "$ORIGIN .\n$TTL 300\n"
    text += "@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n@ NS ns2\nns1 A 127.0.0.1\nns2 A 127.0.0.2\n"
    return dns.zone.from_text(text + lines, origin=f"{name}." if name else ".", relativize=False)


def signed(name: str, lines: str, key: Key, *, expired: bool = False) -> dns.zone.Zone:
    """The zone with signatures and NSEC; `expired` ones ended a week ago."""
    zone = unsigned(name, lines)
    now = datetime.now(UTC)
    begin, end = (now - timedelta(days=days) for days in ((30, 7) if expired else (1, -14)))
    with zone.writer() as changes:
        dns.dnssec.sign_zone(
            zone, changes, [(key.private, key.record)], inception=begin, expiration=end, dnskey_ttl=300
        )
    return zone


def tampered(zone: dns.zone.Zone, wanted: Callable[[str, str], bool]) -> dns.zone.Zone:
    """The zone with some signatures that are of nothing; `wanted` takes an owner and the type that is covered."""
    for name, node in zone.nodes.items():
        for rdataset in node.rdatasets:
            covered = dns.rdatatype.to_text(rdataset.covers)
            if rdataset.rdtype == dns.rdatatype.RRSIG and wanted(name.to_text(omit_final_dot=True), covered):
                forged = [rdata.replace(signature=bytes(64)) for rdata in rdataset]
                rdataset.clear()
                for rdata in forged:
                    rdataset.add(rdata)
    return zone


def text(zone: dns.zone.Zone) -> str:
    return str(zone.to_text(relativize=False))


@dataclass(frozen=True)
class Unbound:
    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


def unbound() -> str | None:
    return shutil.which("unbound", path=PATH)


@contextmanager
def validating(folder: Path, anchor: str, servers: Mapping[str, int]) -> Iterator[Unbound]:
    """Run Unbound before the zones of `servers`, each with the port of its server; `anchor` is the root's DS."""
    program = unbound()
    assert program is not None, "unbound is not installed"
    port = free_port()
    # Every zone by name: a delegation says which host it is at, and not that its port is another than 53.
    stubs = "".join(_STUB.format(name=name or ".", port=number) for name, number in servers.items())
    settings = _UNBOUND.format(port=port, folder=folder, anchor=anchor)
    (folder / "unbound.conf").write_text(settings + stubs)
    command = [program, "-d", "-c", str(folder / "unbound.conf")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        _await_answer(port, process)
        yield Unbound(port)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _await_answer(port: int, process: "subprocess.Popen[str]", seconds: float = 15) -> None:
    query = dns.message.make_query(".", "SOA")
    limit = time.monotonic() + seconds
    while True:
        try:
            if dns.query.udp(query, "127.0.0.1", port=port, timeout=1).answer:
                return
        except (OSError, dns.exception.Timeout):
            pass  # it is not there yet
        if process.poll() is not None or time.monotonic() > limit:
            process.kill()
            raise RuntimeError(f"unbound did not start: {process.communicate()[1]}")
        time.sleep(0.05)
