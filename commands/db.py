"""`mailctl db`: where the database stands, and bringing it up to date."""

from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Bring the database up to date, or say where it stands.",
    epilog="Examples: mailctl db status --json  |  mailctl db upgrade",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: mailctl db status --check || mailctl db upgrade")
def status(
    ctx: typer.Context,
    as_json: Json = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 2 if it is not up to date.")] = False,
) -> None:
    """Say at which revision the database is, and what is pending. Changes nothing."""
    from mailctl.settings_layers import masked_url
    from mailctl.store.upgrade import State, standing
    from mailctl.terminal import invocation, print_json, safe

    here = invocation(ctx)
    url = here.settings().store.url
    found = standing(url)
    if as_json:
        print_json(
            {
                "url": masked_url(url),
                "state": found.state,
                "revision": found.revision,
                "head": found.head,
                "pending": found.pending,
            }
        )
    else:
        here.out.print(f"{safe(masked_url(url))}: {found.state}")
        here.out.print(f"revision {safe(found.revision or 'none')}, this mailctl works on {found.head}")
        if found.pending:
            here.out.print(f"pending: {', '.join(found.pending)} (mailctl db upgrade)")
    if check and found.state is not State.CURRENT:
        raise typer.Exit(2)


@app.command(epilog="Example: mailctl db upgrade --json")
def upgrade(ctx: typer.Context, as_json: Json = False) -> None:
    """Bring the database to the revision that this mailctl works on; it is made if it is not there.

    Safe to run twice at once, and again after a crash.
    """
    from mailctl.settings_layers import masked_url
    from mailctl.store import upgrade as store_upgrade
    from mailctl.terminal import invocation, print_json, safe

    here = invocation(ctx)
    url = here.settings().store.url
    applied = store_upgrade.upgrade(url)
    if as_json:
        print_json({"url": masked_url(url), "applied": applied, "revision": store_upgrade.OURS.head})
    elif applied:
        here.out.print(f"{safe(masked_url(url))}: applied {', '.join(applied)}")
    else:
        here.out.print(f"{safe(masked_url(url))}: nothing to do")
