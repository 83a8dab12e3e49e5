"""`mailctl setup DOMAIN`: facts → plan → apply → publish → prove, in one command."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

import typer

from mailctl import views
from mailctl.domains import setup as flow
from mailctl.domains.host_setup import host_side, recover_host, undo_host
from mailctl.domains.request import Request, given_addresses
from mailctl.domains.wiring import wire
from mailctl.errors import BadInput
from mailctl.settings import Settings
from mailctl.store.tables import DmarcPolicy
from mailctl.terminal import Invocation, confirm, invocation, print_json

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Examples: mailctl setup shop.example --dry-run  |  mailctl setup shop.example --dns rfc2136 --yes  |"
    "  mailctl setup shop.example --check (exit 2: there are changes)  |  mailctl setup --undo",
)
def setup(
    ctx: typer.Context,
    domain: Annotated[
        str, typer.Argument(help="The domain that mail is sent from.", show_default=False)
    ] = "",
    tenant: Annotated[
        str | None, typer.Option(help="Whose domain it is. Default: as stored, or 'default'.")
    ] = None,
    hostname: Annotated[
        str | None, typer.Option(help="The full name of this host. Default: found out.")
    ] = None,
    ip: Annotated[list[str] | None, typer.Option(help="An address mail leaves from; repeatable.")] = None,
    dns: Annotated[str | None, typer.Option(help="manual, rfc2136, or a lexicon provider.")] = None,
    dmarc: Annotated[DmarcPolicy | None, typer.Option(help="The DMARC policy to publish.")] = None,
    receive: Annotated[
        bool | None, typer.Option(help="Whether this host takes the domain's mail (MX).")
    ] = None,
    delegate: Annotated[bool | None, typer.Option(help="Whether two CNAMEs delegate its DKIM keys.")] = None,
    host: Annotated[bool, typer.Option(help="Whether to set up Postfix and OpenDKIM on this host.")] = True,
    wait: Annotated[
        int | None, typer.Option(help="Seconds to wait for the DNS. Default: dns.wait_seconds.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show the plan and the rehearsal; stop.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="As --dry-run, and exit 2 when there are changes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Carry out dangerous changes too.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put this host back to how it was before the first setup.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Take this host and a domain to mail that is proven to authenticate."""
    inv = invocation(ctx)
    settings = inv.settings()
    if undo:
        _undo(inv, settings, yes=yes, force=force, json=json)
        return
    if not domain:
        raise BadInput("which domain?", hint="mailctl setup DOMAIN")
    request = Request(domain, tenant, hostname, given_addresses(ip or []), dmarc, receive, delegate)
    how = How(
        host, dry_run or check, check, yes, force, json, settings.dns.wait_seconds if wait is None else wait
    )
    asyncio.run(_run(inv, settings, request, dns, how))


@dataclass(frozen=True)
class How:
    """What was said about the run itself. `wait`: seconds."""

    host: bool
    dry: bool
    check: bool
    yes: bool
    force: bool
    json: bool
    wait: int


async def _run(inv: Invocation, settings: Settings, request: Request, dns: str | None, how: How) -> None:
    async with wire(settings, publisher=dns) as w:
        for entry in recover_host(w) if how.host and not how.dry else ():
            inv.note(f"put back what a run that was cut off had changed ({entry.name})", -1)
        proposal = await flow.propose(w, request, with_host=how.host)
        if how.json and how.dry:
            print_json(views.proposal_facts(proposal))
        elif not how.json:
            views.show_proposal(inv.out, proposal, everything=inv.verbosity > 0)
        flow.guard(proposal, force=how.force)
        if how.dry:
            raise typer.Exit(2 if how.check and not proposal.empty else 0)
        if not proposal.empty:
            confirm(yes=how.yes)
            with views.live_sightings(inv) as watch:
                await flow.carry_out(w, proposal, wait_seconds=how.wait, say=views.step(inv), watch=watch)
        proof = await flow.prove(w, proposal)
        views.show_proof(inv, proof, json=how.json)
        raise typer.Exit(0 if proof.holds else 1)


def _undo(inv: Invocation, settings: Settings, *, yes: bool, force: bool, json: bool) -> None:
    confirm(yes=yes)
    with host_side(settings) as w:
        undone = undo_host(w, force=force, everything=True)
    if json:
        print_json([{"journal": journal.name} for journal in undone])
    elif undone:
        inv.out.print(
            f"this host is as mailctl found it: {len(undone)} runs undone. The zone was not touched."
        )
    else:
        inv.out.print("there is nothing to undo on this host")
