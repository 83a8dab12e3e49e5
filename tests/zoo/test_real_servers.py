"""The checks before real servers: Knot with signed zones, Unbound that validates, HTTPS and SMTP hosts with STARTTLS.

Everything is on loopback, at ports of its own; the root, its key and the certificates are made here.
"""

import asyncio
import hashlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailctl.domains.checks.engine import verify_many
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Report
from mailctl.edges.https import HttpsFetcher
from mailctl.edges.resolver import Resolver
from mailctl.edges.smtp_probe import Probed, Prober, SmtpProber
from mailctl.standards.dns import Address
from tests.edges.certificates import Authority
from tests.edges.knot import knotd, serving_files
from tests.zoo.kinds import rsa
from tests.zoo.signed import Key, Unbound, signed, tampered, text, unbound, unsigned, validating
from tests.zoo.world import told

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("zoo"),
    pytest.mark.skipif(knotd() is None or unbound() is None, reason="apt-get install knot unbound"),
]
SECURE = ("secure", "mismatch", "foreign", "forged-tlsa", "quiet")  # signed, and the parent says so
BOGUS = ("expired", "forged", "wrong-ds", "forged-txt")
UNSIGNED = ("unsigned", "island", "by-hand")
MTAS = {
    "good": ("secure", "mismatch", "forged-tlsa", "forged-txt", "by-hand"),
    "expired": ("unsigned",),
    "wrong-name": ("island",),
}
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: *.{}\r\nmax_age: 604800\r\n"


def lines(*, mx: str = "mx", address: str = "127.0.0.1") -> str:
    """A domain in order, as lines of its zone file."""
    key = rsa(2048)
    return (
        f"@ MX 10 {mx}\nmx A {address}\n"
        '@ TXT "v=spf1 mx -all"\n_dmarc TXT "v=DMARC1; p=reject"\n'
        f's1._domainkey TXT "{key[:200]}" "{key[200:]}"\n'
    )


ANNOUNCED = '_mta-sts TXT "v=STSv1; id=1"\nmta-sts A 127.0.0.1\n'


def spki_hash(pem: Path) -> str:
    """The data of a TLSA record 3 1 1 of the first certificate in a file."""
    key = x509.load_pem_x509_certificates(pem.read_bytes())[0].public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


@dataclass(frozen=True)
class Certificates:
    """`files` by kind of mail host, and the one of the policy host."""

    authority: Authority
    files: Mapping[str, Path]
    web: Path

    def tlsa(self, kind: str) -> str:
        return f"_25._tcp.mx TLSA 3 1 1 {spki_hash(self.files[kind])}\n"


def make_certificates(folder: Path) -> Certificates:
    authority = Authority(folder)
    names = {kind: [f"mx.{label}.example" for label in labels] for kind, labels in MTAS.items()}
    files = {
        "good": authority.issue(*names["good"]),
        "expired": authority.issue(*names["expired"], days=(-60, -1)),
        "wrong-name": authority.issue("mx.elsewhere.example"),
    }
    web = authority.issue("mta-sts.secure.example", "mta-sts.mismatch.example")
    return Certificates(authority, files, web)


def zone_files(certificates: Certificates) -> tuple[dict[str, str], str]:
    """The text of every zone, and the DS record of the root."""
    good, keys = (
        certificates.tlsa("good"),
        {label: Key() for label in (*SECURE, *BOGUS, "island", "", "example")},
    )
    contents = {
        "secure": lines() + ANNOUNCED + good,
        "mismatch": lines() + ANNOUNCED + f"_25._tcp.mx TLSA 3 1 1 {'ab' * 32}\n",
        "foreign": lines(mx="mx.unsigned.example."),
        "forged-tlsa": lines() + good,
        "quiet": lines(address="192.0.2.10"),
        "unsigned": lines() + certificates.tlsa("expired"),
        "island": lines() + ANNOUNCED,
        **{label: lines() for label in BOGUS},
    }
    zones = {
        label: unsigned(f"{label}.example", body)
        if label in UNSIGNED and label != "island"
        else signed(f"{label}.example", body, keys[label], expired=label == "expired")
        for label, body in contents.items()
    }
    tampered(zones["forged"], lambda _, __: True)
    tampered(zones["forged-txt"], lambda owner, kind: kind == "TXT" and owner == "forged-txt.example")
    tampered(zones["forged-tlsa"], lambda _, kind: kind == "TLSA")
    cuts = "".join(
        f"{label} NS ns1.{label}\n{label} NS ns2.{label}\n" for label in (*zones, "by-hand", "dead")
    )
    for label in (*SECURE, *BOGUS):
        owner = Key() if label == "wrong-ds" else keys[label]
        cuts += f"{label} DS {owner.ds(f'{label}.example')}\n"
    files = {f"{label}.example": text(zone) for label, zone in zones.items()}
    files["example"] = text(signed("example", cuts, keys["example"]))
    files[""] = text(
        signed("", f"example. NS ns1.example.\nexample. DS {keys['example'].ds('example')}\n", keys[""])
    )
    files["by-hand.example"] = by_hand()
    files["dead.example"] = ""  # Knot answers SERVFAIL for a zone that it could not load
    return files, f". IN DS {keys[''].ds('')}"


