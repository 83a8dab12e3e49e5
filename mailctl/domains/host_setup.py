"""A host's desired state out of settings, store and keys; and plan, apply, undo as the flows call them.

Promise: planning changes nothing; every stored domain that this host sends for is in every plan, so that
setting up one domain never takes away another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from mailctl.domains import host_apply, host_certificate
from mailctl.domains.desired import MailDomain
from mailctl.domains.host_desired import Certificate, HostedDomain, HostInputs, SigningKey, desired_host
from mailctl.domains.host_facts import HostFacts, gather, require
from mailctl.domains.host_journal import Journal
from mailctl.domains.host_plan import HostPlan, look, make_plan
from mailctl.domains.host_services import Layout
from mailctl.edges.host import Host
from mailctl.edges.key_files import KeyStore
from mailctl.errors import BadInput, HostCannot
from mailctl.settings import Settings
from mailctl.standards.names import BadName, host_name
from mailctl.store import Store

_SNAKEOIL = "ssl-cert-snakeoil"  # Debian's ssl-cert package; made by nobody's choice


class HostWiring(Protocol):
    """What of a Wiring these functions use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def host(self) -> Host: ...
    @property
    def now(self) -> Callable[[], datetime]: ...


def layout_of(settings: Settings) -> Layout:
    """Where things are, by the settings."""
    return Layout(
        postfix=settings.postfix.config_directory,
        opendkim=settings.opendkim.config_directory,
        state=settings.state_dir,
        injection_port=settings.postfix.injection_port,
    )


def host_facts(w: HostWiring) -> HostFacts:
    """The host as it is. Raises HostCannot where it cannot be looked at."""
    return gather(w.host, layout_of(w.settings))


def plan_host(
    w: HostWiring, domain: MailDomain | None = None, new_keys: Mapping[str, bytes] | None = None
) -> HostPlan:
    """The plan for this host: all stored domains, with `domain` as given there in place of the stored one.

    `new_keys` (selector → PEM) are keys of `domain` that no file holds yet. Raises HostCannot for a host that
    cannot be set up, BadInput for a name that no host can have, Refused for a link in the place of a file.
    """
    facts = host_facts(w)
    require(facts, to_change=False)
    desired = desired_host(host_inputs(w, facts, domain, new_keys or {}))
    return make_plan(desired, facts, look(w.host, desired, facts))


def apply_host(w: HostWiring, plan: HostPlan, *, force: bool = True) -> Journal | None:
    """Carry `plan` out; see host_apply.apply. `force`: whoever calls has asked about the plan's dangers."""
    return host_apply.apply(w.host, plan, w.now(), force=force)


def recover_host(w: HostWiring) -> tuple[Journal, ...]:
    """Put back what runs that were killed had changed; what was put back."""
    return host_apply.recover(w.host, layout_of(w.settings), host_facts(w))


def undo_host(w: HostWiring, *, force: bool = False, everything: bool = False) -> tuple[Journal, ...]:
    """Take back the last apply, or `everything`: the host as found. What was undone, newest first."""
    undone = []
    while journal := host_apply.undo(w.host, layout_of(w.settings), host_facts(w), force=force):
        undone.append(journal)
        if not everything:
            break
    return tuple(undone)


def host_inputs(
    w: HostWiring, facts: HostFacts, domain: MailDomain | None, new_keys: Mapping[str, bytes]
) -> HostInputs:
    """All that the desired state depends on, from settings, store, key files and facts."""
    assert facts.postfix is not None
    assert facts.opendkim is not None
    layout = layout_of(w.settings)
    hostname = _hostname(w, facts, domain)
    return HostInputs(
        hostname=hostname,
        domains=_domains(w, hostname, domain, new_keys),
        certificate=_certificate(w, facts, layout, hostname),
        layout=layout,
        postfix_version=facts.postfix.version,
        postfix_parameters=frozenset(facts.postfix.defaults),
        algorithms=facts.opendkim.algorithms,
        postmaster=w.settings.host.postmaster,
        bounce_account=facts.accounts["mail"],
        system_name=facts.name,
        systemd=facts.systemd,
        has_ca_bundle=facts.has_ca_bundle,
        has_aliases=facts.has_aliases,
    )


