"""The difference between a host as it is and as it should be, for people to read before it is applied.

Promise: pure but for `look`, which reads the files that a plan is about; an empty plan means that apply would
change nothing; a private key is never shown; what would take away somebody's choice is among its `dangers`.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailctl.domains.host_desired import DesiredHost, FileWanted, Parameter, Service
from mailctl.domains.host_facts import HostFacts, PostfixFacts
from mailctl.domains.host_journal import digest
from mailctl.domains.host_services import config_of
from mailctl.edges.host import Host, Node
from mailctl.errors import HostCannot, Refused

OURS = "syslog_name=postfix/mailctl"  # marks the injection service, whatever its port was
_MARK = b"# Managed by mailctl"
# Postfix reads these when its master process starts, and not again (postconf(5)).
_NEEDS_RESTART = frozenset({"inet_interfaces", "inet_protocols", "queue_directory", "data_directory"})


@dataclass(frozen=True, slots=True)
class ParameterChange:
    """A parameter of main.cf; `before` is None if it was not set there."""

    name: str
    before: str | None
    after: str
    why: str
    danger: str = ""


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """An entry of master.cf; None where there is none."""

    key: str
    before: str | None
    after: str | None
    why: str
    danger: str = ""


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file or folder. `diff` is unified, and empty for secrets."""

    path: Path
    before: Node | None
    after: FileWanted | None
    diff: str = ""
    danger: str = ""

    @property
    def action(self) -> str:
        """create, change, mode (owner or mode only) or remove."""
        if self.before is None or self.after is None:
            return "create" if self.before is None else "remove"
        return "mode" if self.before.content == self.after.content else "change"


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What would be done, in order. `aliases`: postalias has to make this file.

    `basis` has a digest of everything that was looked at: apply refuses if it is no longer so.
    """

    desired: DesiredHost = field(repr=False)
    facts: HostFacts = field(repr=False)
    basis: Mapping[Path, str] = field(repr=False)
    parameters: tuple[ParameterChange, ...] = ()
    services: tuple[ServiceChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    aliases: Path | None = None
    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    start: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the host is as it should be."""
        return not (self.parameters or self.services or self.files or self.start or self.aliases)

    @property
    def dangers(self) -> tuple[str, ...]:
        """What needs --force, each with what it replaces."""
        found = [f"{c.name} = {c.before}: {c.danger}" for c in self.parameters if c.danger]
        found += [f"{c.key} in master.cf: {c.danger}" for c in self.services if c.danger]
        return (*found, *(f"{c.path}: {c.danger}" for c in self.files if c.danger))

    def report(self) -> dict[str, Any]:
        """The plan as plain data, without any secret."""
        return {
            "changes": not self.empty,
            "dangers": list(self.dangers),
            "parameters": [
                {"name": c.name, "before": c.before, "after": c.after, "why": c.why, "danger": c.danger}
                for c in self.parameters
            ],
            "services": [
                {"service": c.key, "before": c.before, "after": c.after, "why": c.why, "danger": c.danger}
                for c in self.services
            ],
            "files": [_file_facts(change) for change in self.files],
            "aliases": str(self.aliases) if self.aliases else None,
            "reload": list(self.reload),
            "restart": list(self.restart),
            "start": list(self.start),
            "unknown_parameters": list(self.desired.unknown),
        }


def _file_facts(change: FileChange) -> dict[str, Any]:
    return {
        "path": str(change.path),
        "action": change.action,
        "before": rights(change.before),
        "after": rights(change.after.node if change.after else None),
        "secret": bool(change.after and change.after.secret),
        "diff": change.diff,
        "danger": change.danger,
    }


def rights(node: Node | None) -> str | None:
    """Owner, group and mode in one word: "root:root 0644"; None for nothing."""
    return f"{node.owner}:{node.group} {node.mode:04o}" if node else None


def look(host: Host, desired: DesiredHost, facts: HostFacts) -> dict[Path, Node | None]:
    """What stands now at every path that the plan may touch."""
    layout = desired.layout
    paths = [layout.main_cf, layout.master_cf, *(wanted.path for wanted in desired.files), *facts.created]
    if database := _alias_database(facts):
        paths.append(database)
    return {path: host.read(path) for path in paths}


def make_plan(desired: DesiredHost, facts: HostFacts, present: Mapping[Path, Node | None]) -> HostPlan:
    """The plan. Raises HostCannot without Postfix, Refused where a link or device is in the way."""
    if facts.postfix is None:
        raise HostCannot("Postfix is not installed", hint="apt-get install postfix")
    _refuse_links(desired, present)
    parameters = tuple(_parameter_changes(desired.parameters, facts.postfix, facts.ours))
    services = tuple(_service_changes(desired.services, facts.postfix))
    files = (*_file_changes(desired, facts, present), *_removals(desired, facts, present))
    postfix_changed = bool(parameters or services) or any(
        change.path.is_relative_to(desired.layout.postfix) for change in files
    )
    database = _alias_database(facts)
    aliases = database if database and present.get(database) is None else None
    reload, restart, start = _daemons(desired, facts, files)
    if not facts.postfix.running:
        start.append("postfix")
    elif any(change.name in _NEEDS_RESTART for change in parameters):
        restart.append("postfix")
    elif postfix_changed or aliases:
        reload.append("postfix")
    return HostPlan(
        desired=desired,
        facts=facts,
        basis={path: digest(node) for path, node in present.items()},
        parameters=parameters,
        services=services,
        files=files,
        aliases=aliases,
        reload=tuple(reload),
        restart=tuple(restart),
        start=tuple(start),
    )


