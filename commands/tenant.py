"""`mailctl tenant`: who mail is sent for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mailctl.store import Store
    from mailctl.store.tables import Domain, Tenant

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Add, list, show, suspend, resume or remove tenants.",
    epilog="Examples: mailctl tenant add shop  |  mailctl tenant list --json  |  mailctl tenant suspend shop",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help="The tenant: 1 to 63 of a-z, 0-9 and hyphens.")]


@contextmanager
def _store(ctx: typer.Context) -> "Iterator[Store]":
    from mailctl.store import open_store
    from mailctl.terminal import invocation

    with open_store(invocation(ctx).settings().store.url) as store:
        yield store


def _facts(tenant: "Tenant", domains: "tuple[Domain, ...]" = ()) -> dict[str, Any]:
    return {
        "name": tenant.name,
        "id": str(tenant.id),
        "state": tenant.state,
        "created_at": tenant.created_at.isoformat(),
        "domains": [domain.name for domain in domains],
    }


def _say(ctx: typer.Context, what: str, tenant: "Tenant", as_json: bool) -> None:
    from mailctl.terminal import invocation, print_json, safe

    if as_json:
        print_json(_facts(tenant))
    else:
        invocation(ctx).out.print(f"{what} {safe(tenant.name)}")


@app.command(epilog="Example: mailctl tenant add acme")
def add(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Add a tenant."""
    with _store(ctx) as store:
        _say(ctx, "added", store.tenants.add(name), as_json)


@app.command("list", epilog="Example: mailctl tenant list --json | jq -r '.[].name'")
def list_(ctx: typer.Context, as_json: Json = False) -> None:
    """List the tenants, with the number of their domains."""
    from mailctl.terminal import invocation, print_json, safe

    with _store(ctx) as store:
        tenants, domains = store.tenants.list(), store.domains.list()
    rows = [_facts(t, tuple(d for d in domains if d.tenant_id == t.id)) for t in tenants]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        invocation(ctx).out.print(f"{safe(row['name'])}  {row['state']}  {len(row['domains'])} domains")


@app.command(epilog="Example: mailctl tenant show acme")
def show(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a tenant and its domains."""
    from mailctl.terminal import invocation, print_json, safe

    with _store(ctx) as store:
        facts = _facts(store.tenants.need(name), store.domains.list(name))
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        shown = (", ".join(value) or "none") if isinstance(value, list) else value
        invocation(ctx).out.print(f"{key}: {safe(shown)}")


@app.command(epilog="Example: mailctl tenant suspend acme")
def suspend(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Set nothing up for a tenant any more. What its domains' hosts send already is not stopped."""
    with _store(ctx) as store:
        _say(ctx, "suspended", store.tenants.suspend(name), as_json)


@app.command(epilog="Example: mailctl tenant resume acme")
def resume(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Set up domains of a suspended tenant again."""
    with _store(ctx) as store:
        _say(ctx, "resumed", store.tenants.resume(name), as_json)


@app.command(epilog="Example: mailctl tenant remove acme --force")
def remove(
    ctx: typer.Context,
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Forget its domains and their keys too.")] = False,
    as_json: Json = False,
) -> None:
    """Remove a tenant. Refused while it has domains, unless --force is given: then their keys go too."""
    from mailctl.domains.wiring import key_directory
    from mailctl.edges.key_files import KeyFiles
    from mailctl.terminal import invocation, print_json, safe

    files = KeyFiles(key_directory(invocation(ctx).settings()))
    with _store(ctx) as store:
        keys = [(d.name, key.selector) for d in store.domains.list(name) for key in store.keys.list(d)]
        domains = store.tenants.remove(name, force=force)
    for domain, selector in keys:
        files.remove(domain, selector)
    if as_json:
        print_json({"removed": name, "domains": domains})
        return
    also = f", with {', '.join(domains)}" if domains else ""
    invocation(ctx).out.print(f"removed {safe(name)}{safe(also)}")
    if domains:
        invocation(ctx).note("next: mailctl host apply, which stops signing for them")
