"""Fetch one small file over HTTPS, from addresses that were resolved and vetted before.

Promise: connects to the given addresses and to no other; the certificate is verified for `host`; no redirect is
followed, no proxy of the environment is used, and no more than `max_bytes` of a body are kept. Whatever the other
side does is a `Fetched`, never an exception, and it comes within the timeout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from mailctl.standards.dns import Address


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
