"""What a host is like before anything is changed: names, addresses, software, Postfix as it is configured.

Promise: only reads; asks Postfix by `postconf` and never by parsing its files; a program that is not there is
None, and everything that is missing for a set-up is told at once (`require`).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

from mailctl.domains.host_journal import State, created_by, journals
from mailctl.domains.host_services import DAEMONS, Layout, opendkim_running, postfix_running
from mailctl.edges.host import Account, Host
from mailctl.errors import HostCannot
from mailctl.standards.dns import Address

SIGNS_WITH = "rsa-sha256"  # what every verifier knows; without it mail would leave unsigned
PACKAGES = {"postfix": "postfix", "opendkim": "opendkim"}  # program: Debian package
# Not `is_private`: it also holds the documentation networks, which laboratories use.
_LOCAL_NETWORKS = tuple(
    ip_network(net)
    for net in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostfixFacts:
    """Postfix. `parameters`: postconf -n; `defaults`: postconf -d; `services`: master.cf by "name/type"."""

    version: str
    parameters: Mapping[str, str]
    defaults: Mapping[str, str] = field(repr=False)
    services: Mapping[str, str] = field(repr=False)
    running: bool


@dataclass(frozen=True, slots=True)
class OpendkimFacts:
    """OpenDKIM, what it can sign with, and which of its daemons run."""

    version: str
    algorithms: tuple[str, ...]
    running: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host. `packaged` are configuration files that are still as their Debian package brought them.

    `ours` are the parameters as mailctl's last apply left them; `created` are the files that mailctl made.
    """

    name: str
    addresses: tuple[Address, ...]
    system: str
    systemd: bool
    uid: int
    postfix: PostfixFacts | None
    opendkim: OpendkimFacts | None
    accounts: Mapping[str, Account]
    packaged: frozenset[Path] = frozenset()
    ours: Mapping[str, str] = field(default_factory=dict)
    created: tuple[Path, ...] = ()
    has_ca_bundle: bool = True
    has_aliases: bool = True

    @property
    def public_addresses(self) -> tuple[Address, ...]:
        """Those that mail to the Internet can leave from."""
        return tuple(a for a in self.addresses if not is_local(a))

    @property
    def private_addresses(self) -> tuple[Address, ...]:
        """The others."""
        return tuple(a for a in self.addresses if is_local(a))


def is_local(address: Address) -> bool:
    """Whether an address means nothing outside this host or its own network."""
    return any(address in net for net in _LOCAL_NETWORKS if net.version == address.version)


def gather(host: Host, layout: Layout) -> HostFacts:
    """Look at the host. Raises HostCannot where the host lets nobody look."""
    postfix, opendkim = host.which("postconf") is not None, host.which("opendkim") is not None
    systemd = _comm(host, 1) == "systemd"
    applied = [entry for entry in journals(host, layout.state) if entry.state == State.APPLIED]
    found = {name: host.account(name) for name in ("mail", "opendkim")}
    return HostFacts(
        name=host.name(),
        addresses=host.addresses(),
        system=host.os_release().get("PRETTY_NAME", "unknown"),
        systemd=systemd,
        uid=host.effective_uid(),
        postfix=_postfix(host, layout) if postfix else None,
        opendkim=_opendkim(host) if opendkim else None,
        accounts={name: account for name, account in found.items() if account is not None},
        packaged=_packaged(host, layout),
        ours=applied[-1].parameters if applied else {},
        created=created_by(applied),
        has_ca_bundle=host.read(Path("/etc/ssl/certs/ca-certificates.crt")) is not None,
        has_aliases=host.read(Path("/etc/aliases")) is not None,
    )


