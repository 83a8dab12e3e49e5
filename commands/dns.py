"""`mailctl dns plan|apply|export|wait`: the DNS half of setup, step by step."""

import asyncio
from json import dumps
from typing import Annotated

import typer

from mailctl import views
from mailctl.domains import export
from mailctl.domains import setup as flow
from mailctl.domains.publish import must_be_seen
from mailctl.domains.request import Request
from mailctl.domains.wiring import MANUAL, wire
from mailctl.errors import BadInput
from mailctl.terminal import Invocation, confirm, invocation, print_json, print_text

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="What a domain's zone should say: plan it, publish it, export it, wait for it.",
    epilog="Examples: mailctl dns plan shop.example  |  mailctl dns export shop.example --format terraform  |"
    "  mailctl dns apply shop.example --dns rfc2136",
)


def _cell(text: str) -> str:
    """A value that stays in its cell: a record of others may hold what begins another."""
    return text.replace("\t", "\\t").replace("\n", "\\n")


FORMATS = {
    "zone": lambda records, _zone: export.zone_fragment(records),
    "table": lambda records, _zone: "".join(
        "\t".join(map(_cell, row)) + "\n" for row in export.rows(records)
    ),
    "json": lambda records, _zone: dumps(export.objects(records), indent=2) + "\n",
    "octodns": export.octodns,
    "terraform": export.terraform,
}
Domain = Annotated[str, typer.Argument(help="The domain that mail is sent from.", show_default=False)]
Dns = Annotated[str | None, typer.Option(help="manual, rfc2136, or a lexicon provider.")]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
Seconds = Annotated[int | None, typer.Option("--wait", help="Seconds to wait. Default: dns.wait_seconds.")]


@app.command(epilog="Example: mailctl dns plan shop.example --check || echo 'the zone has drifted'")
def plan(
    ctx: typer.Context,
    domain: Domain,
    dns: Dns = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 2 when there are changes.")] = False,
    json: Json = False,
) -> None:
    """Show what would be created, changed and kept, a record each. Changes nothing."""
    asyncio.run(_plan(invocation(ctx), domain, dns, check=check, json=json))


async def _plan(inv: Invocation, domain: str, dns: str | None, *, check: bool, json: bool) -> None:
    async with wire(inv.settings(), publisher=dns) as w:
        proposal = await flow.propose(w, Request(domain), with_host=False, proven=False)
    if json:
        print_json(views.zone_facts(proposal.zone_plan))
    else:
        views.show_zone_plan(inv.out, proposal.zone_plan, everything=inv.verbosity > 0)
    flow.guard(proposal, force=True)
    raise typer.Exit(2 if check and proposal.zone_plan.pending else 0)


@app.command(epilog="Example: mailctl dns apply shop.example --dns rfc2136 --yes")
def apply(
    ctx: typer.Context,
    domain: Domain,
    dns: Dns = None,
    wait: Seconds = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Carry out dangerous changes too.")] = False,
) -> None:
    """Publish the plan, read it back, and wait until every authoritative server has it."""
    inv = invocation(ctx)
    asyncio.run(_apply(inv, domain, dns, wait, yes=yes, force=force))


async def _apply(
    inv: Invocation, domain: str, dns: str | None, wait: int | None, *, yes: bool, force: bool
) -> None:
    async with wire(inv.settings(), publisher=dns) as w:
        if w.publisher is None:
            raise BadInput(
                "dns.publisher is manual: there is nothing that could write the zone",
                hint=f"mailctl dns export {domain} prints the records; or choose --dns rfc2136 or a provider",
            )
        proposal = await flow.propose(w, Request(domain), with_host=False)
        views.show_zone_plan(inv.out, proposal.zone_plan)
        flow.guard(proposal, force=force)
        if proposal.zone_plan.pending:
            confirm(yes=yes)
        seconds = w.settings.dns.wait_seconds if wait is None else wait
        with views.live_sightings(inv) as watch:
            await flow.carry_out_dns(w, proposal, wait_seconds=seconds, say=views.step(inv), watch=watch)


@app.command(name="export", epilog="Example: mailctl dns export shop.example --format terraform > shop.tf")
def export_(
    ctx: typer.Context,
    domain: Domain,
    format_: Annotated[str, typer.Option("--format", "-f", help=f"One of: {', '.join(FORMATS)}.")] = "zone",
) -> None:
    """Print the records that the zone should have, for whoever keeps it."""
    if format_ not in FORMATS:
        raise BadInput(f"there is no format {format_!r}", hint=f"one of: {', '.join(FORMATS)}")
    inv = invocation(ctx)
    asyncio.run(_export(inv, domain, format_))


async def _export(inv: Invocation, domain: str, format_: str) -> None:
    async with wire(inv.settings(), publisher=MANUAL) as w:
        proposal = await flow.propose_stored(w, domain)
    print_text(FORMATS[format_](proposal.zone_plan.records(), proposal.zone))


@app.command(epilog="Example: mailctl dns wait shop.example --wait 3600")
def wait(ctx: typer.Context, domain: Domain, seconds: Seconds = None, json: Json = False) -> None:
    """Wait, with a live display, until every authoritative server has every record."""
    asyncio.run(_wait(invocation(ctx), domain, seconds, json=json))


async def _wait(inv: Invocation, domain: str, seconds: int | None, *, json: bool) -> None:
    async with wire(inv.settings(), publisher=MANUAL) as w:
        proposal = await flow.propose_stored(w, domain)
        limit = w.settings.dns.wait_seconds if seconds is None else seconds
        with views.live_sightings(inv) as watch:
            sightings = await flow.wait_for_all(w, proposal, seconds=limit, watch=watch)
    if json:
        print_json(sightings)
    must_be_seen(domain, sightings)
    inv.note("every record is at every authoritative server")
