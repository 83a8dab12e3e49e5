"""`mailctl dkim list|rotate|retire|check`: the signing keys of a domain. `check` needs no database."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from mailctl.terminal import Invocation, confirm, invocation, print_json, safe

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The DKIM keys of a domain: list them, rotate them, retire the old ones; check any selector.",
    epilog="Examples: mailctl dkim list shop.example  |  mailctl dkim rotate shop.example --dns rfc2136 --yes  |"
    "  mailctl dkim retire shop.example",
)
Domain = Annotated[str, typer.Argument(help="The domain that mail is sent from.", show_default=False)]
Dns = Annotated[str | None, typer.Option(help="manual, rfc2136, or a lexicon provider.")]
Host = Annotated[bool, typer.Option(help="Whether OpenDKIM on this host is to sign with the new keys.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[int | None, typer.Option(help="Seconds to wait for the DNS. Default: dns.wait_seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@app.command(name="list", epilog="Example: mailctl dkim list shop.example --json | jq -r '.[].selector'")
def list_(ctx: typer.Context, domain: Domain, json: Json = False) -> None:
    """The keys with their selectors, states and times."""
    inv = invocation(ctx)
    rows = asyncio.run(_list(inv, domain))
    if json:
        print_json(rows)
        return
    table = Table("selector", "algorithm", "state", "since", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(safe(str(row[name] or "")) for name in ("selector", "algorithm", "state", "since")))
    inv.out.print(table)


async def _list(inv: Invocation, domain: str) -> list[dict[str, str]]:
    from mailctl.domains import keys as key_flow
    from mailctl.domains.wiring import MANUAL, wire

    async with wire(inv.settings(), publisher=MANUAL) as w:
        return key_flow.facts(w, w.store.domains.need(domain).name)


@app.command(epilog="Example: mailctl dkim rotate shop.example --dns rfc2136 --yes")
def rotate(
    ctx: typer.Context,
    domain: Domain,
    dns: Dns = None,
    host: Host = True,
    wait: Wait = None,
    yes: Yes = False,
) -> None:
    """Make a new pair, publish it, see it at every authoritative server, and sign with it.

    An interrupted rotation goes on where it was. The old keys stay published for dkim.overlap_days.
    """
    asyncio.run(_rotate(invocation(ctx), domain, dns, wait, host=host, yes=yes))


async def _rotate(
    inv: Invocation, domain: str, dns: str | None, wait: int | None, *, host: bool, yes: bool
) -> None:
    from mailctl import views
    from mailctl.domains import keys as key_flow
    from mailctl.domains import setup as flow
    from mailctl.domains.wiring import wire

    async with wire(inv.settings(), publisher=dns) as w:
        proposal = await key_flow.propose_rotation(w, domain, with_host=host)
        views.show_proposal(inv.out, proposal)
        flow.guard(proposal, force=False)
        confirm(yes=yes)
        seconds = w.settings.dns.wait_seconds if wait is None else wait
        with views.live_sightings(inv) as watch:
            await flow.carry_out(w, proposal, wait_seconds=seconds, say=views.step(inv), watch=watch)
        until = key_flow.overlap_ends(w, proposal.domain.name)
    inv.note(f"done; the old keys stay published until {until:%Y-%m-%d %H:%M} UTC, then: mailctl dkim retire {domain}"
             if until else "done")  # fmt: skip


@app.command(epilog="Example: mailctl dkim retire shop.example --dns rfc2136 --yes")
def retire(
    ctx: typer.Context,
    domain: Domain,
    dns: Dns = None,
    yes: Yes = False,
    force: Annotated[bool, typer.Option("--force", help="Also before the overlap has passed.")] = False,
) -> None:
    """Take keys that no longer sign out of the zone, once their overlap has passed."""
    asyncio.run(_retire(invocation(ctx), domain, dns, yes=yes, force=force))


async def _retire(inv: Invocation, domain: str, dns: str | None, *, yes: bool, force: bool) -> None:
    from mailctl.domains import keys as key_flow
    from mailctl.domains import registry
    from mailctl.domains.wiring import wire

    async with wire(inv.settings(), publisher=dns) as w:
        retirement = await key_flow.propose_retirement(w, domain, force=force)
        if not retirement.selectors:
            inv.note("nothing to retire")
            return
        inv.out.print(f"to be retired: {', '.join(retirement.selectors)}")
        confirm(yes=yes)
        await key_flow.retire(w, retirement)
        left = [row.selector for row in registry.key_rows(w, retirement.domain)]
    inv.note(f"retired; keys left: {', '.join(left)}")


@app.command(epilog="Example: mailctl dkim check shop.example s2026 --nameserver 9.9.9.9")
def check(
    ctx: typer.Context,
    domain: Annotated[
        str, typer.Argument(help="The domain of d=; it need not be stored.", show_default=False)
    ],
    selector: Annotated[str, typer.Argument(help="The selector of s=.", show_default=False)],
    nameserver: Annotated[list[str] | None, typer.Option(help="A resolver, IP[:PORT]. Repeatable.")] = None,
    json: Json = False,
) -> None:
    """Judge the key that is published at a selector; one of the store must be that of the private key held here.

    Exit 0: it can be used; 1: it cannot; 3: a server did not answer.
    """
    code = _check(invocation(ctx), domain, selector, nameserver or [], json=json)
    raise typer.Exit(asyncio.run(code))


async def _check(inv: Invocation, domain: str, selector: str, nameservers: list[str], *, json: bool) -> int:
    from mailctl.domains.checks.dkim import check_selector
    from mailctl.domains.findings import Report, sort
    from mailctl.looking import held_key, show_report, tools_for, word
    from mailctl.standards.names import domain_name, selector_name
    from mailctl.verifying import exit_code

    name, key = word(domain_name, domain), word(selector_name, selector)
    async with tools_for(inv, nameservers) as tools:
        findings = await check_selector(tools, name, key, held_key(inv.settings(), name, key))
    report = Report(name, sort(findings))
    show_report(inv, report, json=json)
    return exit_code({finding.severity for finding in report.findings})
