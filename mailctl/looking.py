"""What the verbs that look closer (spf, dkim check, dmarc, auth) have in common: names, tools, findings on a terminal.

Promise: a word that cannot be used is a `BadInput` before anything is asked; the database is imported
only where there is one.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from mailctl.domains.checks.run import Asked, open_tools, store_is_there, understand
from mailctl.domains.checks.target import Tools
from mailctl.domains.findings import Report
from mailctl.errors import BadInput
from mailctl.reports.facts import report_facts
from mailctl.reports.text import report_lines
from mailctl.terminal import Invocation, print_json

if TYPE_CHECKING:
    from mailctl.settings import Settings

T = TypeVar("T")


def word(convert: Callable[[str], T], text: str) -> T:
    """`text` as `convert` reads it; `BadInput` with every reason where it does not."""
    try:
        return convert(text)
    except ValueError as error:
        reasons = getattr(error, "reasons", ())
        message = str(error).partition(": ")[0] if reasons else str(error)
        raise BadInput(
            message, details=reasons, hint="nothing was looked up; write it as in --help"
        ) from error


@asynccontextmanager
async def tools_for(inv: Invocation, nameservers: Sequence[str]) -> AsyncIterator[Tools]:
    """The tools of `verify`, asking `nameservers`, or those of the settings or the system where there are none."""
    asked = Asked(nameservers=nameservers)
    async with open_tools(inv.settings(), asked, understand(asked)) as tools:
        yield tools


def held_key(settings: "Settings", name: str, selector: str) -> str | None:
    """The record of the private key held here, where there is a store; the database is imported only then."""
    if not store_is_there(settings.store.url):
        return None
    from mailctl.domains import stored

    return stored.held_key(settings, name, selector)


def show_report(inv: Invocation, report: Report, *, json: bool) -> None:
    """Findings in full, as JSON or for people."""
    if json:
        print_json(report_facts(report))
        return
    for text in report_lines(report, everything=True):
        inv.out.print(text)


def show(inv: Invocation, facts: dict[str, Any], lines: Sequence[str], *, json: bool) -> None:
    """The same as JSON or, in Rich markup, for people."""
    if json:
        print_json(facts)
        return
    for text in lines:
        inv.out.print(text)
