"""What can be asked of the store and changed in it: tenants, domains, DKIM keys.

Promise: each call is one transaction, or part of the one that `Store.transaction` holds; rows come back
complete and detached, so they stay as they were read. `get` says None for what is not there; everything
else that needs it raises BadInput. What is there already is Refused. Neither changes anything.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from mailctl.errors import BadInput, Refused
from mailctl.standards.names import BadName, domain_name, host_name, selector_name, shown
from mailctl.store.tables import DkimKey, DmarcPolicy, Domain, KeyAlgorithm, KeyState, Tenant, TenantState

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_STAMPS = {
    KeyState.PUBLISHED: "published_at",
    KeyState.ACTIVE: "activated_at",
    KeyState.RETIRING: "retiring_at",
    KeyState.RETIRED: "retired_at",
}
Clock = Callable[[], datetime]
Transaction = Callable[[bool], AbstractContextManager[Session]]  # the argument: whether it writes


def utc_now() -> datetime:
    return datetime.now(UTC)


class _Repository:
    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        self._transaction = transaction
        self._clock = clock

    def _now(self) -> datetime:
        now = self._clock()
        if now.utcoffset() is None:
            raise ValueError(f"a time without its zone cannot be stored: {now.isoformat()}")
        return now.astimezone(UTC)


def _insert(session: Session, row: Any, otherwise: str) -> None:
    """Add `row`; a unique constraint that says no becomes Refused: another process may have been first."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Refused(otherwise, hint="nothing was changed; use another name, or what is there") from error


class Tenants(_Repository):
    """Who mail is sent for, by name."""

    def add(self, name: str) -> Tenant:
        """A new tenant, active. Raises BadInput for a name that is not a-z, 0-9 and hyphens."""
        if not _SLUG.fullmatch(name):
            raise BadInput(
                f"{name!r} cannot be a tenant's name",
                hint="use 1 to 63 of a-z, 0-9 and hyphens, with a letter or digit at both ends",
            )
        with self._transaction(True) as session:
            tenant = Tenant(name=name, created_at=self._now())
            _insert(session, tenant, f"there is a tenant {name} already")
        return tenant

    def get(self, name: str) -> Tenant | None:
        """None if there is no such tenant."""
        with self._transaction(False) as session:
            return session.exec(select(Tenant).where(Tenant.name == name)).first()

    def need(self, name: str) -> Tenant:
        """Raises BadInput if there is none."""
        with self._transaction(False) as session:
            return _tenant(session, name)

    def list(self) -> tuple[Tenant, ...]:
        """All of them, by name."""
        with self._transaction(False) as session:
            return tuple(session.exec(select(Tenant).order_by(col(Tenant.name))))

    def suspend(self, name: str) -> Tenant:
        """Nothing is sent for a suspended tenant; suspending one twice changes nothing."""
        return self._enter(name, TenantState.SUSPENDED)

    def resume(self, name: str) -> Tenant:
        return self._enter(name, TenantState.ACTIVE)

    def remove(self, name: str, *, force: bool = False) -> tuple[str, ...]:
        """Remove a tenant; with `force` its domains and their keys too. The names of those domains.

        Raises Refused while there are domains and `force` was not given.
        """
        with self._transaction(True) as session:
            tenant = _tenant(session, name)
            owned = session.exec(
                select(Domain).where(Domain.tenant_id == tenant.id).order_by(col(Domain.name))
            )
            domains = tuple(owned)
            names = tuple(domain.name for domain in domains)
            if names and not force:
                raise Refused(
                    f"the tenant {name} still has domains",
                    details=names,
                    hint="remove them first, or give --force to forget them and their DKIM keys too",
                )
            for domain in domains:
                _delete_domain(session, domain)
            session.delete(tenant)
        return names

    def _enter(self, name: str, state: TenantState) -> Tenant:
        with self._transaction(True) as session:
            tenant = _tenant(session, name)
            tenant.state = state
            session.add(tenant)
        return tenant


