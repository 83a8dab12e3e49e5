"""Our SPF against pyspf, which nobody of us wrote: the same results for the same generated zones.

Two things are left out, where pyspf departs from RFC 7208: it refuses a record that includes its own domain
even where that term is never reached, and it takes `exists` without a domain (§5.7).
"""

import asyncio
import random
from ipaddress import ip_address
from typing import Any

import pytest
import spf

from mailctl.standards.dns import Answer, Host, Mx, Rdata, Status, Txt, split_txt
from mailctl.standards.spf_check import evaluate

NAMES = ["shop.example", "a.example", "b.example", "c.example"]
RECORDS = 400


class World:
    """Names with records, for both: as `Lookup`, and as pyspf wants its answers."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.data: dict[tuple[str, str], tuple[Rdata, ...]] = {}
        for name in NAMES:
            self.data[name, "TXT"] = (Txt(split_txt(self.record(name))),)
            self.data[name, "A"] = tuple(self.address(4) for _ in range(self.chance.randrange(1, 3)))
            self.data[name, "AAAA"] = (self.address(6),)
            self.data[name, "MX"] = tuple(Mx(n, self.name()) for n in range(self.chance.randrange(1, 3)))
        self.client = self.address(self.chance.choice([4, 6]))
        self.data[self.client.reverse_pointer, "PTR"] = (Host(self.name()), Host(self.name()))

    def name(self) -> str:
        return self.chance.choice(NAMES)

    def address(self, version: int) -> Any:
        last = self.chance.randrange(1, 6)
        return ip_address(f"192.0.2.{last}" if version == 4 else f"2001:db8::{last}")

    def record(self, name: str) -> str:
        terms = [self.term(name) for _ in range(self.chance.randrange(0, 5))]
        ends = [
            "-all",
            "~all",
            "?all",
            "all",
            "",
            f"redirect={self.name()}",
            "moo=%{d}",
            "exp=none.example -all",
        ]
        return " ".join(["v=spf1", *terms, self.chance.choice(ends)])

    def term(self, name: str) -> str:
        target = self.chance.choice([f":{self.name()}", ":%{d}", ":%{h}", ":%{l}.example", ":none.%{d2}"])
        prefix = self.chance.choice(["", "", "/29", "//126", "/28//64", "/33"])
        address = self.address(4)
        kinds = [
            f"a{target}{prefix}",
            f"mx:{self.name()}{prefix}",
            f"ptr:{self.name()}",
            f"exists{target}",
            f"include:{self.chance.choice([n for n in NAMES if n != name])}",
            f"ip4:{address}",
            f"ip4:{address}/{self.chance.choice([0, 24, 30, 32, 33])}",
            f"ip6:{self.address(6)}/{self.chance.choice([64, 126, 128, 129])}",
            self.chance.choice(["moo", "a:b", "ip4:192.0.2", "all:x", "include:"]),
        ]
        weights = [4, 4, 2, 4, 6, 6, 4, 4, 0.4]
        return self.chance.choice(["", "", "", "-", "~", "?"]) + self.chance.choices(kinds, weights)[0]

    async def lookup(self, name: str, rdtype: str) -> Answer:
        records = self.data.get((name, rdtype), ())
        return Answer(name, rdtype, Status.ANSWER if records else Status.NXDOMAIN, records)


class MemoryQuery(spf.query):  # type: ignore[misc]
    """pyspf with our data in place of its resolver, counting void answers as its own `dns` does."""

    def __init__(self, world: World) -> None:
        super().__init__(i=str(world.client), s="a@shop.example", h="b.example")
        self.world = world

    def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        found = [pyspf_form(r) for r in self.world.data.get((name.lower().rstrip("."), qtype), ())]
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("void lookups")
        return found


def pyspf_form(rdata: Rdata) -> Any:
    match rdata:
        case Txt():
            return rdata.strings
        case Mx():
            return (rdata.preference, rdata.host)
        case Host():
            return rdata.name
        case _:
            return str(rdata)


@pytest.mark.parametrize("block", range(4))
def test_pyspf_comes_to_the_same_results(block: int) -> None:
    seen = set()
    for seed in range(block * RECORDS, (block + 1) * RECORDS):
        world = World(seed)
        ours = asyncio.run(
            evaluate(world.lookup, ip=world.client, helo="b.example", mail_from="a@shop.example")
        )
        theirs = MemoryQuery(world).check()[0]
        assert ours.result == theirs, (seed, world.client, world.data, ours)
        seen.add(ours.result)
    assert {"pass", "fail", "softfail", "neutral", "permerror"} <= seen
