"""Which addresses the whole Internet can reach, and why the others cannot be (RFC 6890 and its registries).

Promise: an address passes only if it is ordinary global unicast. Forms that carry another address inside (6to4,
NAT64, Teredo, IPv4-mapped) are refused by name, since `ipaddress.is_global` lets several of them through, and what
they lead to is not what they look like.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, ip_network

from mailctl.standards.dns import Address

# The first that holds an address names it, so the narrower ones come first.
_REFUSED = tuple(
    (ip_network(network), words)
    for network, words in (
        ("0.0.0.0/8", "this network (RFC 1122)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "shared with a provider's customers (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "reserved for protocols (RFC 6890)"),
        ("192.0.2.0/24", "documentation (RFC 5737)"),
        ("192.31.196.0/24", "AS112 (RFC 7535)"),
        ("192.88.99.0/24", "6to4 relays (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("192.175.48.0/24", "AS112 (RFC 7534)"),
        ("198.18.0.0/15", "benchmarks (RFC 2544)"),
        ("198.51.100.0/24", "documentation (RFC 5737)"),
        ("203.0.113.0/24", "documentation (RFC 5737)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("255.255.255.255/32", "broadcast (RFC 919)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("::/128", "unspecified (RFC 4291)"),
        ("::1/128", "loopback (RFC 4291)"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6 form (RFC 4291 §2.5.5.2)"),
        ("::/96", "an IPv4 address in IPv6 form (RFC 4291 §2.5.5.1)"),
        ("64:ff9b::/96", "NAT64 (RFC 6052)"),
        ("64:ff9b:1::/48", "NAT64 (RFC 8215)"),
        ("100::/64", "discard (RFC 6666)"),
        ("2001::/32", "Teredo (RFC 4380)"),
        ("2001::/23", "reserved for protocols (RFC 2928)"),
        ("2001:db8::/32", "documentation (RFC 3849)"),
        ("2002::/16", "6to4 (RFC 3056)"),
        ("2620:4f:8000::/48", "AS112 (RFC 7534)"),
        ("3fff::/20", "documentation (RFC 9637)"),
        ("fc00::/7", "private (RFC 4193)"),
        ("fe80::/10", "link-local (RFC 4291)"),
        ("fec0::/10", "site-local (RFC 3879)"),
        ("ff00::/8", "multicast (RFC 4291)"),
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 §2.4: IANA gives out of nothing else


def why_not_public(address: Address) -> str:
    """What kind of address it is if the Internet cannot reach it: "loopback (RFC 1122)"; "" if it can."""
    for network, words in _REFUSED:
        if address.version == network.version and address in network:
            return words
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "not global unicast (RFC 4291)"
    return ""


def sift(addresses: Iterable[Address], *, allow_private: bool) -> tuple[tuple[Address, ...], tuple[str, ...]]:
    """The addresses that may be contacted, and the others in words: "10.0.0.1 is private (RFC 1918)"."""
    allowed, refused = [], []
    for address in dict.fromkeys(addresses):
        words = "" if allow_private else why_not_public(address)
        if words:
            refused.append(f"{address} is {words}")
        else:
            allowed.append(address)
    return tuple(allowed), tuple(refused)
