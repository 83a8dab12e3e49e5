"""Lookups a second beside dnspython's own asyncio resolver, both asking the embedded DNS server in another process.

By the clock ("wall") the server is the limit for both; the CPU of the asking process is what the resolver costs.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import dns.asyncresolver

from bench.measure import Row, alone, child_environment, compare, interleaved
from mailctl.edges.dns_server import DnsServer
from mailctl.edges.resolver import Resolver
from mailctl.standards.dns import Record

NAMES = [f"n{number}.shop.example" for number in range(1000)]
IN_FLIGHT = 50
Work = Callable[[str], Coroutine[Any, Any, tuple[float, float]]]


async def _serve() -> None:
    records = [
        Record(name, "TXT", f"v=spf1 ip4:192.0.2.{number % 256} -all", 60)
        for number, name in enumerate(NAMES)
    ]
    async with DnsServer(records, zones=["shop.example"]) as server:
        print(server.address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent lets go


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The embedded server in a process of its own: its address."""
    words = [sys.executable, "-m", "bench.resolving"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment()
    ) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


async def _ask_all(ask: Callable[[str], Awaitable[object]]) -> tuple[float, float]:
    """Every name once, IN_FLIGHT at a time: lookups a second by the clock, and a CPU second."""
    left = iter(NAMES)

    async def worker() -> None:
        for name in left:
            await ask(name)

    clock, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return len(NAMES) / (time.perf_counter() - clock), len(NAMES) / (time.process_time() - cpu)


async def _ours(address: str) -> tuple[float, float]:
    async with Resolver([address]) as resolver:

        async def ask(name: str) -> None:
            answer = await resolver(name, "TXT")
            if len(answer.texts()) != 1:
                raise RuntimeError(f"{name}: {answer.status} {answer.detail}")

        return await _ask_all(ask)


async def _dnspython(address: str) -> tuple[float, float]:
    host, _, port = address.rpartition(":")
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [host], int(port)
    return await _ask_all(lambda name: resolver.resolve(name, "TXT", search=False))


async def _cached(address: str) -> float:
    async with Resolver([address]) as resolver:
        await _ask_all(lambda name: resolver(name, "TXT"))
        return (await _ask_all(lambda name: resolver(name, "TXT")))[1]


def rows(rounds: int) -> list[Row]:
    walls: dict[str, list[float]] = {"ours": [], "dnspython": []}

    def subject(name: str, work: Work) -> Callable[[], float]:
        def measure() -> float:
            wall, cpu = asyncio.run(work(address))
            walls[name].append(wall)
            return cpu

        return measure

    with server() as address:
        subjects = {"ours": subject("ours", _ours), "dnspython": subject("dnspython", _dnspython)}
        seen = interleaved(subjects | {"cached": lambda: asyncio.run(_cached(address))}, rounds)
    peer = "dnspython asyncresolver"
    return [
        compare("lookups a CPU second of the asker", "/s", seen, "ours", "dnspython", peer=peer),
        compare(f"lookups, wall, {IN_FLIGHT} in flight", "/s", walls, "ours", "dnspython", peer=peer),
        alone("lookups out of the cache", "/s", seen, "cached"),
    ]


if __name__ == "__main__":
    asyncio.run(_serve())
