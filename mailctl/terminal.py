"""How commands speak: plain text on pipes, colour only on a terminal, JSON on request.

Promise: nothing from outside reaches a terminal with its control characters (`safe`); facts go to stdout,
progress and errors to stderr.
"""

import json
import os
import re
import sys
import traceback as tracebacks
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mailctl.errors import BadInput, MailctlError

if TYPE_CHECKING:
    import typer
    from rich.console import Console

    from mailctl.settings import Settings

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def console(*, stderr: bool = False, quiet: bool = False) -> "Console":
    """A console as all of mailctl has it: it never breaks a line, and with NO_COLOR set it writes plain text."""
    from rich.console import Console  # not needed by those who print facts

    # Rich's own reading of NO_COLOR leaves bold and dim in; https://no-color.org wants it set and not empty.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    # Without emoji=False, `:key:` in a record would be shown as a picture.
    return Console(
        stderr=stderr, quiet=quiet, color_system=colours, highlight=False, soft_wrap=True, emoji=False
    )


@dataclass(frozen=True)
class Invocation:
    """What the words before the verb said. `verbosity`: -1 quiet, 0 normal, 1 and 2 more."""

    config_path: Path | None = None
    verbosity: int = 0

    def settings(self) -> "Settings":
        from mailctl.settings import load

        return load(self.config_path)

    @cached_property
    def out(self) -> "Console":
        return console(quiet=self.verbosity < 0)

    @cached_property
    def err(self) -> "Console":
        return console(stderr=True, quiet=self.verbosity < 0)

    def note(self, text: str, level: int = 0) -> None:
        """A line of progress on stderr, from verbosity `level` on. `text` is Rich markup."""
        if self.verbosity >= level:
            self.err.print(text)


def invocation(ctx: "typer.Context") -> Invocation:
    return ctx.obj if isinstance(ctx.obj, Invocation) else Invocation()


def visible(text: str) -> str:
    """`text` with its control and bidirectional characters shown as \\xNN; tabs and line ends stay."""
    return _CONTROL.sub(lambda m: f"\\x{ord(m.group()):02x}", text)


def safe(text: str) -> str:
    """`text` for a line on a console: `visible`, line ends as \\n, and Rich markup escaped."""
    return safe_lines(text.replace("\n", "\\n"))


def safe_lines(text: str) -> str:
    """`text` for a console where it may have several lines, each of which the caller made."""
    from rich.markup import escape

    escaped = escape(visible(text))
    # An odd number of backslashes at the end would take the tag that follows for text.
    odd = (len(escaped) - len(escaped.rstrip("\\"))) % 2
    return escaped + "\\" * odd


def print_text(text: str) -> None:
    """What was asked for as data, to stdout as it is; not silenced by --quiet."""
    sys.stdout.write(visible(text))


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
    """One JSON document on stdout, indented on a terminal and elsewhere alike; dataclasses become objects.

    Control and bidirectional characters, which JSON allows, are written as \\uNNNN all the same.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, default=default)
    print(_CONTROL.sub(lambda m: f"\\u{ord(m.group()):04x}", text))


def show_error(error: MailctlError) -> None:
    """One message on stderr: what failed, every reason, what to do."""
    err = console(stderr=True)
    err.print(f"[bold red]error:[/] {safe(error.message)}")
    for detail in error.details:
        for number, line in enumerate(detail.split("\n")):
            err.print(f"  {' ' if number else '-'} {safe(line)}")
    if error.hint:
        err.print(f"[bold]what to do:[/] {safe(error.hint)}")


def show_bug(error: Exception, *, traceback: bool) -> None:
    """One message on stderr about an exception that nobody foresaw; where it came from only on request."""
    err = console(stderr=True)
    if traceback:
        err.print(safe_lines("".join(tracebacks.format_exception(error))), end="")
    what = safe(f"{type(error).__name__}: {error}".removesuffix(": "))
    err.print(f"[bold red]this is a bug in mailctl:[/] {what}")
    err.print(
        "[bold]what to do:[/] please report it, with what you typed "
        + ("and all of the above" if traceback else "and what the same prints with -vv behind `mailctl`")
    )
