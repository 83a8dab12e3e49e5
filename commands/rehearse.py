"""`mailctl rehearse DOMAIN`: the proof, before anything is published."""

import asyncio
from typing import Annotated

import typer

from mailctl import views
from mailctl.domains import setup as flow
from mailctl.domains.request import Request, given_addresses
from mailctl.domains.wiring import wire
from mailctl.terminal import Invocation, invocation, print_json

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Examples: mailctl rehearse shop.example  |  mailctl rehearse shop.example --live --json",
)
def rehearse(
    ctx: typer.Context,
    domain: Annotated[str, typer.Argument(help="The domain that mail is sent from.", show_default=False)],
    hostname: Annotated[str | None, typer.Option(help="The full name of the sending host.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="An address mail leaves from; repeatable.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Judge by the DNS as it is, not by the plan.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Serve the planned zone here, send a signed message to a receiver here, and show what it makes of it.

    Needs no root and changes nothing. Exit 1 where SPF, DKIM or DMARC does not pass.
    """
    request = Request(domain, hostname=hostname, addresses=given_addresses(ip or []))
    asyncio.run(_run(invocation(ctx), request, live=live, json=json))


async def _run(inv: Invocation, request: Request, *, live: bool, json: bool) -> None:
    async with wire(inv.settings(), publisher="manual") as w:
        proposal = await flow.propose(w, request, with_host=False, proven=not live)
        rehearsal = proposal.rehearsal or (await flow.prove(w, proposal)).rehearsal
        if json:
            print_json(views.rehearsal_facts(rehearsal))
        else:
            views.show_rehearsal(inv.out, rehearsal)
        raise typer.Exit(0 if rehearsal.passed else 1)
