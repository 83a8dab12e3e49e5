"""Fetching over HTTPS, against real TLS servers on loopback that behave well and badly."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from mailctl.edges.https import Fetched, Fetcher, HttpsFetcher, MemoryFetcher, Trouble
from mailctl.errors import BadInput
from mailctl.standards.dns import Address
from tests.edges.certificates import Authority

HOST, PATH = "mta-sts.client.example", "/.well-known/mta-sts.txt"
LOOPBACK = IPv4Address("127.0.0.1")
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes) -> Script:
    """A server that reads a request, sends `parts` and closes."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()

    return script


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


class Server:
    """Runs one script for each connection and counts them."""

    def __init__(self, script: Script, context: ssl.SSLContext | None) -> None:
        self._script, self._context = script, context
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> "Server":
        self._server = await asyncio.start_server(self._serve, str(LOOPBACK), 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._script(reader, writer)
            await writer.drain()
        except (OSError, EOFError):
            pass  # the other side had enough
        writer.close()


def fetch(
    authority: Authority,
    script: Script,
    *,
    context: ssl.SSLContext | None = None,
    plain: bool = False,
    addresses: tuple[Address, ...] = (LOOPBACK,),
    timeout: float = 5,
    max_bytes: int = 65_536,
    ca_file: Path | None = None,
) -> Fetched:
    if context is None and not plain:
        context = authority.server_context(HOST)

    async def run() -> Fetched:
        async with Server(script, context) as server:
            fetcher = HttpsFetcher(
                ca_file=ca_file or authority.ca_file, allow_private=True, timeout=timeout, port=server.port
            )
            return await fetcher.fetch(HOST, PATH, addresses, max_bytes=max_bytes)

    return asyncio.run(run())


def test_a_file_is_fetched(authority: Authority) -> None:
    asked: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response(b"version: STSv1\n", "Content-Type: text/plain; charset=utf-8"))

    found = fetch(authority, script)
    assert (found.status, found.body, found.content_type) == (
        200,
        b"version: STSv1\n",
        "text/plain; charset=utf-8",
    )
    assert (found.address, found.trouble, found.url) == ("127.0.0.1", None, f"https://{HOST}{PATH}")
    assert asked[0].startswith(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}:".encode())


@pytest.mark.parametrize(
    "parts",
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",),
        (b"HTTP/1.0 200 OK\r\n\r\nab", b"cde"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200\r\ncontent-length:5\r\n\r\nabcde",),
    ],
)
def test_every_way_to_send_a_body(authority: Authority, parts: tuple[bytes, ...]) -> None:
    assert fetch(authority, says(*parts)).body == b"abcde"


def test_a_server_that_keeps_the_connection_open_is_not_waited_for(authority: Authority) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(response(b"x"))(reader, writer)
        await reader.read()

    assert fetch(authority, script, timeout=3).body == b"x"


def test_a_redirect_is_told_and_not_followed(authority: Authority) -> None:
    there = "https://elsewhere.example/policy.txt"
    found = fetch(authority, says(response(b"", f"Location: {there}", status="302 Found")))
    assert (found.status, found.location, found.body) == (302, there, b"")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_body_is_cut_off(authority: Authority, chunked: bool) -> None:
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000000"
        writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + (b"3b9aca00\r\n" if chunked else b""))
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    found = fetch(authority, script)
    assert (found.too_large, len(found.body), found.trouble) == (True, 65_536, None)
    assert sent < 20_000_000


def test_a_body_of_80_kB_is_cut_off_at_64(authority: Authority) -> None:
    found = fetch(authority, says(response(b"x" * 80_000)))
    assert (found.too_large, len(found.body)) == (True, 65_536)


def test_a_body_of_exactly_the_limit_is_whole(authority: Authority) -> None:
    found = fetch(authority, says(response(b"x" * 65_536)))
    assert (found.too_large, len(found.body)) == (False, 65_536)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("wrong name", "mismatch"),
        ("expired", "expired"),
        ("not yet", "not yet valid"),
        ("self-signed", "self-signed"),
        ("no names", "mismatch"),
        ("another authority", "in certificate chain"),
    ],
)
def test_a_bad_certificate(authority: Authority, tmp_path: Path, kind: str, words: str) -> None:
    make = authority.server_context
    contexts: dict[str, Callable[[], ssl.SSLContext]] = {
        "wrong name": lambda: make("www.client.example"),
        "expired": lambda: make(HOST, days=(-60, -1)),
        "not yet": lambda: make(HOST, days=(1, 60)),
        "self-signed": lambda: make(HOST, self_signed=True),
        "no names": lambda: make(HOST, no_names=True),
        "another authority": lambda: Authority(tmp_path, "Another").server_context(HOST),
    }
    found = fetch(authority, says(response(b"x")), context=contexts[kind]())
    assert (found.status, found.trouble) == (0, Trouble.CERTIFICATE)
    assert words in found.detail


