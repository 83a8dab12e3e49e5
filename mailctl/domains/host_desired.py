"""What a host should be like: Postfix's parameters and services, OpenDKIM's daemons, files and their owners.

Promise: pure, and the same for the same `HostInputs`. Parameters, services and files come from provisioning/;
this module only says what they are rendered with.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mailctl.domains import provisioning
from mailctl.domains.desired import RETURN_PATH_LABEL
from mailctl.domains.host_services import DAEMONS, Daemon, Layout, config_of
from mailctl.edges.host import Account, Node
from mailctl.errors import BadInput

BOUNCE_FOLDER = Path("/var/mail/mailctl-bounces")
# A key signs in the first of these states that any key of its domain and algorithm is in: before the first
# publication nothing else can sign, and during a rotation the old key does until the new one is active.
_SIGNING_STATES = ("active", "published", "planned")

_DEBIAN_MAIL = Account(8, 8)  # base-passwd's numbers for "mail"

Policy = Literal["set", "keep", "join"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A DKIM key of a domain. `state` is that of store.tables.DkimKey."""

    selector: str
    algorithm: str
    private_pem: bytes = field(repr=False)
    state: str = "active"


@dataclass(frozen=True, slots=True)
class HostedDomain:
    """A domain that this host sends for. `receives_mail`: it also takes the domain's mail."""

    name: str
    keys: tuple[SigningKey, ...] = ()
    receives_mail: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate chain and its key. The bytes are there only for one that mailctl made itself."""

    chain_path: Path
    key_path: Path
    chain: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    given: bool = False  # the settings name it


@dataclass(frozen=True, slots=True)
class HostInputs:
    """All that the desired state depends on. `postfix_parameters`: every name that this Postfix knows."""

    hostname: str
    domains: tuple[HostedDomain, ...]
    certificate: Certificate
    layout: Layout
    postfix_version: str
    postfix_parameters: frozenset[str]
    algorithms: tuple[str, ...] = ("ed25519-sha256", "rsa-sha256")
    postmaster: str | None = None
    bounce_account: Account = _DEBIAN_MAIL
    system_name: str = "localhost"
    systemd: bool = False
    has_ca_bundle: bool = True
    has_aliases: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of main.cf; see provisioning/postfix/main.toml for what the fields mean."""

    name: str
    value: str
    why: str
    policy: Policy = "set"
    danger: str = ""
    stock: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """An entry of master.cf: `line` as `postconf -M` prints it, with single blanks."""

    key: str
    line: str
    why: str


@dataclass(frozen=True, slots=True)
class FileWanted:
    """A file or folder that should be there. A folder that exists keeps owner and mode unless `secret`."""

    path: Path
    content: bytes = field(default=b"", repr=False)
    owner: str = "root"
    group: str = "root"
    mode: int = 0o644
    secret: bool = False
    kind: Literal["file", "directory"] = "file"

    @property
    def node(self) -> Node:
        return Node(self.owner, self.group, self.mode, self.content, self.kind)


@dataclass(frozen=True, slots=True)
class DesiredHost:
    """The desired state. `unknown`: parameters left out because this Postfix does not have them."""

    layout: Layout
    parameters: tuple[Parameter, ...]
    services: tuple[Service, ...]
    files: tuple[FileWanted, ...]
    daemons: tuple[Daemon, ...]
    unknown: tuple[str, ...]
    systemd: bool


def desired_host(inputs: HostInputs) -> DesiredHost:
    """What `inputs` ask for. Raises BadInput for a value that could not stand in a configuration file."""
    chosen = {domain.name: _signing_keys(domain) for domain in inputs.domains}
    daemons = tuple(
        daemon
        for daemon in DAEMONS
        if daemon.signature in inputs.algorithms
        and any(key.algorithm == daemon.algorithm for keys in chosen.values() for key in keys)
    )
    variables = _variables(inputs, daemons)
    parameters, unknown = _parameters(inputs, variables)
    return DesiredHost(
        layout=inputs.layout,
        parameters=parameters,
        services=_services(variables),
        files=(*_postfix_files(inputs, variables), *_opendkim_files(inputs, daemons, chosen)),
        daemons=daemons,
        unknown=unknown,
        systemd=inputs.systemd,
    )


def version_tuple(text: str) -> tuple[int, ...]:
    """(3, 7, 11) for "3.7.11"; snapshots' "3.10-20240917" gives (3, 10)."""
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0]))


