"""The laboratory's DNS: two authoritative Knot servers that know all the Internet, and Unbound before them.

`ns1.example` (192.0.2.53) takes RFC 2136 updates signed with the world's TSIG key and notifies `ns2.example`
(192.0.2.55), which transfers about a second later; the resolver (192.0.2.54) keeps nothing longer than a
second. Updates live in memory only, so `reset()` brings every zone back to what it was at first.
"""

import base64
import secrets
from collections.abc import Mapping, Sequence
from functools import partial

from tests.lab.net import Host, Network, Service, wait_until

PRIMARY, RESOLVER, SECONDARY = "192.0.2.53", "192.0.2.54", "192.0.2.55"
TSIG_NAME, TSIG_ALGORITHM = "mailctl-lab", "hmac-sha256"
REVERSE_V4, REVERSE_V6 = "2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"
APEX = """\
$TTL 60
@ SOA ns1.example. hostmaster.example. 1 300 60 86400 1
@ NS ns1.example.
@ NS ns2.example.
"""
KNOT = """\
server:
    listen: {address}@53
    rundir: {folder}
    user: knot:knot
    tcp-workers: 1
    udp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: info
key:
  - id: {key_name}
    algorithm: {algorithm}
    secret: {secret}
database:
    storage: {folder}/db
remote:
  - id: other
    address: {other}@53
    via: {address}
acl:
  - id: change
    key: {key_name}
    action: [update, transfer]
  - id: between
    address: [{address}, {other}]
    action: [transfer, notify]
template:
  - id: default
    storage: {folder}
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: {load}
    journal-content: {journal}
    acl: [change, between]
    {role}: other
zone:
{zones}
"""
UNBOUND = """\
server:
    interface: {address}
    access-control: 0.0.0.0/0 allow
    chroot: ""
    username: ""
    directory: "/run"
    pidfile: "/run/unbound.pid"
    use-syslog: no
    logfile: ""
    do-daemonize: no
    num-threads: 1
    module-config: "iterator"
    qname-minimisation: no
    cache-max-ttl: 1
    cache-max-negative-ttl: 1
    infra-host-ttl: 1
{reverse}
remote-control:
    control-enable: no
stub-zone:
    name: "."
    stub-addr: {primary}
"""


class Names:
    """The name servers' host. `zones` maps a name to its records (master-file lines, no SOA and NS)."""

    def __init__(self, network: Network, zones: Mapping[str, str]) -> None:
        self.zones = dict(zones)
        self.tsig_secret = base64.b64encode(secrets.token_bytes(32)).decode()
        addresses = [f"{address}/24" for address in (PRIMARY, RESOLVER, SECONDARY)]
        self.host = Host(network, "ns1.example", addresses, nameserver=RESOLVER)
        self._services: list[Service] = []
        try:
            self._configure()
            self.start()
        except BaseException:
            self.close()
            raise

    def _configure(self) -> None:
        for folder, address, other, primary in (
            ("/run/ns1", PRIMARY, SECONDARY, True),
            ("/run/ns2", SECONDARY, PRIMARY, False),
        ):
            settings = KNOT.format(
                address=address,
                other=other,
                folder=folder,
                key_name=TSIG_NAME,
                algorithm=TSIG_ALGORITHM,
                secret=self.tsig_secret,
                load="whole" if primary else "none",
                journal="none" if primary else "changes",
                role="notify" if primary else "master",
                zones="\n".join(f"  - domain: {name or '.'}" for name in self.zones),
            )
            self.host.write(f"{folder}/knot.conf", settings, mode="0640", owner="knot:knot")
            self.host.run(["chown", "knot:", folder])
        for name, records in self.zones.items():
            self.host.write(f"/run/ns1/{name}.zone", f"$ORIGIN {name}.\n{APEX}{records}")
        reverse = "\n".join(f'    local-zone: "{name}." nodefault' for name in (REVERSE_V4, REVERSE_V6))
        settings = UNBOUND.format(address=RESOLVER, primary=PRIMARY, reverse=reverse)
        self.host.write("/run/unbound.conf", settings)

    def start(self) -> None:
        """Start all three servers and wait until the resolver answers."""
        for folder in ("/run/ns1", "/run/ns2"):
            self._services.append(self.host.spawn(["knotd", "-c", f"{folder}/knot.conf"]))
        self._services.append(self.host.spawn(["unbound", "-d", "-c", "/run/unbound.conf"]))
        for server in (PRIMARY, SECONDARY, RESOLVER):
            wait_until(f"{server} does not listen", partial(self.host.listening, 53, server))
        zone = next(reversed(self.zones))
        for server in (PRIMARY, SECONDARY, RESOLVER):
            wait_until(f"{server} does not answer", partial(self.ask, zone, "NS", server))

    def ask(self, name: str, rdtype: str, server: str = RESOLVER) -> list[str]:
        """The values that a server gives for a name and type, in master-file form."""
        command = ["kdig", "+short", "+time=1", "+retry=0", f"@{server}", f"{name}.", rdtype]
        return [line for line in self.host.run(command, check=False).stdout.splitlines() if line[:2] != ";;"]

    def update(self, zone: str, lines: Sequence[str]) -> None:
        """Apply knsupdate commands (`add NAME TTL TYPE VALUE`, `del NAME TYPE`), signed, in one message."""
        key = f"{TSIG_ALGORITHM}:{TSIG_NAME}:{self.tsig_secret}"
        batch = "\n".join([f"server {PRIMARY}", f"zone {zone}.", *lines, "send", ""])
        self.host.run(["knsupdate", "-y", key], input=batch)

    def hold_secondary(self, zone: str, *, hold: bool) -> None:
        """Keep the secondary from taking over changes of a zone, or let it again (and take them over now)."""
        control = ["knotc", "--config", "/run/ns2/knot.conf"]
        self.host.run([*control, "zone-freeze" if hold else "zone-thaw", f"{zone}."])
        if not hold:
            self.host.run([*control, "zone-refresh", f"{zone}."])

    def stop(self) -> None:
        """Stop the three servers; the Internet is without DNS until `start`."""
        while self._services:
            self._services.pop().stop()

    def reset(self) -> None:
        """Every zone as it was at first, and nothing cached."""
        self.stop()
        self.host.run(["find", "/run/ns1/db", "/run/ns2/db", "-delete"], check=False)
        self.start()

    def close(self) -> None:
        """End the host."""
        self.host.close()
        while self._services:
            self._services.pop().stop()