def _refuse_links(desired: DesiredHost, present: Mapping[Path, Node | None]) -> None:
    wanted = {item.path: item.kind for item in desired.files}
    reasons = [
        f"{path} is a {node.kind}, and should be a {wanted.get(path, 'file')}"
        for path, node in present.items()
        if node is not None
        and node.kind != wanted.get(path, node.kind if node.kind == "directory" else "file")
    ]
    if reasons:
        hint = "mailctl replaces files, and follows no links: put a plain file there, or move it away"
        raise Refused("something else is in the place of a file", details=reasons, hint=hint)


def _one_blank(text: str) -> str:
    return " ".join(text.split())


def _parameter_changes(
    wanted: Iterable[Parameter], postfix: PostfixFacts, ours: Mapping[str, str]
) -> Iterable[ParameterChange]:
    for parameter in wanted:
        before = postfix.parameters.get(parameter.name)
        value = _joined(parameter.value, before) if parameter.policy == "join" else parameter.value
        effective = before if before is not None else postfix.defaults.get(parameter.name, "")
        if _one_blank(effective) == value or (parameter.policy == "keep" and before is not None):
            continue
        danger = parameter.danger if _somebodys(parameter, before, ours) else ""
        yield ParameterChange(parameter.name, before, value, parameter.why, danger)


def _joined(ours: str, before: str | None) -> str:
    """The list that stands there, with those of our items that it lacks."""
    present = before or ""
    have = re.split(r"[,\s]+", present)
    missing = [item for item in re.split(r",\s*", ours) if item not in have]
    return _one_blank(", ".join([present.rstrip(", "), *missing] if present.strip() else missing))


def _somebodys(parameter: Parameter, before: str | None, ours: Mapping[str, str]) -> bool:
    """Whether a value was chosen by a person: neither by mailctl, nor by the package or its installer."""
    if before is None or parameter.policy == "join":
        return False
    text = _one_blank(before)
    if text in ("", _one_blank(ours.get(parameter.name, ""))):
        return False
    return not any(re.fullmatch(pattern, text) for pattern in parameter.stock)


def _service_changes(wanted: Iterable[Service], postfix: PostfixFacts) -> Iterable[ServiceChange]:
    keys = set()
    for service in wanted:
        keys.add(service.key)
        before = postfix.services.get(service.key)
        if before != service.line:
            foreign = before is not None and OURS not in before and not service.key.startswith("mailctl-")
            danger = "another service stands there" if foreign else ""
            yield ServiceChange(service.key, before, service.line, service.why, danger)
    for key, line in postfix.services.items():
        if key not in keys and (OURS in line or key.startswith("mailctl-")):
            yield ServiceChange(key, line, None, "mailctl no longer uses it")


def _file_changes(
    desired: DesiredHost, facts: HostFacts, present: Mapping[Path, Node | None]
) -> Iterable[FileChange]:
    for wanted in desired.files:
        before = present.get(wanted.path)
        if before == wanted.node or (wanted.kind == "directory" and before is not None and not wanted.secret):
            continue
        yield FileChange(
            wanted.path, before, wanted, _diff(before, wanted), _file_danger(wanted, before, facts)
        )


def _file_danger(wanted: FileWanted, before: Node | None, facts: HostFacts) -> str:
    """Somebody's own configuration must not vanish. Keys and certificates have paths of mailctl's own."""
    if before is None or wanted.secret or wanted.kind == "directory" or before.content == wanted.content:
        return ""
    if before.content.startswith((_MARK, b"-----BEGIN")) or wanted.path in facts.packaged:
        return ""
    return "somebody's own configuration would be replaced"


def _removals(
    desired: DesiredHost, facts: HostFacts, present: Mapping[Path, Node | None]
) -> Iterable[FileChange]:
    """What mailctl made once and wants no more. Folders stay: bounces or other files may be in them."""
    keep = {wanted.path for wanted in desired.files}
    keep |= {desired.layout.main_cf, desired.layout.master_cf, _alias_database(facts) or Path("/")}
    for path in facts.created:
        node = present.get(path)
        if path not in keep and node is not None and node.kind == "file":
            yield FileChange(path, node, None)


def _diff(before: Node | None, wanted: FileWanted) -> str:
    if wanted.secret or wanted.kind == "directory":
        return ""
    old = before.content.decode("utf-8", "replace").splitlines() if before else []
    new = wanted.content.decode("utf-8", "replace").splitlines()
    names = (str(wanted.path) if before else "/dev/null", str(wanted.path))
    return "\n".join(difflib.unified_diff(old, new, *names, n=1, lineterm=""))


def _daemons(
    desired: DesiredHost, facts: HostFacts, files: Iterable[FileChange]
) -> tuple[list[str], list[str], list[str]]:
    """Which OpenDKIM daemons to reload (tables, keys), restart (configuration) and start."""
    changed = {change.path for change in files}
    below = any(path.is_relative_to(desired.layout.opendkim) for path in changed)
    reload, restart, start = [], [], []
    for daemon in desired.daemons:
        if facts.opendkim is None or daemon.name not in facts.opendkim.running:
            start.append(daemon.name)
        elif config_of(daemon, desired.layout) in changed:
            restart.append(daemon.name)
        elif below:
            reload.append(daemon.name)
    return reload, restart, start


def _alias_database(facts: HostFacts) -> Path | None:
    """The file that postalias makes, if local(8) looks names up in a hash: whose source is there."""
    parameters = facts.postfix.parameters if facts.postfix else {}
    source = re.search(r"\bhash:(/[^,\s]+)", parameters.get("alias_database", "hash:/etc/aliases"))
    uses = "hash:" in parameters.get("alias_maps", "hash:/etc/aliases")
    return Path(f"{source[1]}.db") if source and uses and facts.has_aliases else None
