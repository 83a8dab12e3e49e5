"""Questions that take several lookups, for the resolver and its twin alike."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from mailctl.errors import Undetermined
from mailctl.standards.dns import Answer, Host, Lookup, Status
from mailctl.standards.zone import is_within, parent

# A zone names whatever servers and addresses it likes, and each of them is sent questions: that must not be a weapon.
MOST_SERVERS = 20
MOST_ADDRESSES = 8


class DnsClient(Protocol):
    """What `Resolver` and `MemoryResolver` both are; a `Lookup`, and the questions behind it."""

    async def __call__(self, name: str, rdtype: str) -> Answer: ...

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]: ...

    async def zone_cut(self, name: str) -> str: ...

    def flush(self) -> None: ...


async def zone_cut(lookup: Lookup, name: str) -> str:
    """The zone that holds `name`: the nearest name upwards with a SOA of its own (RFC 1034 §4.2).

    Raises Undetermined where the DNS does not say, or where nothing up to the root has one.
    """
    zone = name.rstrip(".").lower()
    while True:
        answer = await lookup(zone, "SOA")
        if answer.status is Status.ANSWER and not answer.chain:  # a CNAME's target is another zone's apex
            return zone
        if not answer.known or not zone:
            raise Undetermined(
                f"the zone of {name} could not be found",
                hint="Check the name and the name servers, or set dns.zone in mailctl.toml.",
                details=(describe(answer),),
            )
        zone = parent(zone)


def describe(answer: Answer) -> str:
    """One line on what came back: "example TXT: timeout from 192.0.2.53:53 (no answer within 2 s)"."""
    source = f" from {answer.server}" if answer.server else ""
    why = f" ({answer.detail})" if answer.detail else ""
    return f"{answer.name or '.'} {answer.rdtype}: {answer.status}{source}{why}"


def server_names(answer: Answer) -> tuple[str, ...]:
    """The name servers in an answer to an NS question, sorted; the first `MOST_SERVERS` of them."""
    return tuple(sorted(r.name for r in answer.records if isinstance(r, Host)))[:MOST_SERVERS]


def sorted_addresses(answers: Sequence[Answer]) -> list[str]:
    """The addresses in the answers about one host, each once; the first `MOST_ADDRESSES` of them."""
    found = {str(address) for answer in answers for address in answer.addresses()}
    return sorted(found)[:MOST_ADDRESSES]


def homeless(host: str, answers: Sequence[Answer], blank: Answer) -> Answer:
    """The answer on behalf of a name server that has no address, from what was answered about it."""
    status = next((answer.status for answer in answers if not answer.known), Status.SERVFAIL)
    detail = f"the name server {host} has no address: {'; '.join(map(describe, answers))}"
    return replace(blank, status=status, server=host, detail=detail)


def check_within(name: str, zone: str) -> None:
    """Raises ValueError for a name that the zone's servers have no say in."""
    if not is_within(name, zone):
        raise ValueError(f"{name} is not in the zone {zone}")
