"""`mailctl dmarc policy`: which policy is in force for a name, and why. Imports no database."""

import asyncio
from typing import Annotated

import typer

from mailctl.terminal import Invocation, invocation

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="DMARC: the policy that receivers find for a name.",
    epilog="Example: mailctl dmarc policy news.shop.example",
)


@app.callback()
def dmarc() -> None:
    """One verb so far; without this Typer would take `policy` for the name."""


@app.command(epilog="Example: mailctl dmarc policy news.shop.example --json | jq -r .effective")
def policy(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A domain as in the From of a message.", show_default=False)],
    nameserver: Annotated[list[str] | None, typer.Option(help="A resolver, IP[:PORT]. Repeatable.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Walk the tree as receivers do: where the record is, which of p, sp and np applies to this very name, and why.

    Exit 0: a policy is in force; 1: none is; 3: a server did not answer.
    """
    raise typer.Exit(asyncio.run(_policy(invocation(ctx), name, nameserver or [], json=json)))


async def _policy(inv: Invocation, text: str, nameservers: list[str], *, json: bool) -> int:
    from mailctl.look_views import policy_facts, policy_lines
    from mailctl.looking import show, tools_for, word
    from mailctl.standards import dmarc as standard
    from mailctl.standards.names import record_name

    name = word(record_name, text)
    async with tools_for(inv, nameservers) as tools:
        found = await standard.discover(tools.dns, name)
        answer = await tools.ask(f"_dmarc.{found.domain or name}", "TXT")
    record = next((one for one in answer.texts() if standard.is_record(one)), "") if found.record else ""
    show(inv, policy_facts(found, record), list(policy_lines(found, record)), json=json)
    return {"found": 0, "none": 1, "temperror": 3}[found.status]