def require(facts: HostFacts, *, to_change: bool = True) -> None:
    """Raises HostCannot with every reason why this host cannot be set up, or only planned, which needs no root."""
    reasons = []
    missing = [
        name for name, found in (("postfix", facts.postfix), ("opendkim", facts.opendkim)) if not found
    ]
    reasons += [f"{name} is not installed" for name in missing]
    if facts.opendkim and SIGNS_WITH not in facts.opendkim.algorithms:
        reasons.append(f"opendkim -V does not name {SIGNS_WITH}: it cannot run, or cannot sign")
    if to_change and facts.uid != 0:
        reasons.append("only root may change Postfix and OpenDKIM")
    if facts.opendkim and "opendkim" not in facts.accounts:
        reasons.append("there is no account opendkim")
    if "mail" not in facts.accounts:
        reasons.append("there is no account mail, which keeps the bounces")
    if not reasons:
        return
    install = f"apt-get install {' '.join(PACKAGES[name] for name in missing)}" if missing else ""
    as_root = "run this as root (sudo)" if to_change and facts.uid != 0 else ""
    hint = "; then ".join(part for part in (install, as_root) if part)
    raise HostCannot("this host cannot be set up", details=reasons, hint=hint or "install Debian's packages")


def _comm(host: Host, pid: int) -> str:
    node = host.read(Path(f"/proc/{pid}/comm"))
    return node.content.decode().strip() if node else ""


def _postfix(host: Host, layout: Layout) -> PostfixFacts:
    folder = str(layout.postfix)
    defaults = _assignments(host.run(["postconf", "-d"]).stdout)
    parameters: dict[str, str] = {}
    services: dict[str, str] = {}
    # Debian's "No configuration" leaves neither file; Postfix then has only defaults.
    if host.read(layout.main_cf) is not None:
        parameters = _assignments(_ask(host, ["postconf", "-c", folder, "-n"]))
        parameters.pop("config_directory", None)
    if parameters and host.read(layout.master_cf) is not None:
        services = parse_services(_ask(host, ["postconf", "-c", folder, "-M"]))
    version = defaults.get("mail_version", "0")
    return PostfixFacts(version, parameters, defaults, services, postfix_running(host, layout))


def _ask(host: Host, argv: list[str]) -> str:
    done = host.run(argv)
    if done.code:
        raise HostCannot(
            "Postfix cannot read its own configuration",
            hint="Mend what is named here first; mailctl has changed nothing.",
            details=[done.problem],
        )
    return done.stdout


def _assignments(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def parse_services(text: str) -> dict[str, str]:
    """`postconf -M`, by "name/type", each with single blanks."""
    lines = (" ".join(line.split()) for line in text.splitlines() if line.strip())
    return {"/".join(line.split(" ", 2)[:2]): line for line in lines}


def _opendkim(host: Host) -> OpendkimFacts:
    done = host.run(["opendkim", "-V"])
    text = done.stdout + done.stderr
    version = re.search(r"Filter v([\w.-]+)", text)
    running = tuple(daemon.name for daemon in DAEMONS if opendkim_running(host, daemon))
    algorithms = tuple(sorted(set(re.findall(r"\b(?:rsa|ed25519)-sha256\b", text))))
    return OpendkimFacts(version[1] if version else "unknown", algorithms, running)


def _packaged(host: Host, layout: Layout) -> frozenset[Path]:
    """The configuration files that dpkg's own list says are untouched."""
    if host.which("dpkg-query") is None:
        return frozenset()
    listed = host.run(["dpkg-query", "--show", "--showformat=${Conffiles}\n", "opendkim"]).stdout
    wanted = {str(layout.opendkim_conf)}
    entries = (line.split() for line in listed.splitlines())
    sums = {Path(entry[0]): entry[1] for entry in entries if len(entry) == 2 and entry[0] in wanted}
    return frozenset(path for path, digest in sums.items() if _md5(host, path) == digest)


def _md5(host: Host, path: Path) -> str:
    node = host.read(path)
    # dpkg's list is of MD5 sums; they tell an untouched file from a changed one, no more.
    return hashlib.md5(node.content, usedforsecurity=False).hexdigest() if node else ""
