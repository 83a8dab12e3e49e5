"""The outside world that an operation on a domain works with, passed in as one value.

Promise: everything that the flows in this package touch beyond their arguments is a field here, so a test builds
the same value out of in-memory twins; `wire` builds the real one from the settings.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailctl.edges.host import Host, RealHost
from mailctl.edges.key_files import KeyFiles, KeyStore
from mailctl.edges.publisher import Publisher
from mailctl.edges.resolver import DnsClient, Resolver, system_nameservers
from mailctl.errors import BadInput, Undetermined
from mailctl.settings import Settings
from mailctl.standards import dkim
from mailctl.standards.dns import Answer
from mailctl.store import Store, open_store

MANUAL = "manual"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Wiring:
    """`publisher` is None where a person publishes by hand; `new_key` makes a private key, PEM."""

    settings: Settings
    store: Store
    keys: KeyStore
    host: Host
    resolver: DnsClient
    publisher: Publisher | None
    now: Callable[[], datetime] = utc_now
    new_key: Callable[[dkim.Algorithm], bytes] = dkim.generate


@asynccontextmanager
async def wire(settings: Settings, *, publisher: str | None = None) -> AsyncIterator[Wiring]:
    """The real thing. `publisher` overrides the settings' `dns.publisher`.

    Without any name server it still serves whoever asks the DNS nothing; the first question raises `Undetermined`.
    """
    with open_store(settings.store.url) as store:
        async with AsyncExitStack() as open_until_then:
            resolver: DnsClient
            try:
                resolver = await open_until_then.enter_async_context(make_resolver(settings))
            except Undetermined as error:
                resolver = NobodyToAsk(error)
            yield Wiring(
                settings=settings,
                store=store,
                keys=KeyFiles(settings.state_dir / "keys"),
                host=RealHost(),
                resolver=resolver,
                publisher=make_publisher(settings, publisher or settings.dns.publisher),
            )


class NobodyToAsk:
    """The resolver of a machine that knows no name server: every question raises `error`."""

    def __init__(self, error: Undetermined) -> None:
        self._error = error

    async def __call__(self, name: str, rdtype: str) -> Answer:  # noqa: ARG002
        raise self._error

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:  # noqa: ARG002  # fmt: skip
        raise self._error

    async def zone_cut(self, name: str) -> str:  # noqa: ARG002
        raise self._error

    def flush(self) -> None:
        """Nothing was ever answered."""


def make_resolver(settings: Settings) -> Resolver:
    """The resolver of the settings; raises `Undetermined` where there is no name server to ask."""
    return Resolver(
        settings.dns.nameservers or system_nameservers(),
        trust_ad=settings.trust.ad,
        authoritative_port=settings.dns.authoritative_port,
    )


def make_publisher(settings: Settings, name: str) -> Publisher | None:
    """The publisher that `name` means: None for "manual"; raises BadInput with what its settings lack."""
    dns = settings.dns
    if name == MANUAL:
        return None
    if name == "rfc2136":
        from mailctl.edges.rfc2136 import Rfc2136Publisher

        missing = [key for key in ("server", "tsig_name") if getattr(dns, key) is None]
        secret = dns.tsig_key()
        if secret is None:
            missing.append("tsig_secret_file")
        if dns.server is None or dns.tsig_name is None or secret is None:
            raise BadInput(
                "DNS updates by rfc2136 need more settings",
                details=[f"dns.{key} is not set" for key in missing],
                hint="set them in mailctl.toml or as MAILCTL_DNS__…",
            )
        return Rfc2136Publisher(dns.server, dns.tsig_name, secret, algorithm=dns.tsig_algorithm)
    from mailctl.edges.lexicon import LexiconPublisher

    return LexiconPublisher(name, {key: value.get_secret_value() for key, value in dns.options.items()})


def key_directory(settings: Settings) -> Path:
    return settings.state_dir / "keys"