class Domains(_Repository):
    """The domains that mail is sent from, by name (any spelling of an IDN)."""

    def add(
        self,
        tenant: str,
        name: str,
        *,
        hostname: str | None = None,
        addresses: str = "",
        delegated: bool = False,
        receives_mail: bool = False,
        dmarc_policy: str | None = None,
    ) -> Domain:
        """A new domain of the tenant named `tenant`. Raises BadInput with every reason, or Refused."""
        settled = _settled(hostname=hostname, dmarc_policy=dmarc_policy)
        with self._transaction(True) as session:
            domain = Domain(
                tenant_id=_tenant(session, tenant).id,
                name=_domain_name(name),
                addresses=addresses,
                delegated=delegated,
                receives_mail=receives_mail,
                created_at=self._now(),
                **settled,
            )
            _insert(session, domain, f"there is a domain {domain.name} already")
        return domain

    def need(self, name: str) -> Domain:
        """Raises BadInput if it is not there."""
        with self._transaction(False) as session:
            return _domain(session, name)

    def get(self, name: str) -> Domain | None:
        """None if it is not there. Raises BadInput for what cannot be a domain."""
        with self._transaction(False) as session:
            return session.exec(select(Domain).where(Domain.name == _domain_name(name))).first()

    def list(self, tenant: str | None = None) -> tuple[Domain, ...]:
        """All of them, or those of one tenant, by name."""
        with self._transaction(False) as session:
            query = select(Domain).order_by(col(Domain.name))
            if tenant is not None:
                query = query.where(Domain.tenant_id == _tenant(session, tenant).id)
            return tuple(session.exec(query))

    def set(self, name: str, **changes: Any) -> Domain:
        """Change hostname, addresses, delegated, receives_mail or dmarc_policy; what is not named stays."""
        unknown = changes.keys() - {"hostname", "addresses", "delegated", "receives_mail", "dmarc_policy"}
        if unknown:
            raise TypeError(f"a domain has no {', '.join(sorted(unknown))} to set")
        settled = _settled(**changes)
        with self._transaction(True) as session:
            domain = _domain(session, name)
            for key, value in settled.items():
                setattr(domain, key, value)
            session.add(domain)
        return domain

    def remove(self, name: str) -> None:
        """Forget a domain and its keys' public halves. Raises BadInput if it is not there."""
        with self._transaction(True) as session:
            _delete_domain(session, _domain(session, name))


