"""Carries a plan out on a host, or puts everything back; and undoes it later.

Promise: nothing is changed before a copy of it is on the disk; Postfix is edited by `postconf`, on a copy,
and the result goes live by renames; when a check, a reload or the disk fails, bytes, owners and modes are
what they were, and `ApplyFailed` tells why; a run that was killed is put back by `recover`; two runs at once
are refused.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from mailctl.domains import host_journal as journal_of
from mailctl.domains.host_facts import HostFacts, require
from mailctl.domains.host_journal import Change, Journal, Kept, State, digest, journals
from mailctl.domains.host_plan import HostPlan
from mailctl.domains.host_services import (
    DAEMONS,
    Layout,
    ServiceError,
    check_opendkim,
    check_postfix,
    config_of,
    listening,
    opendkim_running,
    postfix_running,
    reload_opendkim,
    reload_postfix,
    start_opendkim,
    stop_opendkim,
    stop_postfix,
)
from mailctl.edges.host import Host, Node
from mailctl.errors import ApplyFailed, HostCannot, Refused
from mailctl.failpoints import failpoint

FRESH = ".mailctl-new"  # a file waits under this ending until all of them are on the disk
_PRIVATE = Node("root", "root", 0o700, kind="directory")
_MAIN_CF = Node(
    "root", "root", 0o644, b"# See /usr/share/postfix/main.cf.dist for a commented, fuller version.\n"
)
_MASTER_DIST = Path("/usr/share/postfix/master.cf.dist")
UNITS = Path("/etc/systemd/system")


def lock(host: Host, layout: Layout) -> AbstractContextManager[None]:
    """Keep another mailctl away from this host; Refused while one is at work. Makes the state folder."""
    for folder in (*reversed(layout.state.parents), layout.state):
        if host.read(folder) is None:
            mode = 0o700 if folder == layout.state else 0o755
            host.write(folder, Node("root", "root", mode, kind="directory"))
    return host.lock(layout.state / "host.lock")


def apply(host: Host, plan: HostPlan, now: datetime, *, force: bool = False) -> Journal | None:
    """Carry out `plan`. The journal of what was done; None for an empty plan.

    Raises HostCannot (no root, no Postfix, no room: nothing changed), Refused (dangerous without `force`, an
    unfinished run, or a host that has changed since), ApplyFailed (put back).
    """
    require(plan.facts)
    if plan.empty:
        return None
    if plan.dangers and not force:
        hint = "Read them; then give --force to replace what stands there."
        raise Refused("the plan replaces what somebody else set up", details=plan.dangers, hint=hint)
    try:
        with lock(host, plan.desired.layout):
            _refuse_unfinished(host, plan.desired.layout)
            _refuse_stale(host, plan)
            _refuse_taken_ports(host, plan)
            changes, journal = _prepare(host, plan, now)
            return _carry_out(host, plan, changes, journal)
    except OSError as problem:
        hint = "Make room on the disk, then run this again."
        details = [str(problem)]
        raise HostCannot(
            "the journal cannot be written; nothing was changed", details=details, hint=hint
        ) from problem


def _prepare(host: Host, plan: HostPlan, now: datetime) -> tuple[Sequence[Change], Journal]:
    """Everything that can fail before anything is changed: the edited files, and a copy of the old ones."""
    layout = plan.desired.layout
    folder = journal_of.new_folder(host, layout.state, now)
    try:
        changes = (*_file_changes(plan), *_postfix_changes(host, plan, folder))
        parameters, running = _parameters(plan), running_services(host, layout)
        journal = journal_of.begin(host, folder, changes, parameters=parameters, running=running)
    except (OSError, HostCannot):
        _discard(host, folder)
        raise
    failpoint("host.journalled")
    return changes, journal


def _discard(host: Host, folder: Path) -> None:
    """Remove a journal in which nothing was recorded; it holds copies of files that nobody needs."""
    for name in host.names(folder):
        _discard(host, folder / name)
    host.remove(folder)


def _carry_out(host: Host, plan: HostPlan, changes: Sequence[Change], journal: Journal) -> Journal:
    layout, systemd = plan.desired.layout, plan.facts.systemd
    switching = False
    try:
        _install(host, changes)
        failpoint("host.installed")
        _check(host, plan)
        switching = True
        _switch(host, plan)
        failpoint("host.switched")
        done = replace(journal, state=State.APPLIED)
        journal_of.save(host, done)
    except BaseException as problem:
        _put_back(
            host,
            journal,
            layout,
            systemd=systemd,
            state=State.RESTORED,
            cause=problem,
            with_services=switching,
        )
        if not isinstance(problem, OSError | ServiceError):
            raise
        hint = "The host is as it was before. Mend the reason, then run this again."
        reasons = [str(problem)]
        raise ApplyFailed(
            "the host could not be changed, and was put back", details=reasons, hint=hint
        ) from problem
    return done


def _refuse_unfinished(host: Host, layout: Layout) -> None:
    unfinished = [item.name for item in journals(host, layout.state) if item.unfinished]
    if unfinished:
        hint = "`mailctl host undo` puts back what it had changed."
        raise Refused("an earlier run was cut off", details=unfinished, hint=hint)


def _refuse_stale(host: Host, plan: HostPlan) -> None:
    """The plan that was read must be the plan that is done."""
    changed = [str(path) for path, seen in plan.basis.items() if digest(host.read(path)) != seen]
    if changed:
        hint = "Plan again, and read the new plan."
        raise Refused("these files have changed since the plan was made", details=changed, hint=hint)


def _refuse_taken_ports(host: Host, plan: HostPlan) -> None:
    """A port that another program holds would end Postfix's master process, and mail with it."""
    layout = plan.desired.layout
    before = {change.key for change in plan.services if change.before is None}
    ports = [layout.injection_port] if f"127.0.0.1:{layout.injection_port}/inet" in before else []
    ports += [daemon.port for daemon in plan.desired.daemons if daemon.name in plan.start]
    taken = [f"127.0.0.1:{port}" for port in ports if listening(host, port)]
    if taken:
        hint = (
            "End that program (ss -ltnp names it), or choose another postfix.injection_port in the settings."
        )
        raise HostCannot("another program listens where mailctl must", details=taken, hint=hint)


