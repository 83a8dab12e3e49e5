"""`mailctl host facts|plan|apply|undo`: Postfix and OpenDKIM on this host, for all stored domains."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from mailctl import host_views
from mailctl.domains import host_setup
from mailctl.domains.host_plan import HostPlan
from mailctl.domains.pointers import Pointer, pointers
from mailctl.domains.wiring import make_resolver
from mailctl.errors import Undetermined
from mailctl.settings import Settings
from mailctl.standards.dns import Address
from mailctl.terminal import Invocation, confirm, invocation, print_json

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Postfix and OpenDKIM on this host, for all domains that are stored.",
    epilog="Examples: mailctl host facts --json  |  mailctl host plan --check (exit 2: there are changes)  |"
    "  mailctl host apply --yes  |  mailctl host undo --all",
)
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Check = Annotated[bool, typer.Option("--check", help="Exit 2 when there are changes.")]


@app.command(epilog="Example: mailctl host facts --json | jq .public_addresses")
def facts(ctx: typer.Context, as_json: Json = False) -> None:
    """Say what this host is: name, addresses, software, Postfix as it is configured. Changes nothing."""
    inv = invocation(ctx)
    with host_setup.host_side(inv.settings()) as w:
        found = host_setup.host_facts(w)
    named = asyncio.run(_pointers(inv.settings(), found.public_addresses))
    if as_json:
        print_json(host_views.facts_report(found, named))
    else:
        host_views.show_facts(inv.out, found, named)


async def _pointers(settings: Settings, addresses: Sequence[Address]) -> tuple[Pointer, ...]:
    try:
        resolver = make_resolver(settings)
    except Undetermined as error:
        return tuple(Pointer(address, "unknown", detail=error.message) for address in addresses)
    async with resolver:
        return await pointers(resolver, addresses)


@app.command(epilog="Example: mailctl host plan --check || echo 'this host has drifted'")
def plan(ctx: typer.Context, as_json: Json = False, check: Check = False) -> None:
    """Show what apply would change: parameters, services, files with owner and mode. Changes nothing."""
    inv = invocation(ctx)
    with host_setup.host_side(inv.settings()) as w:
        planned = host_setup.plan_host(w)
    _show(inv, planned, as_json=as_json)
    if check and not planned.empty:
        raise typer.Exit(2)


@app.command(epilog="Example: mailctl host apply --dry-run; mailctl host apply --yes")
def apply(
    ctx: typer.Context,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what somebody else set up, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show the plan; stop.")] = False,
    check: Check = False,
    as_json: Json = False,
) -> None:
    """Change this host as planned; put everything back if a check or a reload fails.

    What a run that was killed had changed is put back first.
    """
    inv = invocation(ctx)
    with host_setup.host_side(inv.settings()) as w:
        dry = dry_run or check
        for entry in () if dry else host_setup.recover_host(w):
            inv.note(f"put back what a run that was cut off had changed ({entry.name})", -1)
        planned = host_setup.plan_host(w)
        _show(inv, planned, as_json=as_json)
        if dry:
            raise typer.Exit(2 if check and not planned.empty else 0)
        if not planned.empty:
            confirm(yes=yes)
            done = host_setup.apply_host(w, planned, force=force)
            inv.note(f"done; `mailctl host undo` takes it back ({done.name if done else 'nothing'})")


@app.command(epilog="Example: mailctl host undo --yes --all")
def undo(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Every apply: the host as it was found.")] = False,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Even where files were changed since.")] = False,
    as_json: Json = False,
) -> None:
    """Put back what the last apply changed: exact bytes, owners and modes."""
    inv = invocation(ctx)
    confirm(yes=yes)
    with host_setup.host_side(inv.settings()) as w:
        undone = host_setup.undo_host(w, force=force, everything=everything)
    if as_json:
        print_json([{"journal": entry.name, "files": [str(k.path) for k in entry.kept]} for entry in undone])
    for entry in undone if not as_json else ():
        inv.out.print(f"{entry.name}: {len(entry.kept)} files put back")
    if not undone and not as_json:
        inv.out.print("nothing to undo")


def _show(inv: Invocation, planned: HostPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(planned.report())
    else:
        host_views.show_host_plan(inv.out, planned)
