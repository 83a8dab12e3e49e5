"""Zones whose keepers mean harm: endless chains, huge and countless records, silence, lies, one byte at a time.

The kind of a zone is in its name: what lies in `loop-3.example` is answered by `loop`. The server runs in a thread, so
that whoever asks can be another process whose memory is measured.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any

import dns.flags
import dns.message
import dns.rrset

ADDRESS = "127.0.0.1"
_FRESH = count()
_TOP = ("SOA", "CNAME", "NS", "DS", "DNSKEY")  # what makes a zone of a name


class Query:
    """A question, and answers to it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.message = dns.message.from_wire(data)
        self.name = self.message.question[0].name.to_text(omit_final_dot=True).lower()
        self.rdtype = dns.rdatatype.to_text(self.message.question[0].rdtype)
        self.zone = ".".join(self.name.split(".")[-2:])
        self.kind = self.zone.partition("-")[0]

    def reply(self, *records: tuple[str, str, str], flags: int = 0) -> bytes:
        """An answer with (owner, type, value) records; without any, NODATA with the zone's SOA."""
        message = dns.message.make_response(self.message)
        message.flags |= dns.flags.AA | dns.flags.Flag(flags)
        soa = (self.zone, "SOA", f"ns.{self.zone}. hostmaster.{self.zone}. 1 3600 600 86400 60")
        section, added = message.answer, records
        if self.rdtype == "SOA" and self.name == self.zone:
            added = (soa,)
        elif not records:
            section, added = message.authority, (soa,)
        for owner, rdtype, value in added:
            section.append(dns.rrset.from_text(f"{owner}.", 60, "IN", rdtype, value))
        return message.to_wire(max_size=65535, prefer_truncation=True)

    def top(self) -> bytes:
        """An answer about the top of a zone: SOA, NS, and nothing else."""
        servers = [(self.zone, "NS", f"ns{n}.{self.zone}.") for n in (1, 2)]
        return self.reply(*servers) if self.rdtype == "NS" else self.reply()

    def many(self, rdtype: str, values: Iterator[str]) -> bytes:
        """An answer with many records of one type, as many as fit a message."""
        return self.reply(*((self.name, rdtype, value) for value in values))


Reply = Callable[[Query], list[bytes]]


def _fresh(query: Query) -> str:
    return f"n{next(_FRESH)}.{query.zone}"


def _strings(text: str) -> str:
    """A text as the strings of a TXT record."""
    return " ".join(f'"{text[n : n + 250]}"' for n in range(0, len(text), 250))


def chain(query: Query) -> list[bytes]:
    """Every name below the top is an alias of another one, without an end."""
    if query.name == query.zone and query.rdtype in _TOP:
        return [query.top()]
    return [query.reply((query.name, "CNAME", f"{_fresh(query)}."))]


def loop(query: Query) -> list[bytes]:
    """An alias of an alias of itself, at every name below the top."""
    if query.name == query.zone and query.rdtype in _TOP:
        return [query.top()]
    other = f"other.{query.zone}"
    return [query.reply((query.name, "CNAME", f"{other}."), (other, "CNAME", f"{query.name}."))]


def silent(_: Query) -> list[bytes]:
    return []


def garbage(query: Query) -> list[bytes]:
    """The right identity, and then anything."""
    return [query.data[:2] + b"\x84" + random.Random(query.name).randbytes(200)]


def liar(query: Query) -> list[bytes]:
    """Answers to other questions, with another identity, and half of one."""
    good = query.reply((query.name, query.rdtype if query.rdtype == "TXT" else "TXT", '"v=spf1 +all"'))
    other = Query(dns.message.make_query(f"other.{query.zone}", query.rdtype, id=query.message.id).to_wire())
    return [bytes([good[0] ^ 0xFF]) + good[1:], other.reply(), query.data, good[: len(query.data) - 3]]


def flood(query: Query) -> list[bytes]:
    """Two hundred guesses at the identity."""
    good = query.reply((query.name, "TXT", '"v=spf1 +all"'))
    return [bytes([good[0] ^ (n + 1)]) + good[1:] for n in range(200)]


def huge(query: Query) -> list[bytes]:
    """64 kB of text at every name, and at each another one."""
    if query.rdtype != "TXT":
        return [query.reply()]
    start = "v=spf1 " if query.name == query.zone else "v=DMARC1; p=reject; "
    return [query.reply((query.name, "TXT", _strings((start + f"{query.name} " * 4000)[:63_000])))]


