"""How things are measured: in rounds that give every subject its turn, as medians, and as ratios within a round.

Promise: a ratio compares only what ran in the same round, so a neighbour who takes the machine for a second falls
on both sides. Times are CPU seconds of the process that does the work, unless a row says "wall".
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Rounds = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """One line of the table. `target` is what the ratio should be, with its side: "≥ 15", "≤ 1.5", "" for none."""

    name: str
    unit: str
    ours: float
    peer: str
    theirs: float | None
    ratio: float | None
    target: str = ""

    @property
    def reached(self) -> bool | None:
        if not self.target or self.ratio is None:
            return None
        side, _, number = self.target.partition(" ")
        return self.ratio >= float(number) if side == "≥" else self.ratio <= float(number)


def interleaved(subjects: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """What each subject measured, round by round; the first of a round is another one each time."""
    names = list(subjects)
    seen: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            seen[name].append(subjects[name]())
    return seen


def compare(
    name: str, unit: str, rounds: Rounds, ours: str, theirs: str, *, peer: str = "", target: str = ""
) -> Row:
    """A row out of two subjects: medians, and the median of the ratios ours / theirs of each round."""
    ratio = statistics.median(a / b for a, b in zip(rounds[ours], rounds[theirs], strict=True))
    ours_median, theirs_median = statistics.median(rounds[ours]), statistics.median(rounds[theirs])
    return Row(name, unit, ours_median, peer or theirs, theirs_median, ratio, target)


def alone(name: str, unit: str, rounds: Rounds, ours: str) -> Row:
    """A row without a peer."""
    return Row(name, unit, statistics.median(rounds[ours]), "", None, None)


def per_second(work: Callable[[], object], times: int) -> Callable[[], float]:
    """A subject: how often `work` is done in a CPU second of this process."""

    def measure() -> float:
        begun = time.process_time()
        for _ in range(times):
            work()
        return times / (time.process_time() - begun)

    return measure


def child_environment() -> dict[str, str]:
    """For processes whose start is measured: they may write compiled bytecode, as an installation has it."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "MAILCTL_", "_MAILCTL", "TYPER_", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def milliseconds(
    command: Sequence[str], environment: Mapping[str, str], *, ends: int = 0
) -> Callable[[], float]:
    """A subject: CPU milliseconds, user and system, of one whole process; `ends` is the exit code that it has to have.

    Its output is thrown away.
    """
    files = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]

    def measure() -> float:
        child = os.posix_spawnp(command[0], list(command), environment, file_actions=files)
        _, status, usage = os.wait4(child, 0)
        if os.waitstatus_to_exitcode(status) != ends:
            raise RuntimeError(f"{' '.join(command)} ended in {os.waitstatus_to_exitcode(status)}")
        return (usage.ru_utime + usage.ru_stime) * 1000

    return measure
