"""What an operator asked for a domain, resolved against the store, the settings and the host.

Promise: pure but for what is passed in; every reason why a request cannot be carried out is reported at once, before
anything is changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from mailctl.domains.desired import MailDomain
from mailctl.domains.host_facts import is_local
from mailctl.errors import BadInput
from mailctl.settings import Settings
from mailctl.standards import names
from mailctl.standards.dns import Address
from mailctl.store.tables import DmarcPolicy, Domain

DEFAULT_TENANT = "default"
# Below it stand names like mc20261124b-rsa._domainkey.NAME, of 253 characters at most (RFC 1035 §2.3.4).
LONGEST = names.NAME_LENGTH - len("mc20261124b-rsa._domainkey.")


@dataclass(frozen=True, slots=True)
class Request:
    """The words of one command; None means: as it is, or as the settings say."""

    name: str
    tenant: str | None = None
    hostname: str | None = None
    addresses: tuple[Address, ...] = ()
    dmarc_policy: DmarcPolicy | None = None
    receives_mail: bool | None = None
    delegated: bool | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A request that can be planned: the domain without its keys, and its tenant's name."""

    domain: MailDomain
    tenant: str
    delegated: bool
    named_addresses: tuple[
        Address, ...
    ]  # those that --ip named, now or before; () where the host's are meant


def given_addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    """The values of --ip; raises `BadInput` with every one that is no address."""
    found, wrong = [], []
    for text in texts:
        try:
            found.append(ip_address(text))
        except ValueError:
            wrong.append(f"--ip {text!r} is not an IP address")
    if wrong:
        raise BadInput(
            "not every --ip is an address", details=wrong, hint="write them like 192.0.2.1 or 2001:db8::1"
        )
    return tuple(found)


def resolve(
    request: Request,
    settings: Settings,
    stored: Domain | None,
    stored_tenant: str | None,
    host_name: str,
    host_addresses: Sequence[Address],
    problems: Sequence[str] = (),
) -> Resolved:
    """Raises `BadInput` with every reason, `problems` too.

    `host_name` and `host_addresses` are what the system says; `problems` what is known to be wrong already.
    """
    problems = list(problems)
    name = _name(names.domain_name, request.name, "the domain", problems)
    wished = request.hostname or (stored and stored.hostname) or settings.host.name or host_name
    hostname = _name(names.host_name, wished, "the host's name (--hostname, host.name)", problems)
    if len(name) > LONGEST:
        problems.append(f"{name} leaves no room for the names of its DKIM keys: {LONGEST} characters at most")
    named = request.addresses or tuple(map(ip_address, stored.addresses.split() if stored else ()))
    addresses = _addresses(named, settings, host_addresses, problems)
    if stored_tenant and request.tenant and request.tenant != stored_tenant:
        problems.append(f"{request.name} belongs to tenant {stored_tenant}, not {request.tenant}")
    delegated = request.delegated if request.delegated is not None else bool(stored and stored.delegated)
    zone = settings.dkim.delegation_zone
    if delegated and not zone:
        problems.append("delegated keys need a zone of yours to live in: set dkim.delegation_zone")
    elif delegated and zone and len(f"mc1.{name}.{zone}") > names.NAME_LENGTH:
        problems.append(f"mc1.{name}.{zone} is longer than {names.NAME_LENGTH} characters")
    if problems:
        raise BadInput(
            f"{request.name!r} cannot be set up", details=problems, hint="nothing was changed; mend these"
        )
    policy = request.dmarc_policy or (stored.dmarc_policy if stored else DmarcPolicy(settings.dmarc.policy))
    receives = request.receives_mail
    domain = MailDomain(
        name=name,
        hostname=hostname,
        ipv4=tuple(a for a in addresses if isinstance(a, IPv4Address)),
        ipv6=tuple(a for a in addresses if isinstance(a, IPv6Address)),
        delegation_zone=zone if delegated else None,
        dmarc_policy=policy.value if policy else None,
        report_address=settings.dmarc.report_address,
        receives_mail=receives if receives is not None else bool(stored and stored.receives_mail),
        ttl=settings.dns.ttl,
    )
    return Resolved(domain, request.tenant or stored_tenant or DEFAULT_TENANT, delegated, named)


def _name(parse: Callable[[str], str], text: str, what: str, problems: list[str]) -> str:
    try:
        return parse(text)
    except names.BadName as error:
        problems.extend(f"{what} {text!r}: {reason}" for reason in error.reasons)
        return ""


def _addresses(
    named: Sequence[Address], settings: Settings, found: Sequence[Address], problems: list[str]
) -> tuple[Address, ...]:
    given = named or (*settings.host.ipv4, *settings.host.ipv6)
    problems.extend(
        f"mail from {address} cannot reach the Internet" for address in given if is_local(address)
    )
    addresses = tuple(given) or tuple(address for address in found if not is_local(address))
    if not addresses:
        problems.append(
            "no public address found on this host: name those that mail leaves from (--ip, host.ipv4)"
        )
    return addresses