def by_hand() -> str:
    """A zone that no library writes: strings that join without a space, and a TLSA record that is too short."""
    body = lines().replace('"v=spf1 mx -all"', '"v=spf1 ip4:127.0.0.1" "ip4:192.0.2.2 -all"')
    head = (
        "$ORIGIN by-hand.example.\n$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n@ NS ns2\n"
    )
    return f"{head}ns1 A 127.0.0.1\nns2 A 127.0.0.2\n{body}_25._tcp.mx TLSA 3 1 1 abcdef\n"


@dataclass(frozen=True)
class Internet:
    resolver: Unbound
    certificates: Certificates


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """Knot and Unbound, with all zones."""
    certificates = make_certificates(tmp_path_factory.mktemp("certificates"))
    files, anchor = zone_files(certificates)
    with ExitStack() as stack:
        knot = stack.enter_context(serving_files(files))
        folder = tmp_path_factory.mktemp("unbound")
        resolver = stack.enter_context(validating(folder, anchor, dict.fromkeys(files, knot.port)))
        yield Internet(resolver, certificates)


class Rerouted:
    """A prober that finds port 25 of each host at another port."""

    def __init__(self, prober: Prober, ports: Mapping[str, int]) -> None:
        self._prober, self._ports = prober, ports

    async def probe(self, host: str, addresses: Sequence[Address], port: int = 25) -> Probed:
        return await self._prober.probe(host, addresses, self._ports[host])


