"""From what somebody asked for to what is checked, and with which tools.

Promise: every word that cannot be used is named at once, before anything is asked. The store, and with it every
database library, is imported only where there is one already.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mailctl.domains.checks.engine import Check
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.inventory import check_id, checked_name, read_inventory
from mailctl.edges.https import HttpsFetcher
from mailctl.edges.resolver import DnsClient, Resolver, system_nameservers
from mailctl.edges.smtp_probe import SmtpProber
from mailctl.errors import BadInput
from mailctl.settings import Settings
from mailctl.standards.dns import Address
from mailctl.standards.names import BadName, record_name, selector_name

if TYPE_CHECKING:
    from mailctl.domains.desired import MailDomain

T = TypeVar("T")
DATAGRAM_SECONDS = 2.0


@dataclass(frozen=True)
class Asked:
    """The words of one command, as they were typed."""

    domains: Sequence[str] = ()
    inventory: Path | None = None
    selectors: Sequence[str] = ()
    sending_ips: Sequence[str] = ()
    ignore: Sequence[str] = ()
    dnsbls: Sequence[str] = ()
    nameservers: Sequence[str] = ()
    profile: Profile | None = None
    ca_file: Path | None = None
    authoritative: bool = False
    trust_ad: bool = False
    allow_private: bool = False
    connect: bool = False
    seconds: float = 10.0
    concurrency: int = 64


@dataclass(frozen=True)
class Understood:
    """The words of one command, understood. `named` holds the domains of the command line and of the inventory."""

    named: tuple[Target, ...]
    selectors: tuple[str, ...]
    sending_ips: tuple[Address, ...]
    ignore: frozenset[str]
    dnsbls: tuple[str, ...]
    profile: Profile | None

    def applied_to(self, target: Target) -> Target:
        """The target with what the command says of all of them; what an inventory says of one stays."""
        return replace(
            target,
            selectors=tuple(dict.fromkeys((*target.selectors, *self.selectors))),
            sending_ips=tuple(dict.fromkeys((*target.sending_ips, *self.sending_ips))),
            ignore=target.ignore | self.ignore,
            profile=self.profile if self.profile and target.profile is Profile.SENDER else target.profile,
        )


def understand(asked: Asked) -> Understood:
    """Raises `BadInput` with every word that cannot be used."""
    problems: list[str] = []
    names = _each(asked.domains, checked_name, "", problems)
    understood = Understood(
        named=tuple(Target(name) for name in dict.fromkeys(names)),
        selectors=tuple(_each(asked.selectors, selector_name, "--selector", problems)),
        sending_ips=tuple(_each(asked.sending_ips, ip_address, "--sending-ip", problems)),
        ignore=frozenset(_each(asked.ignore, check_id, "--ignore", problems)),
        dnsbls=tuple(_each(asked.dnsbls, record_name, "--dnsbl", problems)),
        profile=asked.profile,
    )
    if problems:
        count = "a word" if len(problems) == 1 else f"{len(problems)} words"
        raise BadInput(f"{count} cannot be used", details=problems, hint="nothing was checked")
    if asked.inventory is None:
        return understood
    listed = read_inventory(asked.inventory)
    there = {target.name for target in listed}
    others = tuple(target for target in understood.named if target.name not in there)
    return replace(understood, named=(*listed, *others))


def _each(words: Iterable[str], convert: Callable[[str], T], option: str, problems: list[str]) -> list[T]:
    found = []
    for word in words:
        try:
            found.append(convert(word))
        except BadName as error:
            problems += [f"{option} {word[:80]!a}: {reason}".strip() for reason in error.reasons]
        except ValueError as error:
            problems.append(f"{option}: {error}")
    return found


@asynccontextmanager
async def open_tools(settings: Settings, asked: Asked, understood: Understood) -> AsyncIterator[Tools]:
    """The real tools. Raises `Undetermined` without any name server, `BadInput` for one, or a CA file, that is none."""
    resolver = Resolver(
        tuple(asked.nameservers) or settings.dns.nameservers or system_nameservers(),
        timeout=min(DATAGRAM_SECONDS, asked.seconds / 3),
        deadline=asked.seconds,
        trust_ad=asked.trust_ad or settings.trust.ad,
        authoritative_port=settings.dns.authoritative_port,
    )
    https = HttpsFetcher(ca_file=asked.ca_file, allow_private=asked.allow_private, timeout=asked.seconds / 2)
    smtp = SmtpProber(ca_file=asked.ca_file, allow_private=asked.allow_private, timeout=asked.seconds * 0.8)
    async with resolver:
        yield Tools(
            dns=resolver,
            now=datetime.now(UTC),
            https=https,
            smtp=smtp if asked.connect else None,
            dnsbls=understood.dnsbls,
            authoritative=asked.authoritative,
            trust_ad=asked.trust_ad or settings.trust.ad,
            allow_private=asked.allow_private,
        )


def choose(
    settings: Settings, understood: Understood, dns: DnsClient
) -> tuple[tuple[Target, ...], Check | None]:
    """What to check: what was named, or else every domain of the store; and the check against what was planned.

    Raises `BadInput` where there is nothing to check.
    """
    domains: Mapping[str, MailDomain] = {}
    if store_is_there(settings.store.url):
        from mailctl.domains.stored import planned_check, read_stored

        names = [target.name for target in understood.named] or None
        domains = read_stored(settings, dns, names)
        check = planned_check(domains, settings.dns.zone) if domains else None
    else:
        check = None
    targets = tuple(understood.applied_to(t) for t in _joined(understood.named, domains))
    if not targets:
        raise BadInput(
            "there is nothing to check: no domain was named, and none is stored",
            hint="mailctl verify DOMAIN, mailctl verify --inventory FILE, or mailctl setup DOMAIN first",
        )
    return targets, check


def _joined(named: Sequence[Target], domains: Mapping[str, "MailDomain"]) -> list[Target]:
    """What was named, with what the store knows of it; all that is stored where nothing was named."""
    if not domains:
        return list(named)
    from mailctl.domains.stored import as_target

    known = {name: as_target(domain) for name, domain in domains.items()}
    return [_filled(target, known.get(target.name)) for target in named] or list(known.values())


def _filled(target: Target, known: Target | None) -> Target:
    """What was said of a domain, then what the store knows of it."""
    if known is None:
        return target
    return replace(
        target,
        selectors=tuple(dict.fromkeys((*target.selectors, *known.selectors))),
        sending_ips=tuple(dict.fromkeys((*target.sending_ips, *known.sending_ips))),
        hostname=target.hostname or known.hostname,
    )


def store_is_there(url: str) -> bool:
    """Whether there is a store to read: a database server is named on purpose, a file has to exist."""
    return (
        not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///").partition("?")[0]).is_file()
    )