@pytest.mark.parametrize("name", ["*.client.example", HOST.upper()])
def test_a_wildcard_certificate_is_good(authority: Authority, name: str) -> None:
    assert fetch(authority, says(response(b"x")), context=authority.server_context(name)).status == 200


def test_a_server_without_tls(authority: Authority) -> None:
    assert fetch(authority, says(response(b"x")), plain=True, timeout=1).trouble in (
        Trouble.TLS,
        Trouble.TIMEOUT,
    )

    async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    assert fetch(authority, greets, plain=True).trouble is Trouble.TLS


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 40_000,
    ],
)
def test_what_is_no_whole_response(authority: Authority, part: bytes) -> None:
    found = fetch(authority, says(part))
    assert (found.trouble, found.body) == (Trouble.BROKEN, b"")
    assert found.detail


@pytest.mark.parametrize("moment", ["accept", "head", "body", "drip"])
def test_a_slow_server_ends_in_time(authority: Authority, moment: str) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if moment == "drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.write({"head": b"HTTP/1.1 200", "body": b"HTTP/1.1 200 OK\r\n\r\nx"}.get(moment, b""))
        await writer.drain()
        await reader.read()
        await asyncio.sleep(1)

    found = fetch(authority, script, plain=moment == "accept", timeout=0.4)
    assert (found.trouble, found.status) == (Trouble.TIMEOUT, 0)


def test_the_next_address_is_tried_where_nobody_listens(authority: Authority) -> None:
    addresses = (IPv4Address("127.0.0.2"), IPv6Address("::1"), LOOPBACK)
    found = fetch(authority, says(response(b"x")), addresses=addresses)
    assert (found.status, found.address) == (200, "127.0.0.1")
    found = fetch(authority, says(response(b"x")), addresses=addresses[:1])
    assert (found.trouble, found.address) == (Trouble.REFUSED, "127.0.0.2")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
def test_addresses_that_the_internet_cannot_reach_are_not_contacted(
    authority: Authority, address: str
) -> None:
    async def run() -> tuple[Fetched, int]:
        async with Server(says(response(b"x")), authority.server_context(HOST)) as server:
            fetcher = HttpsFetcher(ca_file=authority.ca_file, port=server.port, timeout=1)
            return await fetcher.fetch(HOST, PATH, [IPv4Address(address)]), server.connections

    found, connections = asyncio.run(run())
    assert (found.trouble, connections) == (Trouble.PRIVATE, 0)
    assert address in found.detail


def test_no_address_is_no_route() -> None:
    assert asyncio.run(HttpsFetcher().fetch(HOST, PATH, [])).trouble is Trouble.NO_ROUTE


def test_proxies_of_the_environment_are_not_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fetch(authority, says(response(b"x"))).status == 200


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"ca\.pem cannot be used"):
        HttpsFetcher(ca_file=path)


@pytest.mark.parametrize(("host", "path"), [("a.example\r\nX: y", "/"), ("a.example", "/ HTTP/1.1\r\nX: y")])
def test_nothing_can_be_slipped_into_a_request(host: str, path: str) -> None:
    with pytest.raises(ValueError, match="cannot be asked for"):
        asyncio.run(HttpsFetcher().fetch(host, path, [LOOPBACK]))


def test_a_name_that_tls_cannot_carry_is_an_answer_too(authority: Authority) -> None:
    async def run() -> Fetched:
        async with Server(says(response(b"x")), authority.server_context(HOST)) as server:
            return await HttpsFetcher(allow_private=True, port=server.port).fetch(
                "a..example", PATH, [LOOPBACK]
            )

    assert asyncio.run(run()).trouble is Trouble.BROKEN


def test_a_machine_without_authorities_does_not_blame_the_host(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    async def run() -> Fetched:
        async with Server(says(response(b"x")), authority.server_context(HOST)) as server:
            fetcher = HttpsFetcher(allow_private=True, port=server.port)
            return await fetcher.fetch(HOST, PATH, [LOOPBACK])

    found = asyncio.run(run())
    assert (found.trouble, found.detail) == (Trouble.NO_TRUST, "this machine has no certificate authorities")


def test_the_twin_answers_as_it_was_told() -> None:
    url = f"https://{HOST}{PATH}"
    twin = MemoryFetcher({url: b"x" * 70_000})
    fetcher: Fetcher = twin
    found = asyncio.run(fetcher.fetch(HOST, PATH, [LOOPBACK]))
    assert (found.status, len(found.body), found.too_large, found.address) == (200, 65_536, True, "127.0.0.1")
    assert asyncio.run(fetcher.fetch("other.example", PATH, [LOOPBACK])).trouble is Trouble.REFUSED
    assert twin.asked == [url, f"https://other.example{PATH}"]