def context_of(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@asynccontextmanager
async def mail_hosts(certificates: Certificates) -> AsyncIterator[Mapping[str, int]]:
    """aiosmtpd with STARTTLS, once for each kind of certificate; the port of each mail host."""
    loop, ports = asyncio.get_running_loop(), dict[str, int]()
    async with AsyncExitStack() as stack:
        for kind, labels in MTAS.items():
            context = context_of(certificates.files[kind])
            server = await loop.create_server(
                lambda context=context: SMTP(object(), hostname="mx.example", tls_context=context, loop=loop),  # type: ignore[misc]
                "127.0.0.1",
                0,
            )
            stack.callback(server.close)
            ports |= {f"mx.{label}.example": server.sockets[0].getsockname()[1] for label in labels}
        yield ports


@asynccontextmanager
async def policy_host(certificates: Certificates) -> AsyncIterator[int]:
    """An HTTPS server with the MTA-STS policy of each domain; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (OSError, EOFError):
            return  # it did not like the certificate
        host = next(line for line in request.split("\r\n") if line.startswith("Host: "))
        body = POLICY.format(host.removeprefix("Host: mta-sts.").partition(":")[0])
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(f"{head}{body}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context_of(certificates.web))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _look(internet: Internet, *, trusted: bool) -> dict[str, Report]:
    certificates = internet.certificates
    lab = {"ca_file": certificates.authority.ca_file, "allow_private": True}
    labels = (*SECURE, *BOGUS, *UNSIGNED, "dead", "nowhere")
    async with AsyncExitStack() as stack:
        ports = await stack.enter_async_context(mail_hosts(certificates))
        web = await stack.enter_async_context(policy_host(certificates))
        resolver = Resolver([internet.resolver.address], trust_ad=trusted)
        dns = await stack.enter_async_context(resolver)
        tools = Tools(
            dns,
            datetime.now(UTC),
            https=HttpsFetcher(port=web, **lab),  # type: ignore[arg-type]
            smtp=Rerouted(SmtpProber(**lab), ports) if trusted else None,  # type: ignore[arg-type]
            trust_ad=trusted,
            allow_private=True,
        )
        targets = [Target(f"{label}.example", selectors=("s1",)) for label in labels if label != "quiet"]
        return {report.domain: report async for report in verify_many(targets, tools)}


@pytest.fixture(scope="module")
def trusted(internet: Internet) -> Mapping[str, Report]:
    """All domains, by a resolver whose word counts; mail hosts are contacted."""
    return asyncio.run(_look(internet, trusted=True))


@pytest.fixture(scope="module")
def doubted(internet: Internet) -> Mapping[str, Report]:
    """All domains, by a resolver whose word does not count."""
    return asyncio.run(_look(internet, trusted=False))


def ids(report: Report, *areas: str) -> list[str]:
    return sorted(f"{one.id} {one.severity}" for one in report.findings if one.area in areas)


FAULTS = {
    "secure": [],
    "mismatch": ["dane.mismatch error"],
    "foreign": ["dane.insecure warning", "tls.certificate-expired warning"],
    "forged-tlsa": ["dane.unknown unknown"],
    "unsigned": ["dane.insecure warning", "tls.certificate-expired warning"],
    "island": ["mtasts.certificate error", "tls.certificate-name warning"],
    "by-hand": ["dane.record-invalid error", "spf.joined-without-space error"],
    "expired": ["dnssec.bogus error"],
    "forged": ["dnssec.bogus error"],
    "forged-txt": ["dnssec.bogus error"],
    "wrong-ds": ["dnssec.bogus error"],
    "dead": ["domain.unknown unknown"],
    "nowhere": ["domain.does-not-exist error"],
}


@pytest.mark.parametrize("label", FAULTS)
def test_what_is_wrong_is_told_and_nothing_else(trusted: Mapping[str, Report], label: str) -> None:
    report = trusted[f"{label}.example"]
    assert told(report) == FAULTS[label], [(one.id, one.message) for one in report.findings]


def test_a_secure_domain_is_secure_by_the_word_of_a_trusted_resolver_alone(
    trusted: Mapping[str, Report], doubted: Mapping[str, Report]
) -> None:
    name = "secure.example"
    assert ids(trusted[name], "dnssec", "dane", "mtasts") == ["dane.ok ok", "dnssec.ok ok", "mtasts.ok ok"]
    assert ids(doubted[name], "dnssec") == ["dnssec.not-proven info"]
    assert ids(doubted[name], "dane") == ["dane.not-validated info", "dane.ok ok"]


@pytest.mark.parametrize(
    ("label", "finding"), [("unsigned", "dnssec.unsigned info"), ("island", "dnssec.island info")]
)
def test_nobody_vouches_for_a_zone_that_the_parent_does_not_sign(
    trusted: Mapping[str, Report], doubted: Mapping[str, Report], label: str, finding: str
) -> None:
    for reports in (trusted, doubted):
        assert ids(reports[f"{label}.example"], "dnssec") == [finding]


@pytest.mark.parametrize("label", BOGUS)
def test_bogus_is_told_from_dead_by_asking_without_checks(doubted: Mapping[str, Report], label: str) -> None:
    """It answers with CD=1, and says why it does not without (RFC 8914)."""
    report = doubted[f"{label}.example"]
    assert told(report) == ["dnssec.bogus error"]
    (finding,) = [one for one in report.findings if one.id == "dnssec.bogus"]
    assert "bogus" in finding.evidence[0].answer
    assert finding.evidence[0].server.startswith("127.0.0.1:")


def verify(internet: Internet, state: Path, *arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
    """`mailctl verify` as it is typed; the exit code, and a report by domain."""
    command = [sys.executable, "-m", "mailctl", "verify", *arguments, "--format", "jsonl", "--trust-ad"]
    command += ["--nameserver", internet.resolver.address, "--selector", "s1"]
    environment = {**os.environ, "MAILCTL_STATE_DIR": str(state)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {str(report["domain"]): report for report in reports}


@pytest.mark.parametrize(
    ("domain", "code", "verdict"), [("quiet", 0, "ok"), ("forged", 1, "error"), ("dead", 3, "unknown")]
)
def test_the_command_says_the_same(
    internet: Internet, tmp_path: Path, domain: str, code: int, verdict: str
) -> None:
    name = f"{domain}.example"
    ended, reports = verify(internet, tmp_path, name)
    assert (ended, reports[name]["verdict"]) == (code, verdict), reports[name]["findings"]
