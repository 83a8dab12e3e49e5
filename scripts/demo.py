"""The demo: a tenant, a domain, a plan, a rehearsal, a published zone, a fault and its mending, by the real commands.

Promise: needs no root, no network and no server: an embedded DNS server on loopback stands for the world's DNS and
takes signed updates as a provider would. Everything lies in a temporary folder. Ends with 1 if any step does not
end as it should.
"""

import asyncio
import base64
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from mailctl.edges.dns_server import DnsServer
from mailctl.standards.dns import Record

DOMAIN, HOST, IPV4, IPV6 = "shop.example", "mail.shop.example", "192.0.2.10", "2001:db8::10"
KEY_NAME = "demo-key"
# What the zone holds before mailctl comes: somebody else's records, which have to survive.
BEFORE = (
    Record(DOMAIN, "A", "192.0.2.80"),
    Record(DOMAIN, "MX", "10 mx.office.example"),
    Record("mx.office.example", "A", "198.51.100.25"),
    Record(DOMAIN, "TXT", "v=spf1 include:_spf.office.example ~all"),
    Record(DOMAIN, "TXT", "office-site-verification=5f3c"),
    Record("_spf.office.example", "TXT", "v=spf1 ip4:198.51.100.0/24 -all"),
    Record("10.2.0.192.in-addr.arpa", "PTR", HOST),
    Record("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", HOST),
)
console = Console(highlight=False, soft_wrap=True)


class Failed(Exception):
    """A step did not end as it should."""


def title(number: int, text: str) -> None:
    console.print(f"\n[bold cyan]── {number}. {text}[/]")


async def mailctl(environment: Mapping[str, str], words: str, *, expect: int = 0) -> None:
    """Type one command, show what it prints, and hold it to its exit code."""
    console.print(f"[bold]$ mailctl {words}[/]")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mailctl", *words.split()]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=subprocess.DEVNULL)
    code = await process.wait()
    if code:
        console.print(f"[dim](exit {code})[/]")
    if code != expect:
        raise Failed(f"mailctl {words} ended with {code}, not {expect}")


def settings(folder: Path, server: DnsServer, secret: str) -> dict[str, str]:
    """An environment in which mailctl knows the embedded DNS and nothing else."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILCTL_")}
    config = folder / "mailctl.toml"
    config.write_text(
        f"""state_dir = "{folder / "state"}"

[host]
name = "{HOST}"
ipv4 = ["{IPV4}"]
ipv6 = ["{IPV6}"]

[dns]
publisher = "rfc2136"
server = "{server.address}"
nameservers = ["{server.address}"]
authoritative_port = {server.port}
tsig_name = "{KEY_NAME}"
tsig_secret = "{secret}"

[dmarc]
report_address = "dmarc@{DOMAIN}"
"""
    )
    config.chmod(0o600)
    return {**inherited, "MAILCTL_CONFIG": str(config)}


def break_key(server: DnsServer) -> None:
    """What a web form does to a long record: it cuts it short."""
    server.records = tuple(
        replace(record, value=record.value[:200]) if "k=rsa" in record.value else record
        for record in server.records
    )


def require_foreign_records(server: DnsServer) -> None:
    kept = {(r.name, r.rdtype, r.value) for r in server.records}
    lost = [
        r
        for r in BEFORE
        if (r.name, r.rdtype, r.value) not in kept and not r.value.startswith("v=spf1 include")
    ]
    if lost:
        raise Failed(f"records of others are gone: {lost}")


async def show(folder: Path) -> None:
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    async with DnsServer(BEFORE, zones=["", DOMAIN], update_key=(KEY_NAME, secret)) as server:
        env = settings(folder, server, secret)
        title(1, "A tenant and a domain; the keys are made here and stay here")
        await mailctl(env, "tenant add shop")
        await mailctl(env, f"domain add {DOMAIN} --tenant shop")
        title(2, "The plan: what the zone says now, and what it should say")
        await mailctl(env, f"dns plan {DOMAIN}")
        title(3, "The rehearsal: a signed message, judged by the planned zone, before anything is published")
        await mailctl(env, f"rehearse {DOMAIN}")
        title(4, "Setup: publish by signed DNS update, wait until it is seen, sign, prove")
        await mailctl(env, f"setup {DOMAIN} --no-host --yes")
        await mailctl(env, f"setup {DOMAIN} --no-host --check")
        require_foreign_records(server)
        title(5, "Somebody's web form cuts the RSA key short: verify says so, with the evidence and the fix")
        break_key(server)
        await mailctl(env, f"verify {DOMAIN}", expect=1)
        await mailctl(env, f"rehearse {DOMAIN} --live", expect=1)
        title(6, "Mended: a key that is published is never replaced without --force")
        await mailctl(env, f"dns apply {DOMAIN} --yes", expect=4)
        await mailctl(env, f"dns apply {DOMAIN} --yes --force")
        await mailctl(env, f"verify {DOMAIN}")


def main() -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mailctl-demo-") as folder:
        try:
            asyncio.run(show(Path(folder)))
        except Failed as error:
            console.print(f"\n[bold red]the demo did not hold:[/] {error}")
            return 1
    console.print(
        f"\n[bold green]Every step ended as it should[/], in {time.monotonic() - started:.1f} s: a domain planned,"
        " rehearsed, published, proven, broken, and mended."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
