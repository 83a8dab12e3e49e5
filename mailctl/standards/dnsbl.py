"""DNS block lists (RFC 5782): how to ask one about an address, and what its answers mean.

Promise: an answer outside 127.0.0.0/8 is not a listing (§2.1), and neither is one in 127.255.255.0/24, with which
lists refuse to answer (Spamhaus and others: open resolvers, too many questions, a key that is missing).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from mailctl.standards.dns import Address, Answer

# §5: test entries that every list has, and those that none may have.
LISTED = (IPv4Address("127.0.0.2"), IPv6Address("::ffff:7f00:2"))
NOT_LISTED = (IPv4Address("127.0.0.1"), IPv6Address("::ffff:7f00:1"))

_CODES = IPv4Network("127.0.0.0/8")
_REFUSALS = IPv4Network("127.255.255.0/24")
# https://www.spamhaus.org/faqs/dnsbl-usage/#200; others follow the example.
_WHY_REFUSED = {
    IPv4Address("127.255.255.252"): "the zone's name is misspelt",
    IPv4Address("127.255.255.254"): "asked through a public or open resolver",
    IPv4Address("127.255.255.255"): "too many questions",
}


class Verdict(StrEnum):
    LISTED = "listed"
    CLEAN = "clean"
    REFUSED = "refused"  # the list does not answer us
    ODD = "odd"  # an answer that no list gives: a parked or hijacked zone
    UNKNOWN = "unknown"  # the DNS did not say


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list says about one address. `codes` are its 127.0.0.x, whose meaning is the list's own."""

    verdict: Verdict
    codes: tuple[IPv4Address, ...] = ()
    reason: str = ""


def query_name(address: Address, zone: str) -> str:
    """The name to ask: octets backwards for IPv4 (§2.1), nibbles backwards for IPv6 (§2.4)."""
    parts = str(address).split(".") if address.version == 4 else list(address.packed.hex())
    return ".".join([*reversed(parts), zone])


def read(answer: Answer) -> Listing:
    """The meaning of the answer to an A question for `query_name`."""
    if not answer.known:
        return Listing(Verdict.UNKNOWN, reason=answer.detail or answer.status.value)
    if answer.absent:
        return Listing(Verdict.CLEAN)
    codes = tuple(sorted(a for a in answer.addresses() if isinstance(a, IPv4Address)))
    refusals = [code for code in codes if code in _REFUSALS]
    if refusals:
        return Listing(Verdict.REFUSED, codes, _WHY_REFUSED.get(refusals[0], "the list refuses to answer"))
    odd = [code for code in codes if code not in _CODES]
    if odd or not codes:
        return Listing(
            Verdict.ODD, codes, f"answers {_shown(odd)}, which no list does: not a block list any more"
        )
    return Listing(Verdict.LISTED, codes)


def judge(listed: Answer, not_listed: Answer, point: Address, counterpoint: Address) -> str:
    """What is wrong with a list by its two test points (§5); "" where it works."""
    there, absent = read(listed), read(not_listed)
    for listing in (there, absent):
        if listing.verdict in (Verdict.REFUSED, Verdict.ODD, Verdict.UNKNOWN):
            return listing.reason
    if there.verdict is Verdict.CLEAN:
        return f"it does not list the test entry {point}: it lists nothing, or is no list of addresses"
    if absent.verdict is Verdict.LISTED:
        return f"it lists {counterpoint}, which no list may: it lists everything"
    return ""


def _shown(codes: Iterable[IPv4Address]) -> str:
    return ", ".join(map(str, codes)) or "without an address"
