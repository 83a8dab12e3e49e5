"""A DNS server in a process of its own that keeps every answer back for a while, and counts.

Promise: an answer leaves `delay` after its question came, whatever else is under way, so a checker that waits for one
answer at a time pays for each, and one that does not pays for the longest chain. What was answered once is answered
out of a table, in some 20 µs: the server is not what limits either checker.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench import shops
from bench.measure import child_environment
from mailctl.edges.dns_server import DnsServer

_LARGEST = 65_535


class _Slow:
    """Answers over UDP and TCP on one port; `delay` in seconds."""

    def __init__(self, source: DnsServer) -> None:
        self.delay = 0.0
        self._source = source
        self._known: dict[tuple[str, bytes], bytes | None] = {}
        self._loop = asyncio.get_running_loop()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._udp.setblocking(False)
        self.reset()

    def reset(self) -> None:
        self.counts = {"udp": 0, "tcp": 0, "most in flight": 0}
        self._in_flight = 0

    async def start(self) -> int:
        """The port."""
        self._udp.bind(("127.0.0.1", 0))
        port = int(self._udp.getsockname()[1])
        await asyncio.start_server(self._connected, "127.0.0.1", port)
        self._loop.add_reader(self._udp, self._readable)
        return port

    def _answer(self, data: bytes, transport: str) -> bytes | None:
        """The answer, under the id of the question, which is its first two bytes."""
        key = (transport, data[2:])
        if key not in self._known:
            self._known[key] = self._source.respond(data, transport)
        answer = self._known[key]
        return None if answer is None else data[:2] + answer[2:]

    def _begin(self, transport: str) -> None:
        self.counts[transport] += 1
        self._in_flight += 1
        self.counts["most in flight"] = max(self.counts["most in flight"], self._in_flight)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, peer = self._udp.recvfrom(_LARGEST)
                self._begin("udp")
                answer = self._answer(data, "udp")
                if self.delay:
                    self._loop.call_later(self.delay, self._send, answer, peer)
                else:
                    self._send(answer, peer)

    def _send(self, answer: bytes | None, peer: Any) -> None:
        self._in_flight -= 1
        if answer is not None:
            self._udp.sendto(answer, peer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
                self._begin("tcp")
                answer = self._answer(data, "tcp") or b""
                await asyncio.sleep(self.delay)
                self._in_flight -= 1
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()
        writer.close()


async def _serve(count: int) -> None:
    """Talk with the parent by lines: a delay in, and out the counts since the last one."""
    slow = _Slow(DnsServer(shops.records(count), zones=["", *shops.names(count)]))
    print(await slow.start(), flush=True)
    ended = asyncio.Event()

    def told() -> None:
        line = os.read(0, 4096)
        if not line:
            ended.set()
            return
        print(json.dumps(slow.counts), flush=True)
        slow.reset()
        slow.delay = float(line) / 1000

    asyncio.get_running_loop().add_reader(0, told)
    await ended.wait()


@dataclass(frozen=True)
class SlowDns:
    """The process, from outside. `delay` sets the milliseconds and returns what was counted since the last call."""

    port: int
    delay: Callable[[float], Mapping[str, int]]


@contextlib.contextmanager
def slow_dns(count: int) -> Iterator[SlowDns]:
    """A server that knows `count` shops."""
    words = [sys.executable, "-m", "bench.slow_dns", str(count)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment()
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        to, out = child.stdin, child.stdout

        def delay(milliseconds: float) -> Mapping[str, int]:
            to.write(f"{milliseconds}\n")
            to.flush()
            return {name: int(number) for name, number in json.loads(out.readline()).items()}

        try:
            yield SlowDns(int(out.readline()), delay)
        finally:
            child.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
