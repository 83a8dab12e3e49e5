"""How plans, reports and proofs look on a terminal and as JSON: text that also reads without colour.

Promise: prints only; every value from outside goes through `terminal.safe`; no secret is in any of it.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mailctl.domains.findings import Report
from mailctl.domains.publish import Sighting
from mailctl.domains.rehearsal import Delivery, Rehearsal
from mailctl.domains.setup import Proof, Proposal
from mailctl.domains.zone_plan import Action, ZoneChange, ZonePlan, records_of
from mailctl.host_views import show_host_plan
from mailctl.reports.facts import report_facts
from mailctl.reports.text import contrast, report_lines
from mailctl.terminal import Invocation, safe, safe_lines

SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.CHANGE: ("~", "yellow"),
    Action.DELETE: ("-", "red"),
    Action.KEEP: ("=", "dim"),
    Action.FOREIGN: (".", "dim"),
    Action.CONFLICT: ("!", "bold red"),
    Action.UNKNOWN: ("?", "magenta"),
}


def show_zone_plan(out: Console, plan: ZonePlan, *, everything: bool = False) -> None:
    """What happens to which record, and why; what is kept in one line unless `everything`."""
    out.print(f"[bold]DNS of {safe(plan.domain)}[/]")
    quiet = () if everything else (Action.KEEP, Action.FOREIGN)
    for change in plan.changes:
        if change.action not in quiet:
            _show_change(out, change)
    for action in quiet:
        same = plan.having(action)
        if same:
            sign, style = SIGNS[action]
            words = dict.fromkeys(f"{c.name} {c.rdtype}" for c in same)
            out.print(f"  [{style}]{sign} {action.value:8}[/] [dim]{safe(', '.join(words))}[/]")


def _show_change(out: Console, change: ZoneChange) -> None:
    sign, style = SIGNS[change.action]
    where = " [dim](in a zone that others keep)[/]" if change.zone == "" and change.writes else ""
    out.print(f"  [{style}]{sign} {change.action.value:8}[/] {safe(change.name)} {change.rdtype}{where}")
    if change.action is not Action.FOREIGN:
        out.print(f"      [dim]{safe(change.reason)}[/]")
    gone = [value for value in change.before if value not in change.after]
    for text in contrast(gone, change.after):
        out.print(f"      [red]- {text}[/]")
    for value, text in zip(change.after, contrast(change.after, gone), strict=True):
        out.print(f"      {'[dim]  ' if value in change.before else '[green]+ '}{text}[/]")
    if change.danger:
        out.print(f"      [bold red]! dangerous:[/] {safe(change.danger)}")


def show_proposal(out: Console, proposal: Proposal, *, everything: bool = False) -> None:
    """The whole plan, and the proof that it would work."""
    if proposal.host_plan is not None:
        show_host_plan(out, proposal.host_plan)
    show_zone_plan(out, proposal.zone_plan, everything=everything)
    if proposal.rehearsal is not None:
        _show_rehearsal_short(out, proposal.rehearsal)
    if proposal.by_hand:
        from mailctl.domains.export import zone_fragment

        out.print("[bold]To be published by hand[/] (also: mailctl dns export)")
        out.print(safe_lines(zone_fragment(records_of(proposal.by_hand))), end="")


def show_rehearsal(out: Console, rehearsal: Rehearsal) -> None:
    """Each delivery with every verdict and its reason, then the header a receiver would write."""
    out.print(f"[bold]Proof for {safe(rehearsal.domain)}[/], judged by the {rehearsal.dns} DNS")
    for delivery in rehearsal.deliveries:
        _show_delivery(out, delivery)
    word = "[bold green]passed[/]" if rehearsal.passed else "[bold red]did not pass[/]"
    out.print(f"  {word}: {len(rehearsal.deliveries)} message(s)")


def _show_rehearsal_short(out: Console, rehearsal: Rehearsal) -> None:
    """One line where everything passed; everything where not."""
    if not rehearsal.passed:
        show_rehearsal(out, rehearsal)
        return
    signatures = sum(len(d.authentication.results("dkim")) for d in rehearsal.deliveries if d.authentication)
    clients = ", ".join(str(delivery.client) for delivery in rehearsal.deliveries)
    out.print(
        f"[bold]Rehearsed[/] with the {rehearsal.dns} DNS: mail from {clients} gets [green]spf=pass, dkim=pass"
        f" ({signatures} signatures), dmarc=pass[/]"
    )


def _show_delivery(out: Console, delivery: Delivery) -> None:
    out.print(f"  from {delivery.client} as <{safe(delivery.mail_from)}>")
    if delivery.authentication is None:
        out.print(f"    [bold red]not delivered:[/] {safe('; '.join(delivery.problems))}")
        return
    for verdict in delivery.authentication.verdicts:
        style = "green" if verdict.result == "pass" else "bold red"
        out.print(
            f"    [{style}]{verdict.method}={verdict.result}[/] {safe(verdict.identity)}"
            f" [dim]{safe(verdict.reason)}[/]"
        )
    for number, part in enumerate(delivery.authentication.header.split("; ")):
        out.print(f"    [dim]{'    ' if number else 'Authentication-Results: '}{safe(part)}[/]")


def show_report(out: Console, report: Report) -> None:
    """The findings, the worst first; what is ok in one line."""
    for line in report_lines(report):
        out.print(line)


def show_proof(inv: Invocation, proof: Proof, *, json: bool) -> None:
    """What the DNS shows and what a receiver makes of a message, after everything was done."""
    if json:
        from mailctl.terminal import print_json

        print_json({"report": report_facts(proof.report), "rehearsal": rehearsal_facts(proof.rehearsal)})
        return
    show_report(inv.out, proof.report)
    show_rehearsal(inv.out, proof.rehearsal)


def sightings_table(sightings: Collection[Sighting]) -> Table:
    """What the authoritative servers have, a record set a row."""
    table = Table("record", "servers", "", box=None, pad_edge=False)
    for s in sightings:
        state = "[green]seen[/]" if s.complete else "[yellow]waiting[/]"
        table.add_row(Text(f"{s.name} {s.rdtype}"), f"{s.have}/{s.servers} {state}", safe(s.note))
    return table


@contextmanager
def live_sightings(inv: Invocation) -> Iterator[Callable[[Collection[Sighting]], None]]:
    """A live table on a terminal; elsewhere a line whenever the count changes."""
    if inv.err.is_terminal and inv.verbosity >= 0:
        with Live(console=inv.err, transient=False) as live:
            yield lambda sightings: live.update(sightings_table(sightings), refresh=True)
        return
    last = [-1]

    def line(sightings: Collection[Sighting]) -> None:
        seen = sum(s.complete for s in sightings)
        if seen != last[0]:
            last[0] = seen
            inv.note(f"  {seen} of {len(sightings)} record sets at every authoritative server")

    yield line


def step(inv: Invocation) -> Callable[[str], None]:
    """A line of progress for each step of a flow."""
    return lambda text: inv.note(f"[bold]→[/] {safe(text)}")


def zone_facts(plan: ZonePlan) -> dict[str, Any]:
    """A zone plan as plain data."""
    return {
        "domain": plan.domain,
        "changes": bool(plan.pending),
        "records": [
            {
                "action": c.action.value,
                "purpose": c.purpose.value,
                "name": c.name,
                "type": c.rdtype,
                "before": list(c.before),
                "after": list(c.after),
                "foreign": list(c.foreign),
                "ttl": c.ttl,
                "reason": c.reason,
                "danger": c.danger,
                "ours_to_write": c.zone != "",
            }
            for c in plan.changes
        ],
    }


def rehearsal_facts(rehearsal: Rehearsal) -> dict[str, Any]:
    """A rehearsal as plain data."""
    return {
        "domain": rehearsal.domain,
        "dns": rehearsal.dns,
        "passed": rehearsal.passed,
        "problems": list(rehearsal.problems),
        "deliveries": [
            {
                "client": str(d.client),
                "mail_from": d.mail_from,
                "reply": {"code": d.reply.code, "text": d.reply.text, "stage": d.reply.stage},
                "authentication_results": d.authentication.header if d.authentication else None,
                "verdicts": [
                    {"method": v.method, "result": v.result, "identity": v.identity, "reason": v.reason}
                    for v in (d.authentication.verdicts if d.authentication else ())
                ],
            }
            for d in rehearsal.deliveries
        ],
    }


def proposal_facts(proposal: Proposal) -> dict[str, Any]:
    """A whole plan as plain data, without any secret."""
    return {
        "domain": proposal.domain.name,
        "changes": not proposal.empty,
        "dangerous": list(proposal.dangers),
        "host": proposal.host_plan.report() if proposal.host_plan else None,
        "dns": zone_facts(proposal.zone_plan),
        "spf_lookups": proposal.spf_lookups,
        "rehearsal": rehearsal_facts(proposal.rehearsal) if proposal.rehearsal else None,
    }
