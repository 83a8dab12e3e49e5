"""The resolver on the network: shares, caches, retries, and tells a dead answer from a bogus one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from mailctl.edges.resolver import questions
from mailctl.edges.resolver.cache import Cache, Key
from mailctl.edges.resolver.rdata import type_code
from mailctl.edges.resolver.transport import SILENT, UNREACHABLE, NoAnswerError, Upstream
from mailctl.edges.resolver.wire import CHAIN_LIMIT, OLDER_THAN_EDNS, Question, Reading, question
from mailctl.errors import BadInput, Undetermined
from mailctl.standards.dns import Answer, Status

DIRECT_AT_ONCE = 100  # questions to authoritative servers; each has a socket of its own
ROUNDS = 2  # each server is asked again once where it stayed silent
# Which fault is told when no server knew: the one that says most.
_TELLING = (Status.BOGUS, Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT)


class Resolver:
    """A `Lookup` over recursive name servers; an async context manager, and usable in one event loop.

    `timeout` is the wait for one datagram and `deadline` the wait for one lookup with all its retries, in
    seconds. `trust_ad`: the way to the servers is trusted, so their AD bit counts (RFC 6840 §5.8).
    Raises Undetermined without any name server, BadInput for one that is no address.
    """

    def __init__(
        self,
        nameservers: Sequence[str],
        *,
        timeout: float = 2.0,
        deadline: float = 10.0,
        trust_ad: bool = False,
        authoritative_port: int = 53,
        cache_size: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not nameservers:
            raise Undetermined(
                "no name server to ask",
                hint="Name one in /etc/resolv.conf, or in dns.nameservers of mailctl.toml.",
            )
        try:
            self._upstreams = tuple(Upstream(server) for server in nameservers)
        except ValueError as error:
            raise BadInput(
                f"a name server that is no address: {error}",
                hint='Write "192.0.2.53" or "[2001:db8::53]:53".',
            ) from error
        self._timeout = timeout
        self._deadline = deadline
        self._trust_ad = trust_ad
        self._authoritative_port = authoritative_port
        self._cache = Cache(cache_size, clock)
        self._silent = Cache(cache_size, clock)  # authoritative servers that did not answer, by address
        self._direct = asyncio.Semaphore(DIRECT_AT_ONCE)
        self._in_flight: dict[Key, asyncio.Task[Answer]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = tuple(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for upstream in self._upstreams:
            upstream.close()

    async def __call__(self, name: str, rdtype: str) -> Answer:
        """Look up one RRset; raises nothing but ValueError, for a type that does not exist."""
        key = (name.rstrip(".").lower(), rdtype.upper())
        kept = self._cache.get(key)
        if kept is not None:
            return kept
        task = self._in_flight.get(key)
        if task is None:
            type_code(key[1])
            task = asyncio.create_task(self._look_up(key))
            self._in_flight[key] = task
            task.add_done_callback(lambda _: self._in_flight.pop(key, None))
        # Shielded: one asker who gives up must not take the answer from the others.
        return await asyncio.shield(task)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        """Ask every address of every name server of `zone` directly, without recursion or cache.

        One answer each, in the order of the servers' names; a server without an address, or one that does not
        hold the zone, gives an answer that is not `known`. () where the zone has no NS at all.
        """
        questions.check_within(name, zone)
        servers = await self(zone, "NS")
        if not servers.known:
            detail = f"the name servers are unknown: {questions.describe(servers)}"
            return (Answer(name, rdtype, servers.status, server=servers.server, detail=detail),)
        found = await asyncio.gather(
            *(self._ask_host(host, name, rdtype) for host in questions.server_names(servers))
        )
        return tuple(answer for answers in found for answer in answers)

    async def zone_cut(self, name: str) -> str:
        """The zone that holds `name`; raises Undetermined."""
        return await questions.zone_cut(self, name)

    def flush(self) -> None:
        """Forget every answer. What is in flight now will still be shared, and kept."""
        self._cache.clear()

    async def _look_up(self, key: Key) -> Answer:
        try:
            asked = question(*key)
        except ValueError as error:
            # No message can hold such a name, so nothing can exist there.
            return Answer(*key, Status.NXDOMAIN, detail=f"not a DNS name: {error}")
        blank = Answer(*key, Status.TIMEOUT, detail=f"no answer within {self._deadline:g} s")
        try:
            async with asyncio.timeout(self._deadline):
                answer = await self._chase(asked, blank)
        except TimeoutError:
            answer = blank
        self._cache.put(key, answer)
        return answer

    async def _chase(self, asked: Question, blank: Answer) -> Answer:
        """Ask, and go on asking where a chain leads out of the message."""
        chain: tuple[str, ...] = ()
        ttls: list[int] = []
        answer = blank
        while len(chain) <= CHAIN_LIMIT:
            reading = await self._try_upstreams(asked)
            answer, chase = reading.answer, reading.chase
            if not chase and not chain:
                return answer if answer.name == blank.name else replace(answer, name=blank.name)
            if set(chain) & set(answer.chain):
                break
            chain += answer.chain
            ttls.append(answer.ttl)
            if not chase:
                return replace(answer, name=blank.name, chain=chain, ttl=min(ttls))
            asked = question(chase, blank.rdtype)
        detail = "a CNAME chain without an end"
        return replace(blank, status=Status.SERVFAIL, server=answer.server, chain=chain, detail=detail)

    async def _try_upstreams(self, asked: Question) -> Reading:
        """The first known reading, or else the most telling fault. Silent servers are asked once more."""
        faults: list[Reading] = []
        willing = list(self._upstreams)
        for _ in range(ROUNDS):
            for upstream in tuple(willing):
                reading = await self._consult(upstream, asked)
                if reading.answer.known:
                    return reading
                faults.append(reading)
                if reading.answer.status is not Status.TIMEOUT:
                    willing.remove(upstream)
        return min(faults, key=lambda r: _TELLING.index(r.answer.status))

    async def _consult(self, upstream: Upstream, asked: Question) -> Reading:
        """Ask one recursive server. What it will not validate is asked for again with CD=1."""
        reading = await self._ask(upstream, asked)
        if reading.answer.status is not Status.SERVFAIL or reading.answer.detail.startswith("malformed"):
            return reading
        unchecked = await self._ask(upstream, asked._replace(unchecked=True))
        if not unchecked.answer.known:
            return reading
        # A server that was dead a moment ago may just have come back: ask once more before calling it bogus.
        again = await self._ask(upstream, asked)
        if again.answer.status is not Status.SERVFAIL:
            return again
        return again._replace(answer=replace(again.answer, status=Status.BOGUS))

    async def _ask(self, upstream: Upstream, asked: Question) -> Reading:
        try:
            reading = await upstream.ask(asked, self._timeout)
            if reading.rcode in OLDER_THAN_EDNS and asked.edns:
                # RFC 6891 §6.2.2
                reading = await upstream.ask(asked._replace(edns=False), self._timeout)
        except NoAnswerError as fault:
            return _fault(asked, upstream, fault)
        if reading.answer.authenticated and not self._trust_ad:
            reading = reading._replace(answer=replace(reading.answer, authenticated=False))
        return reading

    async def _ask_host(self, host: str, name: str, rdtype: str) -> list[Answer]:
        """One answer from each address of an authoritative server."""
        found = await asyncio.gather(self(host, "A"), self(host, "AAAA"))
        addresses = questions.sorted_addresses(found)
        if not addresses:
            return [questions.homeless(host, found, Answer(name, rdtype, Status.SERVFAIL))]
        asked = await asyncio.gather(*(self._ask_server(address, name, rdtype) for address in addresses))
        # Without IPv6 here (or IPv4), a server that answers on the other family is not at fault.
        reached = [answer for answer, reachable in asked if reachable]
        return reached or [answer for answer, _ in asked]

    async def _ask_server(self, address: str, name: str, rdtype: str) -> tuple[Answer, bool]:
        """The answer of one authoritative server, and whether this host has a route to it."""
        reading = await self._ask_directly(address, question(name, rdtype, recursive=False))
        answer = replace(reading.answer, authenticated=False)
        if answer.known and not reading.authoritative:
            answer = replace(
                answer, status=Status.SERVFAIL, records=(), detail="lame: it does not hold the zone"
            )
        if reading.chase:
            rest = await self(reading.chase, rdtype)
            answer = replace(rest, name=name, server=answer.server, chain=answer.chain + rest.chain)
        return answer, not answer.detail.startswith(UNREACHABLE)

    async def _ask_directly(self, address: str, asked: Question) -> Reading:
        """Ask a server twice where it stays silent, and then leave it alone for a while."""
        upstream = Upstream(address, self._authoritative_port)
        async with self._direct:
            silent = self._silent.get((address, ""))
            if silent is not None:
                return Reading(replace(silent, name=asked.name, rdtype=asked.rdtype))
            try:
                reading = await self._ask(upstream, asked)
                if reading.answer.detail.startswith(SILENT):  # perhaps a datagram was lost
                    reading = await self._ask(upstream, asked)
            finally:
                upstream.close()
        if reading.answer.detail.startswith(SILENT):
            self._silent.put((address, ""), reading.answer)
        return reading


def _fault(asked: Question, upstream: Upstream, fault: NoAnswerError) -> Reading:
    return Reading(Answer(asked.name, asked.rdtype, fault.status, server=upstream.name, detail=fault.detail))
