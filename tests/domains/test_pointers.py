"""The PTR of each address: confirmed only where the name leads back, unknown where nobody answers."""

import asyncio
from ipaddress import ip_address

import pytest

from mailctl.domains.pointers import pointers
from mailctl.edges.resolver import MemoryResolver
from mailctl.standards.dns import Record, Status

V4, V6 = ip_address("192.0.2.10"), ip_address("2001:db8::10")
HOST = "mail.shop.example"
PTR4, PTR6 = (Record(a.reverse_pointer, "PTR", HOST) for a in (V4, V6))


@pytest.mark.parametrize(
    ("records", "faults", "state"),
    [
        ((), {}, "none"),
        ((PTR4,), {}, "unconfirmed"),
        ((PTR4, Record(HOST, "A", "192.0.2.11")), {}, "unconfirmed"),
        ((PTR4, Record(HOST, "A", "192.0.2.10")), {}, "confirmed"),
        ((PTR4,), {HOST: Status.TIMEOUT}, "unknown"),
        ((), {V4.reverse_pointer: Status.SERVFAIL}, "unknown"),
    ],
)
def test_a_pointer(
    records: tuple[Record, ...], faults: dict[tuple[str, str] | str, Status], state: str
) -> None:
    (found,) = asyncio.run(pointers(MemoryResolver(records, faults=faults), [V4]))
    assert found.state == state


def test_both_families_are_asked_for_their_own_record() -> None:
    records = (PTR4, PTR6, Record(HOST, "A", str(V4)), Record(HOST, "AAAA", str(V6)))
    found = asyncio.run(pointers(MemoryResolver(records), [V4, V6]))
    assert [(p.address, p.state, p.names) for p in found] == [
        (V4, "confirmed", (HOST,)),
        (V6, "confirmed", (HOST,)),
    ]