def _parameters(plan: HostPlan) -> dict[str, str]:
    """Every parameter that is mailctl's doing from now on, so that a later plan knows its own values."""
    mine = {item.name for item in plan.desired.parameters}
    values = {name: value for name, value in plan.facts.ours.items() if name in mine}
    return values | {change.name: change.after for change in plan.parameters}


def _file_changes(plan: HostPlan) -> Iterable[Change]:
    for change in plan.files:
        yield Change(change.path, change.before, change.after.node if change.after else None)
    if plan.aliases is not None:
        yield Change(plan.aliases, None, None, generated=True)


def _postfix_changes(host: Host, plan: HostPlan, folder: Path) -> Iterable[Change]:
    """main.cf and master.cf as `postconf` edits a copy of them. Raises OSError for what postconf refuses."""
    layout = plan.desired.layout
    if not plan.parameters and not plan.services:
        return
    stage = folder / "stage"
    before = {path: host.read(path) for path in (layout.main_cf, layout.master_cf)}
    seeds = {layout.main_cf: _MAIN_CF, layout.master_cf: host.read(_MASTER_DIST)}
    host.write(stage, _PRIVATE)
    for path, node in before.items():
        source = node or seeds[path]
        if source is None:
            raise HostCannot(f"there is no {path}", hint="apt-get install --reinstall postfix")
        host.write(stage / path.name, Node("root", "root", 0o600, source.content))
    for argv in postconf_edits(plan):
        done = host.run(["postconf", "-c", str(stage), *argv])
        if done.code:
            details = [f"postconf {' '.join(argv)}: {done.problem}"]
            raise HostCannot(
                "Postfix does not take the change; nothing was changed",
                details=details,
                hint="mend what Postfix complains about, and run the same command again",
            )
    for path, node in before.items():
        edited = host.read(stage / path.name)
        rights = node or _MAIN_CF
        if edited is not None and (node is None or edited.content != node.content):
            yield Change(path, node, replace(rights, content=edited.content))
        host.remove(stage / path.name)
    host.remove(stage)