def _signing_keys(domain: HostedDomain) -> tuple[SigningKey, ...]:
    keys: list[SigningKey] = []
    for algorithm in ("rsa", "ed25519"):
        mine = [key for key in domain.keys if key.algorithm == algorithm]
        states = [state for state in _SIGNING_STATES if any(key.state == state for key in mine)]
        keys += [key for key in mine if states and key.state == states[0]]
    return tuple(keys)


def _folder(layout: Layout) -> Path:
    """Where mailctl keeps what only Postfix reads."""
    return layout.postfix / "mailctl"


def _variables(inputs: HostInputs, daemons: Sequence[Daemon]) -> dict[str, Any]:
    """What provisioning/postfix may use."""
    version = version_tuple(inputs.postfix_version)
    # A dead Ed25519 signer must not hold mail back: every verifier knows RSA, few know Ed25519 (RFC 8463).
    sockets = [f"inet:127.0.0.1:{daemon.port}" for daemon in daemons]
    milters = [
        socket if index == 0 else f"{{ {socket}, default_action=accept }}"
        for index, socket in enumerate(sockets)
    ]
    return {
        "version": version,
        "known": inputs.postfix_parameters,
        "hostname": inputs.hostname,
        "system_name": inputs.system_name,
        "destinations": ", ".join(_destinations(inputs)),
        "tls_floor": ">=TLSv1.2" if version >= (3, 6) else "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
        "certificate": str(inputs.certificate.chain_path),
        "certificate_key": str(inputs.certificate.key_path),
        "certificate_given": inputs.certificate.given,
        "has_ca_bundle": inputs.has_ca_bundle,
        "aliases": "hash:/etc/aliases" if inputs.has_aliases else "",
        "has_postmaster": inputs.postmaster is not None,
        "postmaster": inputs.postmaster or "",
        "has_domains": bool(inputs.domains),
        "return_paths": [f"{RETURN_PATH_LABEL}.{domain.name}" for domain in inputs.domains],
        "has_milters": bool(milters),
        "milters": ", ".join(milters),
        "folder": str(_folder(inputs.layout)),
        "injection_port": inputs.layout.injection_port,
        "bounce_folder": str(BOUNCE_FOLDER),
        "bounce_uid": inputs.bounce_account.uid,
        "bounce_gid": inputs.bounce_account.gid,
    }


def _destinations(inputs: HostInputs) -> list[str]:
    """The names whose mail is delivered to local accounts.

    A host named like a domain that is received elsewhere would swallow its mail, so it leaves itself out.
    """
    elsewhere = {domain.name for domain in inputs.domains if not domain.receives_mail}
    own = [] if inputs.hostname in elsewhere else ["$myhostname"]
    received = [
        domain.name for domain in inputs.domains if domain.receives_mail and domain.name != inputs.hostname
    ]
    return [*own, "localhost.$mydomain", "localhost", *received]


