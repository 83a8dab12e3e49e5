"""`mailctl verify [DOMAIN…]`: is the mail of these domains in order? For people and for CI. Imports no database."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from mailctl.domains.findings import Severity
from mailctl.reports import FORMATS
from mailctl.terminal import invocation

app = typer.Typer(add_completion=False)
FormatName = StrEnum("FormatName", {name: name for name in FORMATS})  # type: ignore[misc]
FailOn = Literal["error", "warning"]

Domains = Annotated[
    list[str] | None,
    typer.Argument(help="Domains; without any, and without --inventory, all of the store."),
]
Inventory = Annotated[Path | None, typer.Option(help="A TOML file with a table for each domain.")]
Selectors = Annotated[list[str] | None, typer.Option(help="A DKIM selector in use. Repeatable.")]
SendingIps = Annotated[list[str] | None, typer.Option(help="An address that sends. Repeatable.")]
ProfileOption = Annotated[
    Literal["bulk-sender", "receiving", "parked"] | None, typer.Option(help="What the domains are for.")
]
Output = Annotated[FormatName, typer.Option("--format", help="How to print it.")]
Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON: --format json.")]
Page = Annotated[Path | None, typer.Option("--report", help="Write one self-contained HTML page, too.")]
Everything = Annotated[bool, typer.Option("--all", help="Show in full what is fine, too.")]
FailOnOption = Annotated[FailOn, typer.Option(help="The least severity that ends in exit code 1.")]
Ignored = Annotated[list[str] | None, typer.Option(help="The id of a finding to leave out. Repeatable.")]
BaselineFile = Annotated[
    Path | None, typer.Option(help="An earlier --format json or jsonl: report only what changed.")
]
Watch = Annotated[bool, typer.Option("--watch", help="Check again until what is propagating is there.")]
Nameservers = Annotated[list[str] | None, typer.Option(help="A resolver, IP[:PORT]. Repeatable.")]
Authoritative = Annotated[bool, typer.Option("--authoritative", help="Ask each name server, too.")]
TrustAd = Annotated[
    bool, typer.Option("--trust-ad", help="The way to the resolver is trusted: believe its AD bit.")
]
Connect = Annotated[
    bool, typer.Option("--connect", help="Connect to port 25 of the mail hosts: STARTTLS, certificates.")
]
BlockLists = Annotated[list[str] | None, typer.Option(help="The zone of a block list to ask. Repeatable.")]
CaFile = Annotated[Path | None, typer.Option(help="More certificate authorities to trust, PEM.")]
AllowPrivate = Annotated[
    bool, typer.Option("--allow-private", help="Contact hosts on private addresses: for laboratories.")
]
Timeout = Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds for each domain.")]
Concurrency = Annotated[int, typer.Option(min=1, max=1024, help="Domains beside one another.")]

EPILOG = """\
Examples: mailctl verify shop.example --selector s1 --sending-ip 192.0.2.10  |
mailctl verify --inventory domains.toml --format sarif > verify.sarif  |
mailctl verify shop.example --watch  |  mailctl verify
"""


@app.command(epilog=EPILOG)
def verify(
    ctx: typer.Context,
    domains: Domains = None,
    inventory: Inventory = None,
    selector: Selectors = None,
    sending_ip: SendingIps = None,
    profile: ProfileOption = None,
    output: Output = FormatName("text"),
    json: Json = False,
    report: Page = None,
    everything: Everything = False,
    fail_on: FailOnOption = "error",
    ignore: Ignored = None,
    baseline: BaselineFile = None,
    watch: Watch = False,
    nameserver: Nameservers = None,
    authoritative: Authoritative = False,
    trust_ad: TrustAd = False,
    connect: Connect = False,
    dnsbl: BlockLists = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
    timeout: Timeout = 10.0,
    concurrency: Concurrency = 64,
) -> None:
    """Check everything that the mail of a domain depends on; a stored one against the plan of setup, too.

    Exit 0: clean; 1: findings at or above --fail-on; 2: bad usage; 3: something could not be determined.
    """
    from mailctl.domains.checks.run import Asked
    from mailctl.domains.checks.target import Profile
    from mailctl.verifying import Wanted, run

    asked = Asked(
        domains or (), inventory, selector or (), sending_ip or (), ignore or (), dnsbl or (), nameserver or (),
        Profile(profile) if profile else None, ca_file, authoritative or watch, trust_ad, allow_private, connect,
        timeout, concurrency,
    )  # fmt: skip
    wanted = Wanted("json" if json else str(output), report, baseline, watch, Severity(fail_on), everything)
    raise typer.Exit(asyncio.run(run(invocation(ctx), asked, wanted)))
