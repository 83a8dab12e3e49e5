"""What the DNS says of this host's addresses: the name each leads to, and whether that name leads back.

Promise: a question that nobody answered is "unknown", never "none" (forward-confirmed reverse DNS: RFC 8601 §2.7.3,
and what the large mailbox providers ask of every sender).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from mailctl.standards.dns import Address, Lookup


@dataclass(frozen=True, slots=True)
class Pointer:
    """The PTR of one address. `state`: confirmed, unconfirmed, none or unknown."""

    address: Address
    state: str
    names: tuple[str, ...] = ()
    detail: str = ""


async def pointers(lookup: Lookup, addresses: Iterable[Address]) -> tuple[Pointer, ...]:
    """Ask for all of them at once."""
    return tuple(await asyncio.gather(*(_pointer(lookup, address) for address in addresses)))


async def _pointer(lookup: Lookup, address: Address) -> Pointer:
    reverse = await lookup(address.reverse_pointer, "PTR")
    if not reverse.known:
        return Pointer(address, "unknown", detail=f"{reverse.status} from {reverse.server or 'the DNS'}")
    names = reverse.hosts()
    if not names:
        return Pointer(address, "none", detail="ask whoever gave you the address to set one")
    rdtype = "A" if address.version == 4 else "AAAA"
    forward = await asyncio.gather(*(lookup(name, rdtype) for name in names))
    if any(address in answer.addresses() for answer in forward):
        return Pointer(address, "confirmed", names)
    if not all(answer.known for answer in forward):
        return Pointer(address, "unknown", names, f"{rdtype} of {names[0]} could not be looked up")
    return Pointer(address, "unconfirmed", names, f"{rdtype} of {', '.join(names)} does not lead back")