def _hostname(w: HostWiring, facts: HostFacts, domain: MailDomain | None) -> str:
    stored = [item.hostname for item in w.store.domains.list() if item.hostname]
    candidates = [domain.hostname if domain else None, w.settings.host.name, *stored, facts.name]
    chosen = next(name for name in candidates if name)
    try:
        return host_name(chosen)
    except BadName as error:
        hint = "set host.name in mailctl.toml to the full name that this host sends as"
        raise BadInput(f"{chosen!r} cannot be this host's name", details=error.reasons, hint=hint) from error


def _domains(
    w: HostWiring, hostname: str, domain: MailDomain | None, new_keys: Mapping[str, bytes]
) -> tuple[HostedDomain, ...]:
    hosted = {}
    for row in w.store.domains.list():
        if row.hostname in (None, hostname) and (domain is None or row.name != domain.name):
            keys = [(key.selector, key.algorithm.value, key.state.value) for key in w.store.keys.list(row)]
            hosted[row.name] = HostedDomain(row.name, _keys(w, row.name, keys, {}), row.receives_mail)
    if domain is not None:
        keys = [(key.selector, key.algorithm, key.state) for key in domain.keys]
        mine = _keys(w, domain.name, keys, new_keys)
        hosted[domain.name] = HostedDomain(domain.name, mine, domain.receives_mail)
    return tuple(hosted[name] for name in sorted(hosted))


def _keys(
    w: HostWiring, domain: str, keys: Sequence[tuple[str, str, str]], new_keys: Mapping[str, bytes]
) -> tuple[SigningKey, ...]:
    """The keys that can sign. One that no longer may needs no private half here."""
    return tuple(
        SigningKey(selector, algorithm, new_keys.get(selector) or w.keys.read(domain, selector), state)
        for selector, algorithm, state in keys
        if state in ("planned", "published", "active")
    )


def _certificate(w: HostWiring, facts: HostFacts, layout: Layout, hostname: str) -> Certificate:
    """The settings' certificate; else the one somebody gave Postfix; else mailctl's own, made if need be."""
    tls = w.settings.tls
    if tls.certificate is not None and tls.key is not None:
        missing = [str(path) for path in (tls.certificate, tls.key) if w.host.read(path) is None]
        if missing:
            raise HostCannot(
                "the certificate of the settings is not there",
                details=missing,
                hint="put it there, or take tls.certificate and tls.key out of mailctl.toml",
            )
        return Certificate(tls.certificate, tls.key, given=True)
    own = (layout.postfix / "mailctl" / "tls.pem", layout.postfix / "mailctl" / "tls.key")
    if theirs := _somebodys_certificate(facts, own):
        return Certificate(*theirs)
    chain, key = (w.host.read(path) for path in own)
    if chain and key and host_certificate.fits(chain.content, key.content, hostname, w.now()):
        return Certificate(*own, chain.content, key.content)
    return Certificate(*own, *host_certificate.self_signed(hostname, w.now()))


def _somebodys_certificate(facts: HostFacts, own: tuple[Path, Path]) -> tuple[Path, Path] | None:
    parameters = facts.postfix.parameters if facts.postfix else {}
    chain = parameters.get("smtpd_tls_cert_file", "")
    key = parameters.get("smtpd_tls_key_file", "") or chain
    if not chain.startswith("/") or _SNAKEOIL in chain or Path(chain) == own[0]:
        return None
    return Path(chain), Path(key.replace("$smtpd_tls_cert_file", chain))


@dataclass(frozen=True)
class HostSide:
    """A HostWiring without the network, for commands that only look after this host."""

    settings: Settings
    store: Store
    keys: KeyStore
    host: Host
    now: Callable[[], datetime]


@contextmanager
def host_side(settings: Settings) -> Iterator[HostSide]:
    """The real one."""
    from mailctl.edges.host import RealHost
    from mailctl.edges.key_files import KeyFiles
    from mailctl.store import open_store

    with open_store(settings.store.url) as store:
        keys = KeyFiles(settings.state_dir / "keys")
        yield HostSide(settings, store, keys, RealHost(), lambda: datetime.now(UTC))
