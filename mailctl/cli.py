"""The entry point: finds the verb that was typed, loads only its module, and turns errors into exit codes.

Promise: `mailctl --help` imports no command; a user's mistake is never a traceback (errors.py has the codes).
"""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from mailctl import __version__
from mailctl.errors import MailctlError


class Verb(NamedTuple):
    """A module of commands/, the line that `mailctl --help` shows for it, and its panel there."""

    name: str
    summary: str
    panel: str


MAIN, STEPS, HOUSE = "The main job", "Its steps", "The house"
COMMANDS = (
    Verb("setup", "Take this host and a domain to mail that is proven to authenticate.", MAIN),
    Verb(
        "rehearse", "Prove it before anything is published: planned zone, real message, real verdicts.", MAIN
    ),
    Verb("verify", "Check the DNS against the very plan that setup publishes.", MAIN),
    Verb("host", "Postfix and OpenDKIM on this host: facts, plan, apply, undo.", STEPS),
    Verb("dns", "A domain's zone: plan, apply, export, wait.", STEPS),
    Verb("dkim", "The DKIM keys of a domain: list, rotate, retire.", STEPS),
    Verb("tenant", "Add, list, show, suspend, resume or remove tenants.", HOUSE),
    Verb("domain", "Add, list, show or remove domains.", HOUSE),
    Verb("config", "Show, check or write the settings.", HOUSE),
    Verb("db", "Bring the database up to date, or say where it stands.", HOUSE),
)


class LazyGroup(TyperGroup):
    """A group that lists its verbs from COMMANDS and imports one only when it was typed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for verb in COMMANDS:
            stub = TyperCommand(verb.name, help=verb.summary, rich_help_panel=verb.panel)
            self.add_command(stub)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)
        if found is not None:
            found = load_command(found.name or "")
        return name, found, rest


def load_command(name: str) -> Any:
    """The Typer command of one verb, its module imported now."""
    module = importlib.import_module(f"mailctl.commands.{name.replace('-', '_')}")
    command = typer.main.get_command(module.app)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mailctl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The settings file.", envvar="MAILCTL_CONFIG")
    ] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice for all.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback has done the work
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Self-hosted transactional e-mail: set up, prove and verify it."""
    from mailctl.terminal import Invocation

    ctx.obj = Invocation(config_path=config, verbosity=-1 if quiet else verbose)


def main() -> None:
    """Run the command line; end the process with a documented exit code."""
    try:
        app()
    except MailctlError as error:
        from mailctl.terminal import show_error

        show_error(error)
        sys.exit(error.exit_code)
