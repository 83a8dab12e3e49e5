"""Edit an SPF record so that given addresses pass, and change nothing else.

Promise: every byte of a record that is there stays, in its order; terms are only inserted. An address that
a network in the record lets pass is left at that; a new ip4 or ip6 stands before anything that could turn
the address away, whatever the DNS says. A second edit changes nothing. A broken record is refused with
`SpfSyntaxError`, never mended in silence.
"""

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address

from mailctl.standards.dns import Address
from mailctl.standards.names import record_name
from mailctl.standards.spf import Mechanism, Modifier, Record, Term, parse


def authorise(
    current: str | None,
    addresses: Sequence[Address],
    *,
    includes: Sequence[str] = (),
    default: str = "~all",
) -> str:
    """The record under which `addresses`, and what the domains `includes` allow, pass.

    `current` is the record that is there, or None; a new one ends in `default`, an existing one keeps its
    own end, also where it has none. Raises `SpfSyntaxError` for a broken record or default and `BadName`
    for an include that is no name.
    """
    text = f"v=spf1 {_checked_default(default)}" if current is None else current
    for address in dict.fromkeys(map(_plain, addresses)):
        text = _with_address(text, address)
    for domain in dict.fromkeys(map(record_name, includes)):
        text = _with_include(text, domain)
    return text


def is_authorised(record: Record, address: Address) -> bool:
    """Whether a network written in the record covers `address` before a literal term turns it away."""
    decision = _decision(record, _plain(address))
    return decision is not None and decision.qualifier == "+" and decision.name != "all"


def _checked_default(default: str) -> str:
    record = parse(f"v=spf1 {default}")
    if len(record.terms) != 1 or record.all is None:
        raise ValueError(f"{default!r} is not a form of all")
    return default


def _plain(address: Address) -> Address:
    # RFC 7208 §5: an IPv4 address mapped into IPv6 is judged as IPv4.
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _decision(record: Record, address: Address) -> Mechanism | None:
    """The first term that decides about the address without asking the DNS."""
    for mechanism in record.mechanisms:
        network = mechanism.network and mechanism.network.network
        if mechanism.name == "all" or (network and network.version == address.version and address in network):
            return mechanism
    return None


def _with_address(text: str, address: Address) -> str:
    record = parse(text)
    if is_authorised(record, address):
        return text
    return _insert(text, f"ip{address.version}:{address}", _first(record, _could_decide))


def _with_include(text: str, domain: str) -> str:
    record = parse(text)
    for mechanism in record.mechanisms:
        reached = record.all is None or mechanism.position < record.all.position
        same = mechanism.domain.lower().removesuffix(".") == domain
        if reached and same and mechanism.name == "include" and mechanism.qualifier == "+":
            return text
    return _insert(text, f"include:{domain}", _first(record, _ends))


def _first(record: Record, wanted: Callable[[Term], bool]) -> Term | None:
    return next(filter(wanted, record.terms), None)


def _could_decide(term: Term) -> bool:
    """Whether an address must stand before this term: it ends the record, costs lookups of others, or
    does not pass."""
    return _ends(term) or (isinstance(term, Mechanism) and (term.name == "include" or term.qualifier != "+"))


def _ends(term: Term) -> bool:
    return term.name == ("redirect" if isinstance(term, Modifier) else "all")


def _insert(text: str, new: str, before: Term | None) -> str:
    if before is None:
        return f"{text}{'' if text.endswith(' ') else ' '}{new}"
    return f"{text[: before.position]}{new} {text[before.position :]}"
