"""The rehearsal: embedded DNS, a signed message by SMTP, and the verdicts of SPF, DKIM and DMARC, by the clock."""

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address

from bench.measure import Row, alone, child_environment, interleaved, milliseconds
from bench.resolving import server
from mailctl.domains.desired import DomainKey, MailDomain
from mailctl.domains.publish import look
from mailctl.domains.rehearsal import rehearse
from mailctl.domains.zone_plan import plan_zone, questions
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer

NAME = "shop.example"
COMMAND = [
    sys.executable,
    "-m",
    "mailctl",
    "rehearse",
    NAME,
    "--hostname",
    f"mail.{NAME}",
    "--ip",
    "192.0.2.25",
]


def _domain() -> tuple[MailDomain, list[Signer]]:
    algorithms: tuple[dkim.Algorithm, ...] = ("rsa", "ed25519")
    pems = [(algorithm, dkim.generate(algorithm)) for algorithm in algorithms]
    keys = tuple(DomainKey(f"{name}1", name, dkim.public_text(pem)) for name, pem in pems)
    signers = [Signer(NAME, f"{name}1", name, pem) for name, pem in pems]
    addresses = (IPv4Address("192.0.2.25"),), (IPv6Address("2001:db8::25"),)
    return MailDomain(NAME, f"mail.{NAME}", *addresses, keys=keys), signers


def rows(rounds: int) -> list[Row]:
    """The flow alone, for a host of two addresses, and the whole command for a domain not known before."""
    domain, signers = _domain()

    async def flow() -> float:
        nowhere = MemoryResolver(())
        planned = plan_zone(domain, await look(nowhere, questions(domain))).records()
        begun = time.perf_counter()
        done = await rehearse(domain, signers, planned, nowhere, now=datetime.now(UTC))
        if not done.passed:
            raise RuntimeError("; ".join(done.problems))
        return (time.perf_counter() - begun) * 1000

    with server() as address, tempfile.TemporaryDirectory() as state:
        environment = child_environment() | {
            "MAILCTL_STATE_DIR": state,
            "MAILCTL_DNS__NAMESERVERS": address,
        }
        command = milliseconds(COMMAND, environment)
        seen = interleaved({"flow": lambda: asyncio.run(flow()), "command": command}, rounds)
    return [
        alone("rehearsal, 2 messages, wall", "ms", seen, "flow"),
        alone("mailctl rehearse, whole process", "ms", seen, "command"),
    ]
