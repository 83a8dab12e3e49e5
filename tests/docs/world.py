"""Where the commands of the documentation are run: the embedded DNS, and a folder of its own.

It is the world of the tutorial: mail.shop.example sends from 192.0.2.10 for shop.example, whose zone has records
of others. The DNS takes signed updates, as a name server of the reader's would.
"""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailctl.edges.dns_server import DnsServer
from mailctl.standards.dns import Record

DOMAIN, SECOND, HOST, ADDRESS = "shop.example", "bakery.example", "mail.shop.example", "192.0.2.10"
DELEGATION = "keys.shop.example"
KEY_NAME, SECRET = "mailctl", base64.b64encode(b"documentation" * 3).decode()
RECORDS = (
    Record(DOMAIN, "A", "192.0.2.80"),
    Record(DOMAIN, "MX", "10 mx.office.example"),
    Record("mx.office.example", "A", "198.51.100.25"),
    Record(DOMAIN, "TXT", "v=spf1 include:_spf.office.example ~all"),
    Record(DOMAIN, "TXT", "office-site-verification=5f3c"),
    Record("_spf.office.example", "TXT", "v=spf1 ip4:198.51.100.0/24 -all"),
    Record("10.2.0.192.in-addr.arpa", "PTR", HOST),
)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[dict[str, str]]:
    """The environment of a shell in this world; `folder` is the reader's."""
    zones = ["", DOMAIN, SECOND, DELEGATION]
    async with DnsServer(RECORDS, zones=zones, update_key=(KEY_NAME, SECRET)) as server:
        config = folder / "settings.toml"
        config.write_text(_settings(folder, server), encoding="utf-8")
        config.chmod(0o600)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILCTL_")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield {**inherited, "MAILCTL_CONFIG": str(config), "HOME": str(folder), "PATH": path, "NO_COLOR": "1"}


def _settings(folder: Path, server: DnsServer) -> str:
    return f"""\
state_dir = "{folder / "state"}"

[host]
name = "{HOST}"
ipv4 = ["{ADDRESS}"]

[dns]
server = "{server.address}"
nameservers = ["{server.address}"]
authoritative_port = {server.port}
tsig_name = "{KEY_NAME}"
tsig_secret = "{SECRET}"
wait_seconds = 10

[dkim]
delegation_zone = "{DELEGATION}"
"""


async def shell(command: str, environment: dict[str, str], folder: Path) -> tuple[int, str]:
    """One command line as a reader types it; its exit code, and all that it said."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", command,
        env=environment, cwd=folder,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
