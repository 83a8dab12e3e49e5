"""One upstream name server: many questions in flight over one UDP socket, TCP for what does not fit.

Promise: an answer is taken only from the server's own address (the socket is connected), with the id and the
question that were sent; anything else is counted and ignored. Every wait ends within its timeout. Silence,
an unreachable network and malformed answers are raised as `NoAnswerError`.
"""

import asyncio
import contextlib
import errno
import secrets
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from mailctl.edges.resolver.wire import MalformedError, Question, Reading, is_truncated, read
from mailctl.standards.dns import Status

IN_FLIGHT = 256  # questions at once to one server; more only overflow its receive buffer
TCP_AT_ONCE = 16
QUESTIONS_A_SOCKET = 2000  # then a new one, so that the source port does not become known (RFC 5452 §9.2)
# How the detail of a timeout starts where nothing came, and where this host cannot even send.
SILENT = "no answer within"
UNREACHABLE = "no route"
_RECEIVE_BUFFER = 1 << 20
_AT_ONCE = 64  # datagrams read before others get their turn
_LARGEST = 65_535
# EINVAL: a link-local address, which means nothing without an interface.
_NO_ROUTE = (
    errno.EINVAL,
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.ENETDOWN,
)


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
    reply: "asyncio.Future[Reading | None]"  # None: truncated, ask by TCP
    malformed: str = ""  # why something with the right id was ignored

    def fail(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)


class _Socket:
    """A connected UDP socket; matches answers to the questions that wait for them.

    It reads the socket itself and not as an asyncio protocol, since that wakes the loop for every datagram.
    """

    def __init__(self, host: str, port: int, server: str) -> None:
        self.waiting: dict[int, _Waiting] = {}
        self.questions = 0
        self.ignored = 0  # datagrams that answered nothing that was asked
        self._server = server
        self._loop = asyncio.get_running_loop()
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
        self._raw = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._raw.setblocking(False)
            self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            # Connected, so that the kernel drops other sources; it picks a random source port.
            self._raw.connect(address)
        except OSError:
            self._raw.close()
            raise
        self._loop.add_reader(self._raw, self._readable)

    def send(self, waiting: _Waiting) -> int:
        """Send a question under a new random id, which is returned; the answer comes to `waiting.reply`."""
        while (identity := secrets.randbelow(1 << 16)) in self.waiting:
            pass
        self.waiting[identity] = waiting
        self.questions += 1
        try:
            self._raw.send(waiting.question.to_wire(identity))
        except BlockingIOError:
            pass  # as good as lost on the way: it is sent again after the timeout
        except OSError as error:
            waiting.fail(_why(error))
        return identity

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data = self._raw.recv(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # ICMP says that nobody listens there: no use in waiting
                for waiting in self.waiting.values():
                    waiting.fail(_why(error))
                return
            self._received(data)

    def _received(self, data: bytes) -> None:
        waiting = self.waiting.get(int.from_bytes(data[:2], "big")) if len(data) >= 12 else None
        if waiting is None or waiting.reply.done():
            self.ignored += 1
            return
        if is_truncated(data):
            waiting.reply.set_result(None)
            return
        try:
            waiting.reply.set_result(read(data, waiting.question, self._server))
        except MalformedError as error:
            waiting.malformed = str(error)  # perhaps forged: the true answer may still come

    def close(self) -> None:
        if self._raw.fileno() >= 0:
            self._loop.remove_reader(self._raw)
            self._raw.close()


class Upstream:
    """One server. Sockets open at the first question; `close` ends them."""

    def __init__(self, server: str, default_port: int = 53) -> None:
        self.host, self.port = endpoint(server, default_port)
        self.name = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        self._socket: _Socket | None = None
        self._retired: list[_Socket] = []
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._tcp_slots = asyncio.Semaphore(TCP_AT_ONCE)

    async def ask(self, question: Question, timeout: float) -> Reading:
        """What the server says; raises NoAnswerError after at most `timeout` seconds a transport."""
        async with self._slots:
            reading = await self._by_udp(question, timeout)
        if reading is not None:
            return reading
        async with self._tcp_slots:
            return await self._by_tcp(question, timeout)

    async def _by_udp(self, question: Question, timeout: float) -> Reading | None:
        sock = self._open()
        ignored = sock.ignored
        loop = asyncio.get_running_loop()
        waiting = _Waiting(question, loop.create_future())
        timer = loop.call_later(timeout, waiting.fail, TimeoutError())
        identity = sock.send(waiting)
        try:
            return await waiting.reply
        except TimeoutError:
            if waiting.malformed:
                raise NoAnswerError(Status.SERVFAIL, waiting.malformed) from None
            strays = sock.ignored - ignored
            but = f", but {strays} datagrams that answer nothing we asked" if strays else ""
            raise NoAnswerError(Status.TIMEOUT, f"{SILENT} {timeout:g} s{but}") from None
        finally:
            timer.cancel()
            del sock.waiting[identity]

    def _open(self) -> _Socket:
        if self._socket is not None and self._socket.questions < QUESTIONS_A_SOCKET:
            return self._socket
        if self._socket is not None:
            self._retired.append(self._socket)
            self._socket = None
        for sock in [s for s in self._retired if not s.waiting]:
            self._retired.remove(sock)
            sock.close()
        try:
            self._socket = _Socket(self.host, self.port, self.name)
        except OSError as error:
            raise _why(error) from error
        return self._socket

    async def _by_tcp(self, question: Question, timeout: float) -> Reading:
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
            return read(data, question, self.name)
        except MalformedError as error:
            raise NoAnswerError(Status.SERVFAIL, str(error)) from error

    def close(self) -> None:
        for sock in [*self._retired, *([self._socket] if self._socket else [])]:
            sock.close()
        self._socket, self._retired = None, []


def _why(error: OSError) -> NoAnswerError:
    """What an error of the socket says about the server."""
    reason = error.strerror or str(error)
    if error.errno == errno.ECONNREFUSED:
        return NoAnswerError(Status.TIMEOUT, f"nobody listens there: {reason}")
    if error.errno in _NO_ROUTE:
        return NoAnswerError(Status.TIMEOUT, f"{UNREACHABLE}: {reason}")
    return NoAnswerError(Status.TIMEOUT, f"cannot be reached: {reason}")


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
