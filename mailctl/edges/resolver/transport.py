"""One upstream name server: many questions in flight over one UDP socket, TCP for what does not fit.

Promise: an answer is taken only from the server's own address (the socket is connected), with the id and the
question that were sent; anything else is counted and ignored. Every wait ends within its timeout. Silence,
an unreachable network and malformed answers are raised as `NoAnswerError`.
"""

import asyncio
import contextlib
import secrets
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast

import dns.message

from mailctl.edges.resolver.wire import MalformedError, Question, is_truncated, parse
from mailctl.standards.dns import Status

IN_FLIGHT = 256  # questions at once to one server; more only overflow its receive buffer
TCP_AT_ONCE = 16
QUESTIONS_A_SOCKET = 2000  # then a new one, so that the source port does not become known (RFC 5452 §9.2)
UNREACHABLE = "no route"  # how the detail starts where this host cannot even send
_RECEIVE_BUFFER = 1 << 20


class NoAnswerError(Exception):
    """No usable answer came. `status` is TIMEOUT, or SERVFAIL where something malformed came."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def endpoint(server: str, default_port: int = 53) -> tuple[str, int]:
    """The address and port in "IP", "IP:PORT" or "[v6]:PORT"; raises ValueError."""
    host, port = server, str(default_port)
    if server.startswith("["):
        host, bracket, rest = server[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{server!r} is not [ADDRESS]:PORT")
        port = rest.removeprefix(":") or port
    elif server.count(":") == 1:
        host, port = server.split(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{server!r} has no port between 1 and 65535")
    ip_address(host.partition("%")[0])
    return host, int(port)


@dataclass(slots=True)
class _Waiting:
    question: Question
    reply: "asyncio.Future[dns.message.Message | None]"  # None: truncated, ask by TCP
    malformed: str = ""  # why something with the right id was ignored


class _Socket(asyncio.DatagramProtocol):
    """The connected UDP socket; matches answers to the questions that wait for them."""

    def __init__(self) -> None:
        self.waiting: dict[int, _Waiting] = {}
        self.transport: asyncio.DatagramTransport | None = None
        self.questions = 0
        self.ignored = 0  # datagrams that answered nothing that was asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        raw = cast(socket.socket, transport.get_extra_info("socket"))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        waiting = self.waiting.get(int.from_bytes(data[:2], "big")) if len(data) >= 12 else None
        if waiting is None or waiting.reply.done():
            self.ignored += 1
            return
        if is_truncated(data):
            waiting.reply.set_result(None)
            return
        try:
            waiting.reply.set_result(parse(data, waiting.question))
        except MalformedError as error:
            waiting.malformed = str(error)  # perhaps forged: the true answer may still come

    def error_received(self, exc: Exception) -> None:
        """ICMP says that nobody listens there: no use in waiting."""
        for waiting in self.waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(NoAnswerError(Status.TIMEOUT, f"nobody listens there: {exc}"))

    def free_identity(self) -> int:
        while (identity := secrets.randbelow(1 << 16)) in self.waiting:
            pass
        return identity


class Upstream:
    """One server. Sockets open at the first question; `close` ends them."""

    def __init__(self, server: str, default_port: int = 53) -> None:
        self.host, self.port = endpoint(server, default_port)
        self.name = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        self._socket: _Socket | None = None
        self._retired: list[_Socket] = []
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._tcp_slots = asyncio.Semaphore(TCP_AT_ONCE)

    async def ask(self, question: Question, timeout: float) -> dns.message.Message:
        """The server's message; raises NoAnswerError after at most `timeout` seconds a transport."""
        async with self._slots:
            message = await self._by_udp(question, timeout)
        if message is not None:
            return message
        async with self._tcp_slots:
            return await self._by_tcp(question, timeout)

    async def _by_udp(self, question: Question, timeout: float) -> dns.message.Message | None:
        sock = await self._open()
        assert sock.transport is not None
        identity, ignored = sock.free_identity(), sock.ignored
        reply: asyncio.Future[dns.message.Message | None] = asyncio.get_running_loop().create_future()
        waiting = sock.waiting[identity] = _Waiting(question, reply)
        sock.questions += 1
        sock.transport.sendto(question.to_wire(identity))
        try:
            return await asyncio.wait_for(reply, timeout)
        except TimeoutError:
            if waiting.malformed:
                raise NoAnswerError(Status.SERVFAIL, waiting.malformed) from None
            strays = sock.ignored - ignored
            but = f", but {strays} datagrams that answer nothing we asked" if strays else ""
            raise NoAnswerError(Status.TIMEOUT, f"no answer within {timeout:g} s{but}") from None
        finally:
            del sock.waiting[identity]

    async def _open(self) -> _Socket:
        async with self._opening:
            if self._socket is not None and self._socket.questions >= QUESTIONS_A_SOCKET:
                self._retired.append(self._socket)
                self._socket = None
            self._sweep()
            if self._socket is None:
                try:
                    # Connected, so that the kernel drops other sources; it picks a random source port.
                    _, self._socket = await asyncio.get_running_loop().create_datagram_endpoint(
                        _Socket, remote_addr=(self.host, self.port)
                    )
                except OSError as error:
                    reason = error.strerror or str(error)
                    raise NoAnswerError(Status.TIMEOUT, f"cannot be reached: {reason}") from error
            return self._socket

    def _sweep(self) -> None:
        for sock in [s for s in self._retired if not s.waiting]:
            self._retired.remove(sock)
            if sock.transport is not None:
                sock.transport.close()

    async def _by_tcp(self, question: Question, timeout: float) -> dns.message.Message:
        identity = secrets.randbelow(1 << 16)
        try:
            async with asyncio.timeout(timeout):
                data = await _exchange(self.host, self.port, question.to_wire(identity))
        except TimeoutError:
            raise NoAnswerError(
                Status.TIMEOUT, f"truncated, and no answer by TCP within {timeout:g} s"
            ) from None
        except (OSError, EOFError) as error:
            raise NoAnswerError(Status.TIMEOUT, f"truncated, and TCP failed: {error}") from error
        if data[:2] != identity.to_bytes(2, "big"):
            raise NoAnswerError(Status.SERVFAIL, "malformed: the answer by TCP is to another question")
        try:
            return parse(data, question)
        except MalformedError as error:
            raise NoAnswerError(Status.SERVFAIL, str(error)) from error

    async def close(self) -> None:
        for sock in [*self._retired, *([self._socket] if self._socket else [])]:
            if sock.transport is not None:
                sock.transport.close()
        self._socket, self._retired = None, []
        await asyncio.sleep(0)  # lets the loop close the file descriptors


async def _exchange(host: str, port: int, query: bytes) -> bytes:
    """One question and one answer over TCP, each behind its length (RFC 7766 §8)."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    finally:
        writer.close()
        with contextlib.suppress(OSError):  # what the peer does with a connection we are done with
            await writer.wait_closed()
