"""Looking at SMTP hosts, against real servers with STARTTLS on loopback that behave well and badly."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from mailctl.edges.smtp_probe import MemoryProber, Probed, Prober, SmtpProber, Trouble, read_certificate
from mailctl.errors import BadInput
from mailctl.standards.dns import Address
from tests.edges.certificates import Authority

HOST = "mx1.client.example"
LOOPBACK = IPv4Address("127.0.0.1")


@dataclass
class Mta:
    """An SMTP server that says what it is told; with `context` it offers STARTTLS."""

    context: ssl.SSLContext | None = None
    greeting: bytes = b"220 mx1.client.example ESMTP\r\n"
    ehlo: bytes = b"250-mx1.client.example\r\n250-SIZE 10240000\r\n250 starttls\r\n"
    starttls: bytes = b"220 2.0.0 Ready\r\n"
    commands: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def __aenter__(self) -> "Mta":
        self._server = await asyncio.start_server(self._serve, str(LOOPBACK), 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, EOFError):  # the other side had enough
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting)
        while line := await reader.readline():
            self.commands.append(line.strip())
            verb = line.split()[0].upper()
            if verb == b"STARTTLS":
                writer.write(self.starttls)
                if not self.starttls.startswith(b"220"):
                    continue
                if self.context is None:
                    return
                await writer.start_tls(self.context)
            elif verb == b"EHLO":
                writer.write(self.ehlo)
            else:
                return


def probe(
    authority: Authority, mta: Mta, *, timeout: float = 5, addresses: tuple[Address, ...] = (LOOPBACK,)
) -> Probed:
    async def run() -> Probed:
        async with mta:
            prober = SmtpProber(ca_file=authority.ca_file, allow_private=True, timeout=timeout)
            return await prober.probe(HOST, addresses, mta.port)

    return asyncio.run(run())


def test_a_good_host(authority: Authority) -> None:
    mta = Mta(authority.server_context(HOST, "mx2.client.example", days=(-1, 40)))
    found = probe(authority, mta)
    assert (found.trouble, found.untrusted, found.name_matches, found.detail) == (None, "", True, "")
    assert found.extensions == ("SIZE", "STARTTLS")
    assert (found.protocol, bool(found.cipher), found.greeting) == (
        "TLSv1.3",
        True,
        "220 mx1.client.example ESMTP",
    )
    assert found.certificate is not None
    assert found.certificate.names == (HOST, "mx2.client.example")
    assert found.certificate.issuer == "CN=Test Authority"
    assert (found.certificate.not_after - found.certificate.not_before).days == 41
    assert mta.connections == 1
    assert mta.commands[:2] == [b"EHLO mailctl.invalid", b"STARTTLS"]


def test_the_whole_chain_is_seen_with_its_keys(authority: Authority) -> None:
    found = probe(authority, Mta(authority.server_context(HOST)))
    assert len(found.chain) == 2
    assert found.chain[1].der == read_certificate(found.chain[1].der).der
    assert found.chain[1].spki in found.chain[1].der
    assert found.chain[0].spki in found.chain[0].der


@pytest.mark.parametrize(
    ("kind", "untrusted", "matches"),
    [
        ("expired", "", True),
        ("not yet", "", True),
        ("wrong name", "", False),
        ("no names", "", False),
        ("two labels", "", False),
        ("self-signed", "self-signed certificate", True),
        ("another authority", "self-signed certificate in certificate chain", True),
    ],
)
def test_a_certificate_that_is_not_good_is_still_seen(
    authority: Authority, tmp_path: Path, kind: str, untrusted: str, matches: bool
) -> None:
    make = authority.server_context
    contexts: dict[str, Callable[[], ssl.SSLContext]] = {
        "expired": lambda: make(HOST, days=(-60, -1)),
        "not yet": lambda: make(HOST, days=(1, 60)),
        "wrong name": lambda: make("www.client.example"),
        "no names": lambda: make(HOST, no_names=True),
        "two labels": lambda: make("*.example"),
        "self-signed": lambda: make(HOST, self_signed=True),
        "another authority": lambda: Authority(tmp_path, "Another").server_context(HOST),
    }
    found = probe(authority, Mta(contexts[kind]()))
    assert (found.trouble, found.untrusted, found.name_matches) == (None, untrusted, matches)
    assert found.certificate is not None
    assert not found.no_authorities


def test_an_old_protocol_is_seen(authority: Authority) -> None:
    context = authority.server_context(HOST)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert probe(authority, Mta(context)).protocol == "TLSv1.2"


def test_a_host_without_starttls(authority: Authority) -> None:
    found = probe(authority, Mta(ehlo=b"250-mx1.client.example\r\n250 8BITMIME\r\n"))
    assert (found.trouble, found.extensions, found.chain) == (Trouble.NO_STARTTLS, ("8BITMIME",), ())


@pytest.mark.parametrize(
    ("mta", "trouble", "words"),
    [
        (Mta(greeting=b"554 5.7.1 Go away\r\n"), Trouble.TURNED_AWAY, "554 5.7.1 Go away"),
        (Mta(ehlo=b"502 what?\r\n"), Trouble.TURNED_AWAY, "to EHLO: 502 what?"),
        (Mta(starttls=b"454 4.7.0 TLS not available\r\n"), Trouble.TLS, "refused: 454"),
        (Mta(greeting=b"SSH-2.0-OpenSSH\r\n"), Trouble.BROKEN, "not an SMTP reply"),
        (Mta(greeting=b"220 " + b"x" * 20_000), Trouble.BROKEN, ""),
        (Mta(greeting=b"220-x\r\n" * 200), Trouble.BROKEN, "more than 100 lines"),
        (Mta(ehlo=b"", starttls=b""), Trouble.TIMEOUT, "within 0.3 s"),
        (Mta(greeting=b""), Trouble.TIMEOUT, "within 0.3 s"),
        (Mta(), Trouble.BROKEN, ""),  # cut after STARTTLS
    ],
)
def test_hosts_that_do_not_get_as_far_as_a_certificate(
    authority: Authority, mta: Mta, trouble: Trouble, words: str
) -> None:
    found = probe(authority, mta, timeout=0.3 if trouble is Trouble.TIMEOUT else 5)
    assert (found.trouble, found.chain) == (trouble, ())
    assert words in found.detail


def test_a_handshake_that_fails(authority: Authority) -> None:
    context = authority.server_context(HOST)
    context.verify_mode = ssl.CERT_REQUIRED  # wants a certificate of the client
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that the client hears of it within the handshake
    found = probe(authority, Mta(context))
    assert found.trouble in (Trouble.TLS, Trouble.BROKEN)
    assert found.detail


def test_the_next_address_is_tried_where_nobody_listens(authority: Authority) -> None:
    mta = Mta(authority.server_context(HOST))
    assert probe(authority, mta, addresses=(IPv4Address("127.0.0.2"), LOOPBACK)).address == "127.0.0.1"
    found = probe(authority, mta, addresses=(IPv4Address("127.0.0.2"),))
    assert (found.trouble, found.address) == (Trouble.REFUSED, "127.0.0.2")


def test_addresses_that_the_internet_cannot_reach_are_not_contacted() -> None:
    async def run() -> tuple[Probed, int]:
        async with Mta() as mta:
            return await SmtpProber().probe(HOST, [LOOPBACK], mta.port), mta.connections

    found, connections = asyncio.run(run())
    assert (found.trouble, connections) == (Trouble.PRIVATE, 0)
    assert found.detail == "127.0.0.1 is loopback (RFC 1122)"


def test_no_address_is_no_route() -> None:
    assert asyncio.run(SmtpProber().probe(HOST, [])).trouble is Trouble.NO_ROUTE


def test_a_host_is_contacted_once_whoever_asks(authority: Authority) -> None:
    async def run() -> tuple[list[Probed], int]:
        async with Mta(authority.server_context(HOST)) as mta:
            prober = SmtpProber(ca_file=authority.ca_file, allow_private=True)
            asked = [prober.probe(HOST, [LOOPBACK], mta.port) for _ in range(20)]
            return await asyncio.gather(*asked), mta.connections

    found, connections = asyncio.run(run())
    assert connections == 1
    assert set(found) == {found[0]}


def test_a_machine_without_authorities_says_so(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    async def run() -> Probed:
        async with Mta(authority.server_context(HOST)) as mta:
            return await SmtpProber(allow_private=True).probe(HOST, [LOOPBACK], mta.port)

    found = asyncio.run(run())
    assert (found.trouble, found.no_authorities, bool(found.untrusted)) == (None, True, True)


def test_a_name_that_tls_cannot_carry_is_an_answer_too(authority: Authority) -> None:
    async def run() -> Probed:
        async with Mta(authority.server_context(HOST)) as mta:
            return await SmtpProber(allow_private=True).probe("a..example", [LOOPBACK], mta.port)

    assert asyncio.run(run()).trouble is Trouble.BROKEN


def test_a_ca_file_that_cannot_be_used_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"ca\.pem cannot be used"):
        SmtpProber(ca_file=tmp_path / "ca.pem")


def test_bytes_that_are_no_certificate_are_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_certificate(b"\x30\x03\x02\x01\x01")


def test_the_twin_answers_as_it_was_told() -> None:
    twin = MemoryProber({HOST: Probed(HOST, protocol="TLSv1.3")})
    prober: Prober = twin
    assert asyncio.run(prober.probe(HOST, [LOOPBACK])).protocol == "TLSv1.3"
    assert asyncio.run(prober.probe("other.example", [LOOPBACK])).trouble is Trouble.REFUSED
    assert twin.asked == [HOST, "other.example"]
