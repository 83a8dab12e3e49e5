"""One run of `verify`: from the words of a command to what is printed and the exit code.

Promise: facts go to stdout, `jsonl` line by line as each domain is known, without keeping any; progress goes to stderr,
and only to a terminal. The exit code is 1 for a finding at or above what the run fails on, else 3 where something is
unknown, else 0.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mailctl import __version__
from mailctl.domains.baseline import Baseline, compare, read_baseline
from mailctl.domains.checks.engine import Check, verify_many
from mailctl.domains.checks.run import Asked, choose, open_tools, understand
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import ORDER, Finding, Report, Severity
from mailctl.errors import BadInput, HostCannot
from mailctl.reports import FORMATS, HTML, Run
from mailctl.terminal import Invocation, safe

LONGEST_PAUSE = 15.0  # seconds between two looks at what is propagating
STREAMED = "jsonl"


@dataclass(frozen=True)
class Wanted:
    """What shall come out."""

    format: str = "text"
    page: Path | None = None  # an HTML report
    baseline: Path | None = None
    watch: bool = False
    fail_on: Severity = Severity.ERROR
    everything: bool = False


@dataclass
class _Output:
    """What was found so far: kept only where it is still to be written."""

    wanted: Wanted
    baseline: Baseline | None
    run: Run
    kept: list[Report] = field(default_factory=list)
    severities: set[Severity] = field(default_factory=set)

    def add(self, report: Report) -> None:
        if self.baseline is not None:
            report = compare(report, self.baseline)
        self.severities.update(finding.severity for finding in report.findings)
        if self.wanted.format == STREAMED:
            print(FORMATS[STREAMED].load()([report], self.run), end="", flush=True)
        if self.wanted.format != STREAMED or self.wanted.page is not None:
            self.kept.append(report)


def exit_code(severities: Collection[Severity], fail_on: Severity = Severity.ERROR) -> int:
    """1 for anything at or above `fail_on`, else 3 where something is unknown, else 0 (verifier.md)."""
    if any(ORDER.index(severity) <= ORDER.index(fail_on) for severity in severities):
        return 1
    return 3 if Severity.UNKNOWN in severities else 0


async def run(inv: Invocation, asked: Asked, wanted: Wanted) -> int:
    """Check and print; the exit code. Raises `BadInput` before anything is asked, `Undetermined` with nobody to ask."""
    settings = inv.settings()
    understood = understand(asked)
    baseline = read_baseline(wanted.baseline) if wanted.baseline else None
    if wanted.page is not None and not wanted.page.absolute().parent.is_dir():
        raise BadInput(
            f"there is no folder for the report {wanted.page}", hint="nothing was checked; make it first"
        )
    async with open_tools(settings, asked, understood) as tools:
        targets, planned = choose(settings, understood, tools.dns)
        about = Run(
            __version__,
            f"{tools.now:%Y-%m-%d %H:%M} UTC",
            shown_path(asked.inventory) if asked.inventory else "",
            wanted.fail_on,
            wanted.everything,
        )
        output = _Output(wanted, baseline, about)
        patience = settings.dns.wait_seconds if wanted.watch else 0
        await _check(inv, asked, targets, tools, planned, output, patience)
    _print(inv, output)
    return exit_code(output.severities, wanted.fail_on)


def shown_path(inventory: Path) -> str:
    """The inventory's path for those who read a report: from the root of the checkout, or of where we stand."""
    root = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or Path.cwd()
    path = inventory.resolve()
    resolved = Path(root).resolve()
    return path.relative_to(resolved).as_posix() if path.is_relative_to(resolved) else str(path)


async def _check(
    inv: Invocation,
    asked: Asked,
    targets: tuple[Target, ...],
    tools: Tools,
    planned: Check | None,
    output: _Output,
    patience: float,
) -> None:
    """Check all targets, and those that propagate again, until nothing does or `patience` seconds are over."""
    loop = asyncio.get_running_loop()
    waiting, patient_until = targets, loop.time() + patience
    while True:
        again: dict[str, Report] = {}
        with _progress(inv, len(waiting), quiet=output.wanted.format == STREAMED) as done:
            reports = verify_many(
                waiting, tools, concurrency=asked.concurrency, seconds=asked.seconds, planned=planned
            )
            async for report in reports:
                done(report)
                if loop.time() < patient_until and propagating(report.findings):
                    again[report.domain] = report
                else:
                    output.add(report)
        if not again:
            return
        pause = _pause(finding for report in again.values() for finding in propagating(report.findings))
        for name, report in again.items():
            inv.note(
                f"[yellow]propagating[/] {safe(name)}: {', '.join(f.id for f in propagating(report.findings))}"
            )
        inv.note(f"[dim]looking again in {pause:.0f} s[/]")
        await asyncio.sleep(pause)
        tools.dns.flush()
        waiting = tuple(target for target in waiting if target.name in again)


def propagating(findings: Iterable[Finding]) -> list[Finding]:
    """What is right at the authoritative servers and only has to be waited for."""
    return [finding for finding in findings if finding.id.endswith("propagating")]


def _pause(findings: Iterable[Finding]) -> float:
    """Until the first of the old answers is forgotten, in seconds."""
    ttls = [evidence.ttl for finding in findings for evidence in finding.evidence]
    return float(max(1.0, min([LONGEST_PAUSE, *ttls])))


@contextmanager
def _progress(inv: Invocation, total: int, *, quiet: bool) -> Iterator[Callable[[Report], None]]:
    """A bar on a terminal, with what was found so far; nothing elsewhere."""
    # The first question is cheap; the others load Rich.
    if not os.isatty(2) or not inv.err.is_terminal or inv.verbosity < 0 or (quiet and sys.stdout.isatty()):
        yield _look_away
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("checking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    counts = dict.fromkeys((Severity.ERROR, Severity.WARNING, Severity.UNKNOWN), 0)
    with Progress(*columns, TextColumn("{task.fields[found]}"), console=inv.err, transient=True) as progress:
        task = progress.add_task("checking", total=total, found="")

        def done(report: Report) -> None:
            if report.verdict in counts:
                counts[report.verdict] += 1
            found = ", ".join(f"{count} with {s.value}" for s, count in counts.items() if count)
            progress.update(task, advance=1, found=found)

        yield done


def _print(inv: Invocation, output: _Output) -> None:
    wanted = output.wanted
    if wanted.page is not None:
        try:
            wanted.page.write_text(HTML.load()(output.kept, output.run), encoding="utf-8")
        except OSError as error:
            raise HostCannot(
                f"the report {wanted.page} cannot be written: {error.strerror}",
                hint=f"check the rights and the room: ls -ld {wanted.page.parent}",
            ) from error
        inv.note(f"wrote {safe(str(wanted.page))}")
    if wanted.format == STREAMED:
        return
    form = FORMATS[wanted.format]
    text = form.load()(output.kept, output.run)
    if form.markup:
        inv.out.print(text, end="")
    else:
        print(text, end="")


def _look_away(_: Report) -> None:
    """Nobody watches."""
