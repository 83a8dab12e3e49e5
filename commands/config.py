"""`mailctl config`: the settings in force, whether they hold, and a file to begin with."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="""Show, check or write the settings.

    They come from one file (--config, $MAILCTL_CONFIG, ./mailctl.toml, $XDG_CONFIG_HOME/mailctl/mailctl.toml,
    /etc/mailctl/mailctl.toml: the first that is there) and from variables such as MAILCTL_DNS__PUBLISHER,
    which win over it.
    """,
    epilog="Examples: mailctl config show  |  mailctl config check  |  mailctl config init",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: mailctl config show --json | jq '.settings[\"dns.publisher\"]'")
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Print every setting, and where it came from. Secrets are shown as ********."""
    from mailctl.settings_layers import read
    from mailctl.terminal import invocation, print_json, safe

    here = invocation(ctx)
    loaded = read(here.config_path)
    if as_json:
        settings = {
            row.key: {"value": row.value, "from": row.origin.kind, "where": row.origin.where}
            for row in loaded.rows()
        }
        print_json({"file": loaded.path, "settings": settings})
        return
    here.out.print(f"[dim]file:[/] {safe(str(loaded.path or 'none'))}")
    for row in loaded.rows():
        note = "" if row.origin.kind == "default" else f"  [dim]({safe(str(row.origin))})[/]"
        here.out.print(f"{safe(row.key)} = {safe(_plain(row.value))}{note}")


def _plain(value: object) -> str:
    if value is None or value in ([], {}):
        return "(not set)"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@app.command(epilog="Example: mailctl --config ./mailctl.toml config check")
def check(ctx: typer.Context, as_json: Json = False) -> None:
    """Say whether the settings can be used, files of secrets included. Exits 2 or 5 if not."""
    from mailctl.settings_layers import read
    from mailctl.terminal import invocation, print_json, safe

    here = invocation(ctx)
    loaded = read(here.config_path)
    loaded.settings.dns.tsig_key()  # raises for a file that is missing, not private, or no key
    set_here = [row.key for row in loaded.rows() if row.origin.kind != "default"]
    if as_json:
        print_json({"file": loaded.path, "ok": True, "set": set_here})
        return
    here.out.print(
        f"[green]ok[/]: {safe(str(loaded.path or 'no file'))}, {len(set_here)} settings not default"
    )


@app.command(
    epilog="Examples: mailctl config init  ·  "
    "MAILCTL_DNS__TSIG_SECRET=… mailctl config init /etc/mailctl/mailctl.toml --keep-environment"
)
def init(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("mailctl.toml"),
    keep: Annotated[
        bool, typer.Option("--keep-environment", help="Write down what MAILCTL_* variables set now.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a settings file with every setting, what it means, and its default. 0600 if it holds secrets."""
    from mailctl.settings_file import write_new
    from mailctl.terminal import invocation, safe

    mode = write_new(path, keep_environment=keep, force=force)
    invocation(ctx).out.print(f"wrote {safe(str(path))} (mode {mode:04o})")
