"""How commands speak: plain text on pipes, colour only on a terminal, JSON on request.

Promise: nothing from outside reaches a terminal with its control characters (`safe`); facts go to stdout,
progress and errors to stderr.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from mailctl.errors import BadInput, MailctlError

if TYPE_CHECKING:
    import typer

    from mailctl.settings import Settings

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Invocation:
    """What the words before the verb said. `verbosity`: -1 quiet, 0 normal, 1 and 2 more."""

    config_path: Path | None = None
    verbosity: int = 0

    def settings(self) -> "Settings":
        from mailctl.settings import load

        return load(self.config_path)

    @cached_property
    def out(self) -> Console:
        return Console(highlight=False, soft_wrap=True, quiet=self.verbosity < 0)

    @cached_property
    def err(self) -> Console:
        return Console(stderr=True, highlight=False, soft_wrap=True, quiet=self.verbosity < 0)

    def note(self, text: str, level: int = 0) -> None:
        """A line of progress on stderr, from verbosity `level` on. `text` is Rich markup."""
        if self.verbosity >= level:
            self.err.print(text)


def invocation(ctx: "typer.Context") -> Invocation:
    return ctx.obj if isinstance(ctx.obj, Invocation) else Invocation()


def safe(text: str) -> str:
    """`text` for a terminal: control and bidirectional characters shown as \\xNN, Rich markup escaped."""
    return escape(_CONTROL.sub(lambda m: f"\\x{ord(m.group()):02x}", text))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def confirm(*, yes: bool) -> None:
    """Ask the person at the terminal; `yes` has answered already. Raises `BadInput` where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("this changes things, and there is nobody to ask", hint="say --yes")
    import typer

    typer.confirm("Carry this out?", abort=True, err=True)


def print_json(value: Any, *, default: Callable[[Any], Any] = _plain) -> None:
    """One JSON document on stdout, indented on a terminal and elsewhere alike; dataclasses become objects."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=default) + "\n")


def show_error(error: MailctlError) -> None:
    """One message on stderr: what failed, every reason, what to do."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(f"[bold red]error:[/] {safe(error.message)}")
    for detail in error.details:
        console.print(f"  - {safe(detail)}")
    if error.hint:
        console.print(f"[bold]what to do:[/] {safe(error.hint)}")
