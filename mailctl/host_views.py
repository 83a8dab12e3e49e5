"""How a host's facts and plans look on a terminal: a readable diff that also reads without colour.

Promise: prints only; every value from outside goes through `terminal.safe`; no secret is in what it gets.
"""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from mailctl.domains.host_facts import HostFacts
from mailctl.domains.host_plan import FileChange, HostPlan, rights
from mailctl.domains.pointers import Pointer
from mailctl.terminal import safe

SIGNS = {"create": ("+", "green"), "change": ("~", "yellow"), "mode": ("~", "yellow"), "remove": ("-", "red")}


def facts_report(facts: HostFacts, pointers: Sequence[Pointer]) -> dict[str, Any]:
    """The facts as plain data: what a person or another program wants to know."""
    postfix, opendkim = facts.postfix, facts.opendkim
    return {
        "name": facts.name,
        "system": facts.system,
        "systemd": facts.systemd,
        "public_addresses": [str(address) for address in facts.public_addresses],
        "pointers": [
            {"address": str(p.address), "state": p.state, "names": list(p.names), "detail": p.detail}
            for p in pointers
        ],
        "private_addresses": [str(address) for address in facts.private_addresses],
        "postfix": postfix
        and {
            "version": postfix.version,
            "running": postfix.running,
            "parameters": dict(postfix.parameters),
            "services": dict(postfix.services),
        },
        "opendkim": opendkim
        and {
            "version": opendkim.version,
            "algorithms": list(opendkim.algorithms),
            "running": list(opendkim.running),
        },
        "set_by_mailctl": dict(facts.ours),
    }


def show_facts(out: Console, facts: HostFacts, pointers: Sequence[Pointer]) -> None:
    """Names, addresses, software, and what of Postfix is configured."""
    out.print(f"[bold]{safe(facts.name)}[/]  {safe(facts.system)}{', systemd' if facts.systemd else ''}")
    out.print(f"  addresses  {', '.join(map(str, facts.public_addresses)) or 'none that is public'}")
    for pointer in pointers:
        style = {"confirmed": "green", "unknown": "magenta"}.get(pointer.state, "yellow")
        names = safe(", ".join(pointer.names))
        out.print(
            f"  PTR        {pointer.address} [{style}]{pointer.state}[/] {names} {safe(pointer.detail)}".rstrip()
        )
    for name, found in (("postfix", facts.postfix), ("opendkim", facts.opendkim)):
        if found is None:
            out.print(f"  {name:9}  [red]not installed[/]: apt-get install {name}")
        else:
            out.print(f"  {name:9}  {safe(found.version)}, {'running' if found.running else 'not running'}")
    for name, value in facts.postfix.parameters.items() if facts.postfix else ():
        mark = "  [dim](mailctl)[/]" if facts.ours.get(name) == value else ""
        out.print(f"    {safe(name)} = {safe(value)}{mark}")


def show_host_plan(out: Console, plan: HostPlan) -> None:
    """Parameters, services, files with owner and mode, services to start; or that there is nothing to do."""
    out.print(f"[bold]This host[/], {safe(plan.facts.name)}")
    if plan.empty:
        out.print("  [green]as it should be[/]")
        return
    for parameter in plan.parameters:
        _show_pair(out, f"main.cf {parameter.name}", parameter.before, parameter.after, parameter.why)
    for service in plan.services:
        _show_pair(out, f"master.cf {service.key}", service.before, service.after, service.why)
    for change in plan.files:
        _show_file(out, change)
    if plan.aliases is not None:
        out.print(f"  [green]+[/] {safe(str(plan.aliases))}  [dim]made by postalias[/]")
    for word, names in (("start", plan.start), ("restart", plan.restart), ("reload", plan.reload)):
        if names:
            out.print(f"  {word} {', '.join(names)}")
    for danger in plan.dangers:
        out.print(f"  [bold red]! dangerous:[/] {safe(danger)}")


def _show_pair(out: Console, what: str, before: str | None, after: str | None, why: str) -> None:
    action = "create" if before is None else "remove" if after is None else "change"
    sign, style = SIGNS[action]
    out.print(f"  [{style}]{sign}[/] {safe(what)}  [dim]{safe(why)}[/]")
    if before is not None:
        out.print(f"      [red]- {safe(before)}[/]")
    if after is not None:
        out.print(f"      [green]+ {safe(after)}[/]")


def _show_file(out: Console, change: FileChange) -> None:
    sign, style = SIGNS[change.action]
    before, after = rights(change.before), rights(change.after.node if change.after else None)
    change_of_rights = " → ".join(dict.fromkeys(text for text in (before, after) if text))
    secret = "  [dim](secret: not shown)[/]" if change.after and change.after.secret else ""
    folder = "/" if change.after and change.after.kind == "directory" else ""
    out.print(f"  [{style}]{sign}[/] {safe(str(change.path))}{folder}  {change_of_rights}{secret}")
    for line in change.diff.splitlines()[2:]:
        colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
        out.print(f"      [{colour}]{safe(line)}[/]")
