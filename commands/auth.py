"""`mailctl auth check`: what a receiver makes of a message that was saved. Imports no database."""

import asyncio
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from mailctl.terminal import Invocation, invocation

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="SPF, DKIM and DMARC of a message.",
    epilog="Example: mailctl auth check message.eml",
)


@app.callback()
def auth() -> None:
    """One verb so far; without this Typer would take `check` for the file."""


@app.command(
    epilog="Example: mailctl auth check message.eml --ip 192.0.2.10 --mail-from bounces@shop.example"
)
def check(
    ctx: typer.Context,
    message: Annotated[Path, typer.Argument(help="A message as it was received; - reads it from stdin.")],
    ip: Annotated[
        str | None, typer.Option(help="The address that it came from. Default: from its Received fields.")
    ] = None,
    helo: Annotated[
        str | None, typer.Option(help="What that host said in HELO. Default: from Received.")
    ] = None,
    mail_from: Annotated[
        str | None, typer.Option(help="The envelope sender. Default: from its Return-Path.")
    ] = None,
    nameserver: Annotated[list[str] | None, typer.Option(help="A resolver, IP[:PORT]. Repeatable.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Evaluate SPF, DKIM and DMARC of a saved message as a receiver does now, and say why.

    Exit 0: DMARC passes; 1: it does not; 3: a server did not answer.
    """
    code = _check(invocation(ctx), message, (ip, helo, mail_from), nameserver or [], json=json)
    raise typer.Exit(asyncio.run(code))


async def _check(
    inv: Invocation,
    path: Path,
    said: tuple[str | None, str | None, str | None],
    nameservers: list[str],
    *,
    json: bool,
) -> int:
    from mailctl.domains.authentication import judge
    from mailctl.domains.saved_message import arrival, read_message
    from mailctl.look_views import message_facts, message_lines
    from mailctl.looking import show, tools_for, word

    ip, helo, mail_from = said
    client = word(ip_address, ip) if ip else None
    data = read_message(path)
    came = arrival(data, client=client, helo=helo, mail_from=mail_from)
    receiver = inv.settings().host.name or "localhost"
    async with tools_for(inv, nameservers) as tools:
        outcome = await judge(tools.dns, data, came.envelope, receiver=receiver, now=tools.now)
    show(
        inv,
        message_facts(str(path), came, outcome),
        list(message_lines(str(path), came, outcome)),
        json=json,
    )
    return {"pass": 0, "temperror": 3}.get(outcome.results("dmarc")[0], 1)
