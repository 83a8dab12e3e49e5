"""`mailctl verify [DOMAIN…]`: what setup planned against what the DNS shows. Its help imports no database."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from mailctl.terminal import Invocation, invocation, print_json

if TYPE_CHECKING:
    from mailctl.domains.findings import Report

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Examples: mailctl verify  |  mailctl verify shop.example --all  |  mailctl verify --json"
)
def verify(
    ctx: typer.Context,
    domains: Annotated[
        list[str] | None, typer.Argument(help="Domains; all of the store if none is named.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show in full what is fine, too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print facts as JSON.")] = False,
) -> None:
    """Check the DNS of domains that were set up here against the very plan that setup publishes.

    Exit 0: clean; 1: errors or warnings; 3: something could not be determined, and nothing worse was found.
    """
    asyncio.run(_run(invocation(ctx), domains or [], everything=everything, json=json))


async def _run(inv: Invocation, domains: list[str], *, everything: bool, json: bool) -> None:
    from mailctl import views
    from mailctl.domains import setup as flow
    from mailctl.domains.wiring import wire

    async with wire(inv.settings(), publisher="manual") as w:
        names = domains or [domain.name for domain in w.store.domains.list()]
        reports = await asyncio.gather(*(flow.verify_stored(w, name) for name in names))
    if json:
        print_json([views.report_facts(report) for report in reports])
    else:
        for report in reports:
            views.show_report(inv.out, report, everything=everything)
        views.show_counts(inv.out, [finding for report in reports for finding in report.findings])
    raise typer.Exit(exit_code(reports))


def exit_code(reports: "list[Report]") -> int:
    """0, 1 or 3 (verifier.md)."""
    from mailctl.domains.findings import Severity

    found = {finding.severity for report in reports for finding in report.findings}
    if found & {Severity.ERROR, Severity.WARNING}:
        return 1
    return 3 if Severity.UNKNOWN in found else 0
