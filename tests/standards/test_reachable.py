"""Addresses that the whole Internet can reach, and those it cannot."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards.reachable import sift, why_not_public


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "193.0.6.139", "2001:4860:4860::8888", "2a00:1450::1", "2606:4700::1111"]
)
def test_ordinary_addresses_pass(text: str) -> None:
    assert why_not_public(ip_address(text)) == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0.0.0.0", "this network"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "shared"),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.31.255.255", "private"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("198.19.255.255", "benchmarks"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::ffff:8.8.8.8", "an IPv4 address in IPv6 form"),
        ("::8.8.8.8", "an IPv4 address in IPv6 form"),
        ("64:ff9b::7f00:1", "NAT64"),
        ("64:ff9b:1::1", "NAT64"),
        ("2001::1", "Teredo"),
        ("2001:10::1", "reserved for protocols"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::", "6to4"),
        ("3fff::1", "documentation"),
        ("fd00::1", "private"),
        ("fe80::1", "link-local"),
        ("fec0::1", "site-local"),
        ("ff02::1", "multicast"),
        ("4000::1", "not global unicast"),
    ],
)  # fmt: skip
def test_the_others_are_refused_by_name(text: str, kind: str) -> None:
    assert why_not_public(ip_address(text)).startswith(kind)


@given(st.ip_addresses())
def test_nothing_passes_that_the_standard_library_refuses(address: IPv4Address | IPv6Address) -> None:
    assert address.is_global or why_not_public(address)


def test_sifting_keeps_the_order_and_says_why_not() -> None:
    addresses = [ip_address(text) for text in ("8.8.8.8", "10.0.0.1", "8.8.8.8", "1.1.1.1")]
    allowed, refused = sift(addresses, allow_private=False)
    assert [str(address) for address in allowed] == ["8.8.8.8", "1.1.1.1"]
    assert refused == ("10.0.0.1 is private (RFC 1918)",)
    assert sift(addresses, allow_private=True) == (tuple(dict.fromkeys(addresses)), ())
