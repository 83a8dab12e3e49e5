"""What the store and the key files hold of a domain, read and written for the flows in this package.

Promise: a private key is on disk before its row says that it exists, and its row says `retired` before its file goes;
so a kill in between leaves a file without a row, never a row without its key.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from mailctl.domains.desired import DomainKey, MailDomain
from mailctl.domains.request import DEFAULT_TENANT, Request, Resolved, resolve
from mailctl.domains.wiring import Wiring
from mailctl.errors import MailctlError
from mailctl.standards import dkim
from mailctl.standards.dkim_sign import Signer
from mailctl.standards.names import BadName, domain_name
from mailctl.store.tables import DkimKey, Domain, KeyState, TenantState


def resolve_request(w: Wiring, request: Request, *, only_look: bool = False) -> Resolved:
    """The request against the store, the settings and the host; raises `BadInput` with every reason.

    `only_look`: nothing is to be changed, so that a suspended tenant is no obstacle.
    """
    stored = stored_domain(w, request.name)
    owner = tenant_of(w, stored) if stored else None
    problems = [] if only_look else _tenant_problems(w, request.tenant or owner or DEFAULT_TENANT)
    return resolve(request, w.settings, stored, owner, w.host.name(), w.host.addresses(), problems)


def stored_domain(w: Wiring, name: str) -> Domain | None:
    """None for what is not stored, and for what cannot be a domain."""
    try:
        return w.store.domains.get(domain_name(name))
    except BadName:
        return None


def tenant_of(w: Wiring, domain: Domain) -> str:
    return next(tenant.name for tenant in w.store.tenants.list() if tenant.id == domain.tenant_id)


def _tenant_problems(w: Wiring, name: str) -> list[str]:
    tenant = w.store.tenants.get(name)
    if tenant is None:
        return [] if name == DEFAULT_TENANT else [f"there is no tenant {name!r} (mailctl tenant add {name})"]
    if tenant.state is TenantState.SUSPENDED:
        return [f"tenant {name} is suspended (mailctl tenant resume {name})"]
    return []


def key_rows(w: Wiring, name: str) -> tuple[DkimKey, ...]:
    """The keys of a domain that still exist, oldest first; none for a domain that is not stored yet."""
    domain = w.store.domains.get(name)
    return tuple(k for k in w.store.keys.list(domain) if k.state is not KeyState.RETIRED) if domain else ()


def used_selectors(w: Wiring, name: str) -> frozenset[str]:
    """Every selector that ever had a key, retired ones too."""
    domain = w.store.domains.get(name)
    return frozenset(key.selector for key in w.store.keys.list(domain)) if domain else frozenset()


def held_selectors(w: Wiring, name: str) -> frozenset[str]:
    """Every selector at which a resolver may still find a key: a retired one can be cached for its TTL."""
    domain = w.store.domains.get(name)
    since = w.now() - timedelta(seconds=w.settings.dns.ttl)
    rows = w.store.keys.list(domain) if domain else ()
    return frozenset(row.selector for row in rows if row.retired_at is None or row.retired_at > since)


def with_keys(w: Wiring, domain: MailDomain, new_keys: Mapping[str, bytes]) -> MailDomain:
    """`domain` with the keys of the store and the new ones (selector → PEM)."""
    stored = [
        DomainKey(row.selector, row.algorithm.value, row.public_text, row.state.value)
        for row in key_rows(w, domain.name)
    ]
    new = [
        DomainKey(selector, dkim.algorithm_of(dkim.load_private(pem)), dkim.public_text(pem), "planned")
        for selector, pem in new_keys.items()
    ]
    return replace(domain, keys=(*stored, *new))


def signers(
    w: Wiring, domain: MailDomain, new_keys: Mapping[str, bytes], states: Collection[str]
) -> list[Signer]:
    """Signers for the keys of `domain` in one of `states`."""
    return [
        Signer(
            domain.name,
            key.selector,
            "ed25519" if key.algorithm == "ed25519" else "rsa",
            new_keys.get(key.selector) or w.keys.read(domain.name, key.selector),
        )
        for key in domain.keys
        if key.state in states
    ]


def is_remembered(w: Wiring, resolved: Resolved) -> bool:
    """Whether the store says of the domain what was asked for."""
    row = w.store.domains.get(resolved.domain.name)
    return row is not None and _facts_of(row) == _facts(resolved)


def remember(w: Wiring, resolved: Resolved, new_keys: Mapping[str, bytes]) -> None:
    """Store the tenant, the domain and the new keys; nothing of it stays where one step fails.

    The row comes first, inside the transaction: it claims the selector, so whatever file is there already was left
    by a run that was killed before it could commit, and nothing was ever signed with it.
    """
    domain = resolved.domain
    written: list[str] = []
    try:
        with w.store.transaction():
            _remember_domain(w, resolved)
            row = w.store.domains.need(domain.name)
            for selector, pem in new_keys.items():
                algorithm = dkim.algorithm_of(dkim.load_private(pem))
                w.store.keys.add(row, selector, algorithm, dkim.public_text(pem))
                w.keys.remove(domain.name, selector)
                w.keys.write(domain.name, selector, pem)
                written.append(selector)
    except BaseException:
        for selector in written:
            w.keys.remove(domain.name, selector)
        raise


@contextmanager
def remembered(w: Wiring, resolved: Resolved, new_keys: Mapping[str, bytes]) -> Iterator[None]:
    """`remember`, and take it back if what is done inside fails: the store is then as it was."""
    before = w.store.domains.get(resolved.domain.name)
    tenant = w.store.tenants.get(resolved.tenant)
    remember(w, resolved, new_keys)
    try:
        yield
    except MailctlError:
        _take_back(w, resolved.domain.name, before, new_keys)
        if tenant is None:
            w.store.tenants.remove(resolved.tenant)
        raise


def _take_back(w: Wiring, name: str, before: Domain | None, new_keys: Collection[str]) -> None:
    with w.store.transaction():
        if before is None:
            w.store.domains.remove(name)
        else:
            for row in key_rows(w, name):
                if row.selector in new_keys:
                    w.store.keys.remove(row)
            w.store.domains.set(name, **_facts_of(before))
    for selector in new_keys:
        w.keys.remove(name, selector)


def _facts_of(domain: Domain) -> dict[str, Any]:
    return {
        "hostname": domain.hostname,
        "addresses": domain.addresses,
        "delegated": domain.delegated,
        "receives_mail": domain.receives_mail,
        "dmarc_policy": domain.dmarc_policy.value if domain.dmarc_policy else None,
    }


def _remember_domain(w: Wiring, resolved: Resolved) -> None:
    if resolved.tenant == DEFAULT_TENANT and w.store.tenants.get(DEFAULT_TENANT) is None:
        w.store.tenants.add(DEFAULT_TENANT)
    name, facts = resolved.domain.name, _facts(resolved)
    if w.store.domains.get(name) is None:
        w.store.domains.add(resolved.tenant, name, **facts)
    else:
        w.store.domains.set(name, **facts)


def _facts(resolved: Resolved) -> dict[str, Any]:
    return {
        "hostname": resolved.domain.hostname,
        "addresses": " ".join(map(str, resolved.named_addresses)),
        "delegated": resolved.delegated,
        "receives_mail": resolved.domain.receives_mail,
        "dmarc_policy": resolved.domain.dmarc_policy,
    }


def forget(w: Wiring, domain: Domain) -> None:
    """Remove a domain, then the files of its keys."""
    selectors = [row.selector for row in key_rows(w, domain.name)]
    w.store.domains.remove(domain.name)
    for selector in selectors:
        w.keys.remove(domain.name, selector)


def published(w: Wiring, name: str, selectors: Collection[str]) -> None:
    """The named keys have been seen at every authoritative server."""
    with w.store.transaction():
        for row in key_rows(w, name):
            if row.selector in selectors and row.state is KeyState.PLANNED:
                w.store.keys.set_state(row, KeyState.PUBLISHED)


def start_signing(w: Wiring, name: str, selectors: Collection[str]) -> None:
    """The named keys become active, those that were active are retiring; all of it or nothing."""
    with w.store.transaction():
        for row in key_rows(w, name):
            if row.selector in selectors:
                w.store.keys.set_state(row, KeyState.PUBLISHED)
                w.store.keys.set_state(row, KeyState.ACTIVE)
            elif row.state is KeyState.ACTIVE:
                w.store.keys.set_state(row, KeyState.RETIRING)


def retire(w: Wiring, name: str, selectors: Collection[str]) -> None:
    """The named keys are gone from the DNS: say so, then remove their files."""
    rows = [row for row in key_rows(w, name) if row.selector in selectors]
    with w.store.transaction():
        for row in rows:
            w.store.keys.set_state(row, KeyState.RETIRED)
    for row in rows:
        w.keys.remove(name, row.selector)
