"""The domains of the store, for `verify`: what setup planned for them, compared with the DNS as one more check.

Promise: the database is read before anything is asked, and closed again; nothing in it changes, and a domain that it
does not know is no error.
"""

from collections.abc import Iterable, Mapping

from mailctl.domains import registry
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.engine import Check
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.desired import MailDomain
from mailctl.domains.findings import Finding
from mailctl.domains.publish import find_zone
from mailctl.domains.request import Request
from mailctl.domains.verify import verify
from mailctl.domains.wiring import Wiring
from mailctl.edges.host import RealHost
from mailctl.edges.key_files import KeyFiles
from mailctl.edges.resolver import DnsClient
from mailctl.errors import MailctlError
from mailctl.settings import Settings
from mailctl.store import open_store
from mailctl.store.upgrade import State, standing


def read_stored(settings: Settings, dns: DnsClient, names: Iterable[str] | None) -> dict[str, MailDomain]:
    """The domains of the store as setup plans them, by name; only those in `names`, where there are any.

    An empty database is left as it is: opening it would make our tables in it.
    """
    if standing(settings.store.url).state is State.ABSENT:
        return {}
    with open_store(settings.store.url) as store:
        w = Wiring(
            settings=settings,
            store=store,
            keys=KeyFiles(settings.state_dir / "keys"),
            host=RealHost(),
            resolver=dns,
            publisher=None,
        )
        wanted = None if names is None else frozenset(names)
        return {
            row.name: planned_domain(w, row.name)
            for row in store.domains.list()
            if wanted is None or row.name in wanted
        }


def planned_domain(w: Wiring, name: str) -> MailDomain:
    """One domain with its keys, as it should be published. Raises `BadInput` for one that is not stored."""
    request = Request(w.store.domains.need(name).name)
    return registry.with_keys(w, registry.resolve_request(w, request, only_look=True).domain, {})


def held_key(settings: Settings, name: str, selector: str) -> str | None:
    """The record of the private key that is held here for a selector; None where there is none."""
    with open_store(settings.store.url) as store:
        domain = store.domains.get(name)
        keys = store.keys.list(domain) if domain else ()
        return next((key.public_text for key in keys if key.selector == selector), None)


def as_target(domain: MailDomain) -> Target:
    """What the general checks need to know of it."""
    selectors = tuple(key.selector for key in domain.keys if key.state in ("published", "active", "retiring"))
    return Target(domain.name, selectors, sending_ips=domain.addresses, hostname=domain.hostname)


def planned_check(domains: Mapping[str, MailDomain], zone: str | None) -> Check:
    """The check of a domain against its plan; nothing for one that is not among `domains`. `zone` is dns.zone."""

    async def check(target: Target, tools: Tools) -> list[Finding]:
        domain = domains.get(target.name)
        if domain is None:
            return []
        try:
            where = await find_zone(tools.dns, domain.name, zone)
        except MailctlError as error:
            return [found("dns.zone-unknown", "; ".join((error.message, *error.details)))]
        return list((await verify(domain, tools.dns, where)).findings)

    return check
