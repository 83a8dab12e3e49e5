"""`mailctl domain add|list|show|remove`: the domains that mail is sent from."""

import asyncio
from typing import Annotated, Any

import typer
from rich.table import Table

from mailctl.domains import keys as key_flow
from mailctl.domains import registry
from mailctl.domains import setup as flow
from mailctl.domains.request import Request, given_addresses
from mailctl.domains.wiring import MANUAL, Wiring, wire
from mailctl.store.tables import DmarcPolicy
from mailctl.store.tables import Domain as Row
from mailctl.terminal import Invocation, confirm, invocation, print_json, safe

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The domains that mail is sent from. `setup` adds one by itself; `add` only makes its keys.",
    epilog="Examples: mailctl domain add shop.example --tenant shop  |  mailctl domain list --json",
)
Name = Annotated[str, typer.Argument(help="The domain that mail is sent from.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


@app.command(epilog="Example: mailctl domain add shop.example --tenant shop --ip 192.0.2.10")
def add(
    ctx: typer.Context,
    name: Name,
    tenant: Annotated[str | None, typer.Option(help="Whose domain it is. Default: 'default'.")] = None,
    hostname: Annotated[str | None, typer.Option(help="The full name of the sending host.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="An address mail leaves from; repeatable.")] = None,
    dmarc: Annotated[DmarcPolicy | None, typer.Option(help="The DMARC policy to publish.")] = None,
    delegate: Annotated[bool | None, typer.Option(help="Whether two CNAMEs delegate its DKIM keys.")] = None,
    json: Json = False,
) -> None:
    """Store a domain and make its keys. Neither this host nor the zone is touched."""
    request = Request(name, tenant, hostname, given_addresses(ip or []), dmarc, delegated=delegate)
    inv = invocation(ctx)
    facts = asyncio.run(_add(inv, request))
    if json:
        print_json(facts)
    else:
        inv.out.print(f"added {safe(facts['name'])}: {', '.join(k['selector'] for k in facts['keys'])}")


async def _add(inv: Invocation, request: Request) -> dict[str, Any]:
    async with wire(inv.settings(), publisher=MANUAL) as w:
        row = flow.add_domain(w, request)
        return _facts(w, row)


@app.command(name="list", epilog="Example: mailctl domain list --tenant shop --json | jq -r '.[].name'")
def list_(
    ctx: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="Only those of one tenant.")] = None,
    json: Json = False,
) -> None:
    """The domains, by name."""
    inv = invocation(ctx)
    found = asyncio.run(_list(inv, tenant))
    if json:
        print_json(found)
        return
    table = Table("domain", "tenant", "host", "dmarc", "keys", box=None, pad_edge=False)
    for one in found:
        active = (
            ", ".join(key["selector"] for key in one["keys"] if key["state"] == "active") or "none sign yet"
        )
        cells = (one["name"], one["tenant"], one["hostname"] or "", one["dmarc_policy"] or "as it is", active)
        table.add_row(*map(safe, cells))
    inv.out.print(table)


async def _list(inv: Invocation, tenant: str | None) -> list[dict[str, Any]]:
    async with wire(inv.settings(), publisher=MANUAL) as w:
        return [_facts(w, row) for row in w.store.domains.list(tenant)]


@app.command(epilog="Example: mailctl domain show shop.example --json")
def show(ctx: typer.Context, name: Name, json: Json = False) -> None:
    """One domain with its keys."""
    inv = invocation(ctx)
    found = asyncio.run(_show(inv, name))
    if json:
        print_json(found)
        return
    for key, value in found.items():
        if key != "keys":
            inv.out.print(f"{key:14} {safe(str(value))}")
    for key in found["keys"]:
        inv.out.print(f"{'key':14} {key['selector']} {key['algorithm']} {key['state']} since {key['since']}")


async def _show(inv: Invocation, name: str) -> dict[str, Any]:
    async with wire(inv.settings(), publisher=MANUAL) as w:
        return _facts(w, w.store.domains.need(name))


@app.command(epilog="Example: mailctl domain remove shop.example --yes")
def remove(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget a domain and its keys. The zone is left as it is; `mailctl host apply` then stops signing for it."""
    inv = invocation(ctx)
    confirm(yes=yes)
    asyncio.run(_remove(inv, name))
    inv.note(f"forgotten: {safe(name)}; next: mailctl host apply")


async def _remove(inv: Invocation, name: str) -> None:
    async with wire(inv.settings(), publisher=MANUAL) as w:
        registry.forget(w, w.store.domains.need(name))


def _facts(w: Wiring, row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "tenant": registry.tenant_of(w, row),
        "hostname": row.hostname,
        "dmarc_policy": row.dmarc_policy.value if row.dmarc_policy else None,
        "delegated": row.delegated,
        "receives_mail": row.receives_mail,
        "created_at": row.created_at.isoformat(),
        "keys": key_flow.facts(w, row.name),
    }