def postconf_edits(plan: HostPlan) -> Iterable[Sequence[str]]:
    """The arguments of the `postconf` calls that make the plan's changes."""
    if plan.parameters:
        yield ("-e", *(f"{change.name}={change.after}" for change in plan.parameters))
    for service in plan.services:
        if service.after is None:
            yield ("-MX", service.key)
        else:
            yield ("-M", f"{service.key}={service.after}")


def _install(host: Host, changes: Sequence[Change]) -> None:
    """Bring everything onto the disk under other names; then make it live by renames, which need no room."""
    for change in changes:
        if change.after is not None and change.after.kind == "directory":
            host.write(change.path, change.after)
        elif change.after is not None:
            host.write(_fresh(change.path), change.after)
    failpoint("host.staged")
    for change in changes:
        if change.after is not None and change.after.kind == "file":
            host.rename(_fresh(change.path), change.path)
        elif change.after is None and change.before is not None:
            host.remove(change.path)
        failpoint("host.renamed")


def _fresh(path: Path) -> Path:
    return path.with_name(path.name + FRESH)


def _check(host: Host, plan: HostPlan) -> None:
    """Ask the programs themselves whether they can live with their configuration."""
    layout = plan.desired.layout
    commands = []
    if plan.aliases is not None:
        commands.append(["postalias", "-c", str(layout.postfix), f"hash:{plan.aliases.with_suffix('')}"])
    commands.append(["postfix", "-c", str(layout.postfix), "check"])
    commands += [["opendkim", "-n", "-x", str(config_of(item, layout))] for item in plan.desired.daemons]
    for argv in commands:
        done = host.run(argv)
        if done.code:
            raise ServiceError(f"{' '.join(argv)}: {done.problem}")


def _switch(host: Host, plan: HostPlan) -> None:
    """Have the services take what is new: signers first, so that Postfix finds them."""
    layout, systemd = plan.desired.layout, plan.desired.systemd
    if systemd and any(change.path.is_relative_to(UNITS) for change in plan.files):
        host.run(["systemctl", "daemon-reload"])
    for daemon in plan.desired.daemons:
        if daemon.name in (*plan.start, *plan.restart):
            start_opendkim(host, daemon, layout, systemd=systemd)
        elif daemon.name in plan.reload:
            reload_opendkim(host, daemon)
        check_opendkim(host, daemon)
    if "postfix" in (*plan.start, *plan.restart, *plan.reload):
        reload_postfix(host, layout, systemd=systemd, restart="postfix" in plan.restart)
    check_postfix(host, layout)
    # Only the second daemon exists by mailctl's doing; the first is Debian's, and may serve others.
    for daemon in DAEMONS[1:]:
        if daemon not in plan.desired.daemons:
            stop_opendkim(host, daemon, systemd=systemd)


def running_services(host: Host, layout: Layout) -> tuple[str, ...]:
    """The names of those of our services that are up."""
    up = [daemon.name for daemon in DAEMONS if opendkim_running(host, daemon)]
    return (*up, "postfix") if postfix_running(host, layout) else tuple(up)


