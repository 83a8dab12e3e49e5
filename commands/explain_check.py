"""`mailctl explain-check ID`: what a finding of `verify` means, why it matters, and what to do."""

from typing import TYPE_CHECKING, Annotated

import typer

from mailctl.terminal import invocation, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from mailctl.domains.checks.catalogue import Entry

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command(epilog="Examples: mailctl explain-check spf.too-many-lookups  |  mailctl explain-check dmarc")
def explain_check(
    ctx: typer.Context,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Ids as verify prints them, or an area: spf.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Explain what a finding of `mailctl verify` means, why it matters, and what to do."""
    from dataclasses import asdict

    out = invocation(ctx).out
    entries = [entry for text in ids for entry in entries_of(text)]
    if json:
        print_json([asdict(entry) for entry in entries])
    elif len(entries) > len(ids):
        for entry in entries:
            out.print(f"[bold]{entry.id}[/] [dim]{entry.severity}[/]  {entry.title}")
    else:
        for entry in entries:
            show(out, entry)


def show(out: "Console", entry: "Entry") -> None:
    """One kind of finding, in full."""
    out.print(f"[bold]{entry.id}[/] [dim]{entry.severity}[/]")
    out.print(f"  {entry.title}.")
    out.print(f"\n[bold]Why it matters[/]\n  {entry.why}")
    if entry.fix:
        out.print(f"\n[bold]What to do[/]\n  {entry.fix}")
    if entry.reference:
        out.print(f"\n[bold]Reference[/]\n  {entry.reference}")


def entries_of(text: str) -> "list[Entry]":
    """The entry with this id, or all of an area. Raises `BadInput` with the nearest id."""
    from mailctl.domains.checks.catalogue import AREAS, catalogue
    from mailctl.domains.inventory import check_id
    from mailctl.errors import BadInput

    if text in AREAS:
        return [entry for entry in catalogue().values() if entry.id.startswith(f"{text}.")]
    try:
        return [catalogue()[check_id(text)]]
    except ValueError as error:
        raise BadInput(str(error), hint=f"mailctl explain-check {AREAS[4]} lists those of an area") from error
