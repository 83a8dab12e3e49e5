"""The proof before anything is published: a signed message, a receiver that judges it, and the planned zone.

Promise: nothing leaves this machine and no root is needed. The planned zone is served by an embedded DNS server, the
message goes by SMTP to an embedded receiver, and that receiver knows nothing but what it was sent and what DNS says.
`live` is the same with the DNS as it is. The address the message "comes from" is claimed by XCLIENT, since only the
real host can send from it; which server relays it is not rehearsed, the lab test in tests/lab does that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from mailctl.domains.authentication import Authentication, authenticate
from mailctl.domains.desired import MailDomain
from mailctl.domains.publish import in_zone
from mailctl.edges.dns_server import DnsServer
from mailctl.edges.resolver import MemoryResolver, Resolver
from mailctl.edges.smtp import Received, Receiver, Reply, submit
from mailctl.standards.dkim_sign import Signer, sign
from mailctl.standards.dns import Address, Answer, Lookup, Record

RECEIVER = "receiver.mailctl.invalid"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way from one of the host's addresses to a verdict."""

    client: Address
    mail_from: str
    reply: Reply
    authentication: Authentication | None

    @property
    def passed(self) -> bool:
        return self.reply.accepted and self.authentication is not None and self.authentication.passed

    @property
    def problems(self) -> tuple[str, ...]:
        if self.authentication is None:
            return (
                f"from {self.client}: not delivered: {self.reply.stage}: {self.reply.code} {self.reply.text}",
            )
        wrong = [v for v in self.authentication.verdicts if v.result != "pass"]
        missing = [m for m in ("spf", "dkim", "dmarc") if not self.authentication.results(m)]
        return (
            *(f"from {self.client}: {v.method}={v.result} {v.identity}: {v.reason}" for v in wrong),
            *(f"from {self.client}: no {method} result at all" for method in missing),
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What became of all of them. `dns` says which DNS judged: "planned" or "live"."""

    domain: str
    dns: str
    deliveries: tuple[Delivery, ...]

    @property
    def passed(self) -> bool:
        return bool(self.deliveries) and all(delivery.passed for delivery in self.deliveries)

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that did not pass, a line each."""
        return tuple(problem for delivery in self.deliveries for problem in delivery.problems)


class PlannedLookup:
    """The DNS as it will be: RRsets that the plan speaks of from `planned`, everything else as it is now.

    A name of the planned zone that `live` cannot say anything about counts as `planned` shows it, so that a rehearsal
    holds without a network.
    """

    def __init__(self, records: Collection[Record], live: Lookup, planned: Lookup | None = None) -> None:
        self._ours = {(record.name, record.rdtype) for record in records}
        self._live = live
        self._planned = planned or MemoryResolver(records)

    async def __call__(self, name: str, rdtype: str) -> Answer:
        name = name.lower().rstrip(".")
        if {(name, rdtype), (name, "CNAME")} & self._ours:  # a planned CNAME answers for every type
            return await self._planned(name, rdtype)
        answer = await self._live(name, rdtype)
        return answer if answer.known else await self._fallback(answer)

    async def _fallback(self, unknown: Answer) -> Answer:
        planned = await self._planned(unknown.name, unknown.rdtype)
        return planned if planned.known else unknown


async def rehearse(
    domain: MailDomain, signers: Sequence[Signer], planned: Sequence[Record], live: Lookup, *, now: datetime
) -> Rehearsal:
    """Serve `planned` and let the embedded receiver judge a message by it."""
    zones = tuple(zone for zone in (domain.name, domain.delegation_zone) if zone)
    mine = [record for record in planned if any(in_zone(record.name, zone) for zone in zones)]
    async with DnsServer(mine, zones=zones) as server, Resolver([server.address]) as resolver:
        lookup = PlannedLookup(mine, live, resolver)
        return Rehearsal(domain.name, "planned", await _deliver_all(domain, signers, lookup, now))


async def prove_live(
    domain: MailDomain, signers: Sequence[Signer], live: Lookup, *, now: datetime
) -> Rehearsal:
    """The same proof against the DNS as it is."""
    return Rehearsal(domain.name, "live", await _deliver_all(domain, signers, live, now))


async def _deliver_all(
    domain: MailDomain, signers: Sequence[Signer], lookup: Lookup, now: datetime
) -> tuple[Delivery, ...]:
    judged: list[Authentication] = []

    async def judge(received: Received) -> str:
        judged.append(await authenticate(lookup, received, receiver=RECEIVER, now=now))
        return "250 2.0.0 judged"

    deliveries = []
    async with Receiver(judge, hostname=RECEIVER) as receiver:
        for client in domain.addresses:
            judged.clear()
            mail_from = f"bounces+rehearsal@{domain.return_path}"
            reply = await submit(
                "127.0.0.1",
                receiver.port,
                helo=domain.hostname,
                mail_from=mail_from,
                recipient=f"postmaster@{RECEIVER}",
                message=sign(compose(domain, now), signers, time=int(now.timestamp())),
                client=client,
            )
            deliveries.append(Delivery(client, mail_from, reply, judged[0] if judged else None))
    return tuple(deliveries)


def compose(domain: MailDomain, now: datetime) -> bytes:
    """A short message as mailctl would send it, with CRLF line ends."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = f"rehearsal@{domain.name}"
    message["To"] = f"postmaster@{RECEIVER}"
    message["Subject"] = f"Rehearsal of {domain.name}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<rehearsal.{now:%Y%m%d%H%M%S}@{domain.name}>"
    message.set_content("This message was written by mailctl to prove that it authenticates.\n")
    return message.as_bytes()