def recover(host: Host, layout: Layout, facts: HostFacts) -> tuple[Journal, ...]:
    """Put back what runs that were killed had changed; the journals that were put back, newest first.

    Raises Refused while another mailctl is at work, ApplyFailed when something cannot be put back yet.
    """
    if not any(item.unfinished for item in journals(host, layout.state)):
        return ()
    with lock(host, layout):
        found = [item for item in reversed(journals(host, layout.state)) if item.unfinished]
        return tuple(
            _put_back(
                host,
                item,
                layout,
                systemd=facts.systemd,
                state=State.RESTORED if item.state == State.APPLYING else State.UNDONE,
            )
            for item in found
        )


def undo(host: Host, layout: Layout, facts: HostFacts, *, force: bool = False) -> Journal | None:
    """Take back the last apply: exact bytes, owners and modes; files that it made are removed.

    A run that was cut off is put back instead. None where there is nothing to undo. Raises Refused when
    somebody has changed one of the files since, unless `force`; ApplyFailed when it does not work out.
    """
    if facts.uid != 0:
        raise HostCannot("only root may change Postfix and OpenDKIM", hint="Run this as root (sudo).")
    if recovered := recover(host, layout, facts):
        return recovered[0]
    with lock(host, layout):
        applied = [item for item in journals(host, layout.state) if item.state == State.APPLIED]
        if not applied:
            return None
        last = applied[-1]
        changed = [str(kept.path) for kept in last.kept if kept.changed_since(host.read(kept.path))]
        if changed and not force:
            hint = "--force puts the older state back all the same; your changes to these files are lost."
            raise Refused("these files were changed after mailctl set them up", details=changed, hint=hint)
        undoing = replace(last, state=State.UNDOING)
        journal_of.save(host, undoing)
        return _put_back(host, undoing, layout, systemd=facts.systemd, state=State.UNDONE)


def _put_back(
    host: Host,
    journal: Journal,
    layout: Layout,
    *,
    systemd: bool,
    state: State,
    cause: BaseException | None = None,
    with_services: bool = True,
) -> Journal:
    """Files first, then services; then the journal says so. ApplyFailed if that fails too."""
    try:
        if with_services:
            _stop_unwanted(host, journal, layout, systemd=systemd)
        for kept in reversed(journal.kept):
            _restore(host, journal, kept)
        if systemd and any(kept.path.is_relative_to(UNITS) for kept in journal.kept):
            host.run(["systemctl", "daemon-reload"])
        if with_services:
            _restart_wanted(host, journal, layout, systemd=systemd)
        done = replace(journal, state=state)
        journal_of.save(host, done)
    except (OSError, ServiceError) as problem:
        reasons = [str(problem), *([f"it was being put back because: {cause}"] if cause else [])]
        hint = f"Mend the reason, then run `mailctl host undo`: {journal.folder} holds what was there."
        raise ApplyFailed(
            "the host could not be put back completely", details=reasons, hint=hint
        ) from problem
    return done


def _restore(host: Host, journal: Journal, kept: Kept) -> None:
    host.remove(_fresh(kept.path))
    before = journal_of.before(host, journal, kept)
    present = host.read(kept.path)
    if before is not None:
        if present != before:
            host.write(kept.path, before)
    elif present is not None and not (present.kind == "directory" and host.names(kept.path)):
        host.remove(kept.path)  # a folder in which something has been kept since stays


def _stop_unwanted(host: Host, journal: Journal, layout: Layout, *, systemd: bool) -> None:
    """Services that the apply started are stopped while their configuration still stands."""
    if "postfix" not in journal.running:
        stop_postfix(host, layout, systemd=systemd)
    for daemon in DAEMONS:
        if daemon.name not in journal.running:
            stop_opendkim(host, daemon, systemd=systemd)


def _restart_wanted(host: Host, journal: Journal, layout: Layout, *, systemd: bool) -> None:
    for daemon in DAEMONS:
        if daemon.name in journal.running:
            start_opendkim(host, daemon, layout, systemd=systemd)
    if "postfix" in journal.running:
        reload_postfix(host, layout, systemd=systemd)