def _parameters(
    inputs: HostInputs, variables: Mapping[str, Any]
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    parameters, unknown = [], []
    for name, table in provisioning.tables("postfix/main.toml").items():
        if not _applies(table, variables):
            continue
        if name not in inputs.postfix_parameters:
            unknown.append(name)
            continue
        parameters.append(
            Parameter(
                name=name,
                value=provisioning.render_text(table["value"], variables),
                why=table["why"],
                policy=table.get("policy", "set"),
                danger=table.get("danger", ""),
                stock=tuple(provisioning.render_text(text, variables) for text in table.get("stock", ())),
            )
        )
    return tuple(parameters), tuple(unknown)


def _applies(table: Mapping[str, Any], variables: Mapping[str, Any]) -> bool:
    return provisioning.render_text(table.get("when", "True"), variables) == "True"


def _services(variables: Mapping[str, Any]) -> tuple[Service, ...]:
    services = []
    for table in provisioning.tables("postfix/master.toml").values():
        if _applies(table, variables):
            options = {k: provisioning.render_text(v, variables) for k, v in table["options"].items()}
            # master(5): an option with a blank would need braces; none of ours has one.
            blank = [f"{name}: {value!r}" for name, value in options.items() if re.search(r"\s", value)]
            if blank:
                raise BadInput(
                    "a value for master.cf holds a blank",
                    details=blank,
                    hint="nothing was written; take it out where the value comes from: mailctl config show",
                )
            words = [provisioning.render_text(table["fields"], variables)]
            words += [f"-o {name}={value}" for name, value in options.items()]
            key = provisioning.render_text(table["service"], variables)
            services.append(Service(key, " ".join(words), table["why"]))
    return tuple(services)


def _postfix_files(inputs: HostInputs, variables: Mapping[str, Any]) -> Iterable[FileWanted]:
    folder = _folder(inputs.layout)
    yield FileWanted(folder, mode=0o755, kind="directory")
    certificate = inputs.certificate
    if certificate.chain is not None and certificate.key is not None:
        yield FileWanted(certificate.chain_path, certificate.chain)
        yield FileWanted(certificate.key_path, certificate.key, mode=0o600, secret=True)
    if inputs.postmaster is not None:
        yield FileWanted(folder / "aliases", provisioning.render("postfix/aliases.j2", variables))
    if inputs.domains:
        yield FileWanted(BOUNCE_FOLDER, owner="mail", group="mail", mode=0o700, kind="directory", secret=True)
        for name in ("bounce-domains", "bounce-recipients", "transport"):
            yield FileWanted(folder / name, provisioning.render(f"postfix/{name}.j2", variables))


def _opendkim_files(
    inputs: HostInputs, daemons: Sequence[Daemon], chosen: Mapping[str, Sequence[SigningKey]]
) -> Iterable[FileWanted]:
    if not daemons:
        return
    layout = inputs.layout
    # Folders belong to root: what opendkim owns it could replace by links, for root to write through.
    keys_folder = layout.opendkim / "keys"
    yield FileWanted(layout.opendkim, mode=0o755, kind="directory")
    yield FileWanted(keys_folder, group="opendkim", mode=0o750, kind="directory", secret=True)
    trusted = layout.opendkim / "TrustedHosts"
    yield FileWanted(trusted, provisioning.render("opendkim/TrustedHosts.j2", {}))
    signed = {daemon.algorithm for daemon in daemons}
    for name, keys in chosen.items():
        mine = [key for key in keys if key.algorithm in signed]
        if mine:
            folder = keys_folder / name
            yield FileWanted(folder, group="opendkim", mode=0o750, kind="directory", secret=True)
        for key in mine:
            path = folder / f"{key.selector}.private"
            yield FileWanted(path, key.private_pem, "opendkim", "opendkim", 0o600, secret=True)
    for daemon in daemons:
        yield from _daemon_files(inputs, daemon, chosen, trusted)


def _daemon_files(
    inputs: HostInputs, daemon: Daemon, chosen: Mapping[str, Sequence[SigningKey]], trusted: Path
) -> Iterable[FileWanted]:
    layout = inputs.layout
    suffix = "" if daemon is DAEMONS[0] else f".{daemon.algorithm}"
    key_table, signing_table = (
        layout.opendkim / f"KeyTable{suffix}",
        layout.opendkim / f"SigningTable{suffix}",
    )
    signer = {
        "port": daemon.port,
        "pid_file": str(daemon.pid_file),
        "signature": daemon.signature,
        "key_table": str(key_table),
        "signing_table": str(signing_table),
        "config": str(config_of(daemon, layout)),
    }
    keys = [
        {
            "name": f"{key.selector}._domainkey.{name}",
            "domain": name,
            "selector": key.selector,
            "path": str(layout.opendkim / "keys" / name / f"{key.selector}.private"),
        }
        for name, mine in chosen.items()
        for key in mine
        if key.algorithm == daemon.algorithm
    ]
    authors = [(pattern, key["name"]) for key in keys for pattern in _authors(key["domain"], inputs)]
    variables = {"signer": signer, "trusted_hosts": str(trusted)}
    yield FileWanted(key_table, provisioning.render("opendkim/KeyTable.j2", {"keys": keys}))
    yield FileWanted(signing_table, provisioning.render("opendkim/SigningTable.j2", {"authors": authors}))
    yield FileWanted(config_of(daemon, layout), provisioning.render("opendkim/opendkim.conf.j2", variables))
    if daemon is not DAEMONS[0] and inputs.systemd:
        units = Path("/etc/systemd/system")
        service = provisioning.render("opendkim/opendkim-ed25519.service.j2", variables)
        yield FileWanted(units / f"{daemon.name}.service", service)
        yield FileWanted(units / "opendkim.service.d", mode=0o755, kind="directory")
        wants = provisioning.render("opendkim/wants-ed25519.conf.j2", {})
        yield FileWanted(units / "opendkim.service.d" / "mailctl.conf", wants)


def _authors(domain: str, inputs: HostInputs) -> list[str]:
    """Whose mail a domain's key signs: its own, and the host's if the host lies in no closer domain."""
    mine = [f"*@{domain}"]
    above = [item.name for item in inputs.domains if inputs.hostname.endswith(f".{item.name}")]
    own = any(item.name == inputs.hostname for item in inputs.domains)
    if above and not own and domain == max(above, key=len):
        mine.append(f"*@{inputs.hostname}")  # cron's and the bounces' author; aligned, as DMARC is relaxed
    return mine