def crowd(query: Query) -> list[bytes]:
    """As many records as a message holds, whatever is asked for, and each leads somewhere else."""
    hosts = (f"h{n}.{query.zone}." for n in range(400))
    match query.rdtype:
        case "MX":
            return [query.many("MX", (f"{n} {host}" for n, host in enumerate(hosts)))]
        case "NS":
            return [query.many("NS", hosts)]
        case "TXT":
            return [query.many("TXT", (f'"{n}: v=DKIM1; p=AAAA"' for n in range(400)))]
        case "TLSA":
            return [query.many("TLSA", (f"3 1 1 {n:064x}" for n in range(400)))]
    return [query.reply()]


def bomb(query: Query) -> list[bytes]:
    """SPF with ten includes, each of which has ten; DMARC that sends reports to a thousand."""
    if query.rdtype != "TXT":
        return [query.reply()]
    if query.name.startswith("_dmarc."):
        uris = ",".join(f"mailto:a@{_fresh(query)}" for _ in range(1000))
        return [query.reply((query.name, "TXT", _strings(f"v=DMARC1; p=reject; rua={uris}")))]
    terms = " ".join(f"include:{_fresh(query)}" for _ in range(10))
    return [query.reply((query.name, "TXT", _strings(f"v=spf1 {terms} -all")))]


def slow(query: Query) -> list[bytes]:
    """In order, but each answer comes too late."""
    return [query.reply()]


def drip(query: Query) -> list[bytes]:
    """Says that the answer is too long for a datagram; by TCP it comes one byte at a time."""
    return [query.reply(flags=dns.flags.TC)]


KINDS: dict[str, Reply] = {
    reply.__name__: reply
    for reply in (chain, loop, silent, garbage, liar, flood, huge, crowd, bomb, slow, drip)
}
SLOWNESS = 1.5  # seconds, and more than who asks is going to wait


def replies(data: bytes) -> tuple[str, list[bytes]]:
    """The kind of a zone, and what is sent back to a question."""
    kind, messages = _made(b"\0\0" + data[2:])
    if kind in ("huge", "crowd"):
        return kind, [data[:2] + message[2:] for message in messages]
    return _made.__wrapped__(data)


@lru_cache(maxsize=2000)  # what takes long to make must not keep the server from its other zones
def _made(data: bytes) -> tuple[str, list[bytes]]:
    query = Query(data)
    if query.kind not in KINDS:
        return "", [query.reply()]
    return query.kind, KINDS[query.kind](query)


class _Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        kind, messages = replies(data)
        for message in messages:
            if len(message) > 1232:
                message = Query(data).reply(flags=dns.flags.TC)
            if kind == "slow":
                asyncio.get_running_loop().call_later(SLOWNESS, self._transport.sendto, message, addr)
            else:
                self._transport.sendto(message, addr)


async def _serve_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            data = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            kind, messages = replies(data)
            for message in messages:
                framed = len(message).to_bytes(2, "big") + message
                for part in [framed[n : n + 1] for n in range(len(framed))] if kind == "drip" else [framed]:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0.2 if kind == "drip" else 0)
    except (OSError, EOFError):
        pass  # who asked had enough
    finally:
        writer.close()


async def _serve(started: Callable[[int], None], stop: asyncio.Event) -> None:
    loop_ = asyncio.get_running_loop()
    while True:
        transport, _ = await loop_.create_datagram_endpoint(_Datagrams, local_addr=(ADDRESS, 0))
        port: int = transport.get_extra_info("sockname")[1]
        try:
            server = await asyncio.start_server(_serve_tcp, ADDRESS, port)
        except OSError:
            transport.close()  # the port is taken for TCP
            continue
        break
    started(port)
    await stop.wait()
    server.close()
    transport.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def hostile_server() -> Iterator[str]:
    """Run it in a thread; yields its address."""
    ports: list[int] = []
    ready, stops = threading.Event(), list[Callable[[], object]]()

    async def main() -> None:
        stop, loop_ = asyncio.Event(), asyncio.get_running_loop()
        stops.append(lambda: loop_.call_soon_threadsafe(stop.set))

        def started(port: int) -> None:
            ports.append(port)
            ready.set()

        await _serve(started, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"{ADDRESS}:{ports[0]}"
    finally:
        stops[0]()
        thread.join(10)
