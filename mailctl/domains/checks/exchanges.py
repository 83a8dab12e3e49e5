"""Which hosts take a domain's mail, for the checks that look at each of them.

Promise: a null MX, or no MX and no address, is no host at all; where the DNS does not say, `unknown` holds the answer.
"""

import asyncio
from dataclasses import dataclass

from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.standards.dns import Address, Answer


@dataclass(frozen=True, slots=True)
class Exchanges:
    """The hosts in order of preference. `unknown` is the answer that hides them, None where they are known."""

    hosts: tuple[str, ...]
    answer: Answer  # to the MX question
    unknown: Answer | None = None

    @property
    def none(self) -> bool:
        """Whether it is known that the domain takes no mail."""
        return not self.hosts and self.unknown is None


async def find(target: Target, tools: Tools) -> Exchanges:
    """The hosts that take mail for a domain (RFC 5321 §5.1)."""
    answer = await tools.ask(target.name, "MX")
    if not answer.known:
        return Exchanges((), answer, answer)
    if answer.records:
        ordered = sorted(answer.exchanges(), key=lambda mx: (mx.preference, mx.host))
        return Exchanges(tuple(dict.fromkeys(mx.host for mx in ordered if mx.host)), answer)
    if target.profile is Profile.PARKED:
        return Exchanges((), answer)
    # The implicit MX: without any, mail goes to the addresses of the name itself.
    asked = await addresses(target.name, tools)
    if any(one.addresses() for one in asked):
        return Exchanges((target.name,), answer)
    return Exchanges((), answer, next((one for one in asked if not one.known), None))


async def addresses(name: str, tools: Tools) -> tuple[Answer, Answer]:
    """The answers on A and AAAA."""
    return await asyncio.gather(tools.ask(name, "A"), tools.ask(name, "AAAA"))


def all_of(asked: tuple[Answer, ...]) -> tuple[Address, ...]:
    return tuple(address for answer in asked for address in answer.addresses())


async def why_undeliverable(domain: str, tools: Tools) -> tuple[str, Answer]:
    """Why mail to a domain has nowhere to go, and the answer that says so; "" where it has, or where nobody knows."""
    found = await find(Target(domain), tools)
    if not found.none:
        return "", found.unknown or found.answer
    if found.answer.records:
        return f"{domain} takes no mail (null MX)", found.answer
    return f"{domain} has neither MX nor address", found.answer
