"""Fetch one small file over HTTPS, from addresses that were resolved and vetted before.

Promise: connects to the given addresses and to no other; the certificate is verified for `host`; no redirect is
followed, no proxy of the environment is used, and no more than `max_bytes` of a body are kept. Whatever the other
side does is a `Fetched`, never an exception, and it comes within the timeout.
"""

import asyncio
import errno
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol

from mailctl import trust
from mailctl.standards.dns import Address
from mailctl.standards.reachable import sift

_ADDRESSES = 4  # that are tried at most
_HEAD = 16_384  # bytes of status line and headers
_PIECE = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?")
_REQUEST_PART = re.compile(r"[\x21-\x7e]+")
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}


class Trouble(StrEnum):
    """Why there is no response."""

    PRIVATE = "private"  # every address is one that nobody on the Internet can reach; not contacted
    REFUSED = "refused"  # the host is there and does not listen
    NO_ROUTE = "no-route"  # this machine cannot get there
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"  # it cannot be verified for the host
    TLS = "tls"  # the handshake failed for another reason
    BROKEN = "broken"  # the connection was cut, or what came is no HTTP
    NO_TRUST = "no-trust"  # this machine has no certificate authorities to verify with


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. `status` is 0 where there was no response; then `trouble` says why."""

    host: str
    path: str
    address: str = ""
    status: int = 0
    content_type: str = ""  # as it was sent: "text/plain; charset=utf-8"
    location: str = ""  # of a redirect, which was not followed
    body: bytes = b""
    too_large: bool = False  # there was more than `max_bytes`; `body` holds what was read
    trouble: Trouble | None = None
    detail: str = ""

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}"


class Fetcher(Protocol):
    """What `HttpsFetcher` and `MemoryFetcher` both are."""

    async def fetch(
        self, host: str, path: str, addresses: Sequence[Address], *, max_bytes: int = 65_536
    ) -> Fetched: ...


class MemoryFetcher:
    """The twin: answers from `responses`, by URL; what is not there refuses the connection."""

    def __init__(self, responses: Mapping[str, Fetched | bytes] | None = None) -> None:
        self.responses = dict(responses or {})
        self.asked: list[str] = []

    async def fetch(
        self, host: str, path: str, addresses: Sequence[Address], *, max_bytes: int = 65_536
    ) -> Fetched:
        blank = Fetched(host, path, str(addresses[0]) if addresses else "")
        self.asked.append(blank.url)
        response = self.responses.get(blank.url)
        if response is None:
            return replace(blank, trouble=Trouble.REFUSED, detail="nothing listens there")
        if isinstance(response, bytes):
            response = replace(blank, status=200, content_type="text/plain", body=response)
        large = len(response.body) > max_bytes
        return replace(
            response,
            host=host,
            path=path,
            address=response.address or blank.address,
            body=response.body[:max_bytes],
            too_large=response.too_large or large,
        )


class HttpsFetcher:
    """The real one. `timeout` is for the whole fetch, in seconds; `ca_file` is trusted beside the system's.

    With `allow_private`, addresses that the Internet cannot reach are contacted too: for laboratories. Raises
    BadInput for a `ca_file` that cannot be used; `fetch` raises ValueError for a host or path with white space.
    """

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        allow_private: bool = False,
        timeout: float = 5.0,
        port: int = 443,
    ) -> None:
        self._ca_file = ca_file
        self._allow_private = allow_private
        self._timeout = timeout
        self._port = port
        if ca_file is not None:
            self._context  # noqa: B018 - a file that cannot be used is refused here and now

    @cached_property
    def _context(self) -> ssl.SSLContext:
        # Reading the system's authorities takes 50 ms: only where something is fetched.
        return trust.verifying_context(self._ca_file)

    async def fetch(
        self, host: str, path: str, addresses: Sequence[Address], *, max_bytes: int = 65_536
    ) -> Fetched:
        if not _REQUEST_PART.fullmatch(host) or not _REQUEST_PART.fullmatch(path):
            raise ValueError(f"cannot be asked for: {host!r} {path!r}")
        blank = Fetched(host, path)
        allowed, refused = sift(addresses, allow_private=self._allow_private)
        if not allowed:
            trouble = Trouble.PRIVATE if refused else Trouble.NO_ROUTE
            return replace(blank, trouble=trouble, detail="; ".join(refused) or "it has no address")
        try:
            async with asyncio.timeout(self._timeout):
                return await self._try_each(blank, allowed[:_ADDRESSES], max_bytes)
        except TimeoutError:
            detail = f"no complete answer within {self._timeout:g} s"
            return replace(blank, address=str(allowed[0]), trouble=Trouble.TIMEOUT, detail=detail)

    async def _try_each(self, blank: Fetched, addresses: Sequence[Address], max_bytes: int) -> Fetched:
        """The first that lets us in; where none does, what the first one did."""
        patience = self._timeout / len(addresses)
        failures = []
        for address in addresses:
            here = replace(blank, address=str(address))
            try:
                async with asyncio.timeout(patience):
                    reader, writer = await self._connect(here)
            except (OSError, EOFError, ValueError) as error:  # ValueError: a host that TLS cannot name
                failure = self._failure(here, error)
                if failure.trouble not in (Trouble.REFUSED, Trouble.NO_ROUTE, Trouble.TIMEOUT):
                    return failure
                failures.append(failure)
                continue
            try:
                return await _exchange(reader, writer, here, self._port, max_bytes)
            except (ssl.SSLError, ConnectionError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
                return replace(here, trouble=Trouble.BROKEN, detail=str(error) or type(error).__name__)
            finally:
                writer.transport.abort()
        return failures[0]

    async def _connect(self, here: Fetched) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            here.address, self._port, ssl=self._context, server_hostname=here.host, limit=_HEAD
        )

    def _failure(self, here: Fetched, error: Exception) -> Fetched:
        """What an exception of connecting means."""
        detail = getattr(error, "strerror", "") or str(error) or type(error).__name__
        match error:
            case ssl.SSLCertVerificationError():
                known = trust.has_authorities(self._context)
                trouble = Trouble.CERTIFICATE if known else Trouble.NO_TRUST
                detail = error.verify_message if known else "this machine has no certificate authorities"
            case ssl.SSLEOFError() | ConnectionResetError() | EOFError():
                trouble = Trouble.BROKEN
            case ssl.SSLError():
                trouble, detail = Trouble.TLS, error.reason or detail
            case ConnectionRefusedError():
                trouble, detail = Trouble.REFUSED, "connection refused"
            case TimeoutError():
                trouble, detail = Trouble.TIMEOUT, "no connection in time"
            case OSError() if error.errno in _NO_ROUTE:
                trouble = Trouble.NO_ROUTE
            case _:
                trouble = Trouble.BROKEN
        return replace(here, trouble=trouble, detail=detail)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, here: Fetched, port: int, max_bytes: int
) -> Fetched:
    """One request and its response (RFC 9112). ValueError for what is no HTTP."""
    host = here.host if port == 443 else f"{here.host}:{port}"
    lines = [
        f"GET {here.path} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: mailctl",
        "Accept: text/plain, */*;q=0.5",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii"))
    status, headers = await _head(reader)
    while 100 <= status < 200:  # RFC 9110 §15.2: interim responses
        status, headers = await _head(reader)
    found = replace(
        here,
        status=status,
        content_type=headers.get("content-type", ""),
        location=headers.get("location", ""),
    )
    if status != 200:
        return found
    body = bytearray()
    async for piece in _pieces(reader, headers):
        body += piece
        if len(body) > max_bytes:
            return replace(found, body=bytes(body[:max_bytes]), too_large=True)
    return replace(found, body=bytes(body))


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """The status and the headers; of a repeated header the first."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise ValueError(f"not an HTTP/1.1 response: {first[:40]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return int(status.group(1)), headers


async def _pieces(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The body as it comes (RFC 9112 §6): chunked, with a length, or up to the end of the connection."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := _chunk_size(await reader.readline()):
            async for piece in _exactly(reader, size):
                yield piece
            await reader.readexactly(2)
    elif "content-length" in headers:
        length = headers["content-length"]
        if not length.isascii() or not length.isdecimal() or len(length) > 18:
            raise ValueError(f"a length that is no number: {length[:40]!a}")
        async for piece in _exactly(reader, int(length)):
            yield piece
    else:
        while piece := await reader.read(_PIECE):
            yield piece


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.readexactly(min(size, _PIECE))
        size -= len(piece)
        yield piece


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not _HEX.fullmatch(digits):
        raise ValueError(f"a chunk without a size: {line[:40]!r}")
    return int(digits, 16)
