"""`mailctl tenant`."""

import typer

app = typer.Typer(no_args_is_help=True, help="Tenants")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List"""


@app.command("add")
def add(ctx: typer.Context) -> None:
    """Add"""
