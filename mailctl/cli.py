"""The entry point: finds the verb that was typed, loads only its module, and turns errors into exit codes.

Promise: `mailctl --help` imports no command; nothing that can happen ends in a traceback, unless -vv asks for
it, nor in an exit code that errors.py does not list.
"""

import errno
import gc
import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup

from mailctl import __version__
from mailctl.errors import HostCannot, MailctlError


class Verb(NamedTuple):
    """A module of commands/, the line that `mailctl --help` shows for it, and its panel there."""

    name: str
    summary: str
    panel: str


MAIN, STEPS, CLOSER, HOUSE = "The main job", "Its steps", "Look closer", "The house"
COMMANDS = (
    Verb("setup", "Take this host and a domain to mail that is proven to authenticate.", MAIN),
    Verb(
        "rehearse", "Prove it before anything is published: planned zone, real message, real verdicts.", MAIN
    ),
    Verb("verify", "Check everything that the mail of a domain depends on, for people and for CI.", MAIN),
    Verb("explain-check", "Explain a finding of verify: what it means, why it matters, what to do.", MAIN),
    Verb("host", "Postfix and OpenDKIM on this host: facts, plan, apply, undo.", STEPS),
    Verb("dns", "A domain's zone: plan, apply, export, wait.", STEPS),
    Verb("dkim", "The DKIM keys of a domain: list, rotate, retire; check any selector.", STEPS),
    Verb(
        "spf", "An SPF record: its tree of includes, whom it lets send; evaluate it for an address.", CLOSER
    ),
    Verb("dmarc", "The DMARC policy that is in force for a name, and why.", CLOSER),
    Verb("auth", "SPF, DKIM and DMARC of a saved message, with reasons.", CLOSER),
    Verb("tenant", "Add, list, show, suspend, resume or remove tenants.", HOUSE),
    Verb("domain", "Add, list, show or remove domains.", HOUSE),
    Verb("config", "Show, check or write the settings.", HOUSE),
    Verb("db", "Bring the database up to date, or say where it stands.", HOUSE),
)


EPILOG = """\
[b]Examples[/]
  mailctl setup shop.example --dry-run   plan and rehearse; change nothing
  mailctl setup shop.example             carry it out, and prove it
  mailctl verify                         does the DNS still say so?

[b]Exit codes[/]
  0 done, or clean     1 the answer is no       2 bad usage, input or settings
  3 undetermined       4 refused                5 this host cannot
  6 failed, put back   70 a bug in mailctl      130 interrupted
  2 also says that there are changes, where --check was given."""
# What an operating system refuses, and what to do about it. Anything else of its kind is a bug of ours.
REFUSALS = {
    errno.ENOSPC: "make room on that disk, and run the same command again",
    errno.EDQUOT: "make room in your quota, and run the same command again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "run it as a user who may, as a rule root or the owner of state_dir",
    errno.EPERM: "run it as a user who may, as a rule root",
}
# New objects until the collector looks at them. Python's own 700 cost a start 15 ms, and a long run a tenth.
GARBAGE = 100_000


class LazyGroup(TyperGroup):
    """A group that lists its verbs from COMMANDS and imports one only when it was typed."""

    verbosity = 0  # what the words before the verb said, for `main` to know how much to tell of a bug

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
    epilog=EPILOG,
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
    cast(LazyGroup, ctx.command).verbosity = ctx.obj.verbosity


def main() -> None:
    """Run the command line; end the process with a documented exit code."""
    # A start makes objects by the ten thousand that live to the end: do not search them for rubbish each time.
    gc.set_threshold(GARBAGE)
    # Pydantic would read the metadata of every installed package to look for plugins; Typer turns that off, too.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    group = cast(LazyGroup, typer.main.get_command(app))
    try:
        group()  # ends in SystemExit
    except Exception as error:  # noqa: BLE001 - the last line of defence: each is shown, none is lost
        sys.exit(_explain(error, group.verbosity))
    except KeyboardInterrupt:
        sys.exit(130)  # for the moments in which Typer does not see to it
    finally:
        # The interpreter would search all there is for cycles before it ends: 50 ms, for memory that goes back anyway.
        gc.freeze()
        _flush()


def _explain(error: Exception, verbosity: int) -> int:
    """Say on stderr what went wrong; the exit code."""
    from mailctl.terminal import show_bug, show_error

    if isinstance(error, OSError) and error.errno in REFUSALS:
        error = HostCannot(f"the system says: {error}", hint=REFUSALS[error.errno])
    if isinstance(error, MailctlError):
        show_error(error)
        return error.exit_code
    show_bug(error, traceback=verbosity >= 2)
    return 70


def _flush() -> None:
    """Hand on what is still buffered: at the interpreter's end, a reader that went away would be a traceback."""
    out = sys.__stdout__  # None where the caller closed it
    try:
        if out is not None:
            out.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno != errno.EPIPE:
            sys.exit(_explain(error, 0))