class Keys(_Repository):
    """The DKIM keys of a domain, which is given as its row or its id."""

    def add(
        self,
        domain: Domain | UUID,
        selector: str,
        algorithm: str,
        public_text: str,
        state: str = KeyState.PLANNED,
    ) -> DkimKey:
        """A new key. Raises Refused if the domain has one at that selector; a retired one makes room."""
        try:
            settled = selector_name(selector)
        except BadName as error:
            raise BadInput(
                f"{selector!r} cannot be a selector",
                details=error.reasons,
                hint="write it of letters, digits and hyphens, such as mc20261124-rsa",
            ) from error
        with self._transaction(True) as session:
            at_selector = (col(DkimKey.domain_id) == _id(domain)) & (col(DkimKey.selector) == settled)
            session.exec(sa.delete(DkimKey).where(at_selector, col(DkimKey.state) == KeyState.RETIRED))
            key = DkimKey(
                domain_id=_id(domain),
                selector=settled,
                algorithm=KeyAlgorithm(algorithm),
                public_text=public_text,
                state=KeyState(state),
                created_at=self._now(),
            )
            if stamp := _STAMPS.get(key.state):
                setattr(key, stamp, key.created_at)
            _insert(session, key, f"there is a key at the selector {settled} already")
        return key

    def list(self, domain: Domain | UUID) -> tuple[DkimKey, ...]:
        """All keys of a domain, oldest first."""
        with self._transaction(False) as session:
            query = select(DkimKey).where(DkimKey.domain_id == _id(domain)).order_by(col(DkimKey.id))
            return tuple(session.exec(query))

    def remove(self, key: DkimKey) -> None:
        """Forget a key that nobody outside has seen, or that is retired. Raises Refused for any other."""
        with self._transaction(True) as session:
            found = session.get(DkimKey, key.id, with_for_update=True)
            if found is None:
                return
            if found.state not in (KeyState.PLANNED, KeyState.RETIRED):
                raise Refused(
                    f"the key {found.selector} is {found.state}, and cannot be forgotten",
                    hint="rotate it out first: mailctl dkim rotate, then mailctl dkim retire",
                )
            session.delete(found)

    def set_state(self, key: DkimKey | UUID, state: str) -> DkimKey:
        """Move a key on, and keep the moment. A state it has already changes nothing.

        Raises Refused for a step back: what the world has seen of a key cannot be undone.
        """
        wanted = KeyState(state)
        with self._transaction(True) as session:
            found = session.get(DkimKey, key.id if isinstance(key, DkimKey) else key, with_for_update=True)
            if found is None:
                raise BadInput(
                    "this DKIM key is not in the store any more", hint="see what is there: mailctl dkim list"
                )
            order = list(KeyState)
            if order.index(wanted) < order.index(found.state):
                raise Refused(
                    f"the key {found.selector} is {found.state}, and cannot become {wanted} again",
                    hint="somebody else was at it: see how it stands with mailctl dkim list",
                )
            if wanted is not found.state:
                found.state = wanted
                setattr(found, _STAMPS[wanted], self._now())
                session.add(found)
        return found


def _id(row: Domain | UUID) -> UUID:
    return row.id if isinstance(row, Domain) else row


def _domain_name(text: str) -> str:
    try:
        return domain_name(text)
    except BadName as error:
        raise BadInput(
            f"{shown(text)} cannot be a domain", details=error.reasons, hint="write it like shop.example"
        ) from error


def _settled(**given: Any) -> dict[str, Any]:
    """What was given for a domain, as it is stored. Raises BadInput with every reason."""
    reasons: list[str] = []
    if given.get("hostname") is not None:
        try:
            given["hostname"] = host_name(given["hostname"])
        except BadName as error:
            reasons += error.reasons
    policy = given.get("dmarc_policy")
    if policy is not None:
        if policy in list(DmarcPolicy):
            given["dmarc_policy"] = DmarcPolicy(policy)
        else:
            reasons.append(f"a DMARC policy is none, quarantine or reject, not {policy!r}")
    if reasons:
        raise BadInput(
            "the domain cannot be stored like this", details=reasons, hint="mend these; nothing was changed"
        )
    return given


def _tenant(session: Session, name: str) -> Tenant:
    found = session.exec(select(Tenant).where(Tenant.name == name)).first()
    if found is None:
        others = session.exec(select(Tenant.name)).all()
        raise BadInput(f"there is no tenant {name!r}", hint=_hint(name, others, "mailctl tenant add NAME"))
    return found


def _domain(session: Session, name: str) -> Domain:
    wanted = _domain_name(name)
    found = session.exec(select(Domain).where(Domain.name == wanted)).first()
    if found is None:
        others = session.exec(select(Domain.name)).all()
        raise BadInput(
            f"there is no domain {wanted} here", hint=_hint(wanted, others, "mailctl setup DOMAIN")
        )
    return found


def _hint(name: str, others: Any, command: str) -> str:
    near = get_close_matches(name, others, n=1)
    return f"did you mean {near[0]}?" if near else f"make it: {command}"


def _delete_domain(session: Session, domain: Domain) -> None:
    session.exec(sa.delete(DkimKey).where(col(DkimKey.domain_id) == domain.id))
    session.delete(domain)
    session.flush()
