"""`mailctl spf tree|test`: where an SPF record leads, and what receivers come to. Imports no database."""

import asyncio
from ipaddress import ip_address
from typing import Annotated

import typer

from mailctl.terminal import Invocation, invocation

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="SPF: the tree of includes with its cost and whom it lets send; an evaluation with its trace.",
    epilog="Examples: mailctl spf tree shop.example  |  mailctl spf test shop.example 192.0.2.10",
)
Domain = Annotated[str, typer.Argument(help="The domain of the record.", show_default=False)]
Nameservers = Annotated[list[str] | None, typer.Option(help="A resolver, IP[:PORT]. Repeatable.")]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@app.command(epilog="Example: mailctl spf tree shop.example --json | jq -r .flattened")
def tree(ctx: typer.Context, domain: Domain, nameserver: Nameservers = None, json: Json = False) -> None:
    """Draw everything that a record includes, count its lookups, list whom it lets send, and flatten it.

    Exit 0: it can be evaluated; 1: it cannot (broken, missing, too many lookups); 3: a server did not answer.
    """
    raise typer.Exit(asyncio.run(_tree(invocation(ctx), domain, nameserver or [], json=json)))


async def _tree(inv: Invocation, domain: str, nameservers: list[str], *, json: bool) -> int:
    from mailctl.look_views import spf_facts, spf_lines
    from mailctl.looking import show, tools_for, word
    from mailctl.standards import spf_flatten
    from mailctl.standards.names import record_name
    from mailctl.standards.spf_check import LOOKUP_LIMIT
    from mailctl.standards.spf_tree import Branch, count

    name = word(record_name, domain)
    async with tools_for(inv, nameservers) as tools:
        found = await count(tools.dns, name)
        granted = await spf_flatten.grants(tools.dns, found)
    flat = spf_flatten.flatten(found, granted)
    seen = (found, granted, flat, spf_flatten.divided(name, flat) if found.record else ())
    show(inv, spf_facts(*seen), list(spf_lines(*seen)), json=json)
    branches = {node.branch for _, node in found.walk()}
    if found.lookups > LOOKUP_LIMIT or branches - {Branch.RECORD, Branch.MACRO, Branch.UNKNOWN}:
        return 1
    return 3 if Branch.UNKNOWN in branches else 0


@app.command(name="test", epilog="Example: mailctl spf test shop.example 192.0.2.10 --helo mail.shop.example")
def evaluation(
    ctx: typer.Context,
    domain: Domain,
    ip: Annotated[str, typer.Argument(help="The address that connects.", show_default=False)],
    helo: Annotated[str | None, typer.Option(help="What it says in HELO. Default: the domain.")] = None,
    mail_from: Annotated[
        str | None, typer.Option(help="The envelope sender, of that domain. Default: postmaster@DOMAIN.")
    ] = None,
    nameserver: Nameservers = None,
    json: Json = False,
) -> None:
    """Evaluate SPF as a receiver does, and show each step.

    Exit 0: pass; 1: anything else; 3: a server did not answer (temperror).
    """
    sender = f"postmaster@{domain}" if mail_from is None else mail_from
    code = _test(invocation(ctx), domain, ip, helo or domain, sender, nameserver or [], json=json)
    raise typer.Exit(asyncio.run(code))


async def _test(
    inv: Invocation, domain: str, ip: str, helo: str, sender: str, nameservers: list[str], *, json: bool
) -> int:
    from mailctl.errors import BadInput
    from mailctl.look_views import result_facts, result_lines
    from mailctl.looking import show, tools_for, word
    from mailctl.standards.names import record_name
    from mailctl.standards.spf_check import evaluate

    name, address = word(record_name, domain), word(ip_address, ip)
    local, _, its_domain = sender.rpartition("@")
    if word(record_name, its_domain) != name:
        raise BadInput(
            f"the sender is of {its_domain}, and SPF is evaluated for its domain",
            hint=f"mailctl spf test {its_domain} {ip}, or a sender at {domain}",
        )
    async with tools_for(inv, nameservers) as tools:
        result = await evaluate(tools.dns, ip=address, helo=helo, mail_from=f"{local}@{name}")
    show(inv, {"ip": str(address), **result_facts(result)}, list(result_lines(result)), json=json)
    return {"pass": 0, "temperror": 3}.get(result.result, 1)
