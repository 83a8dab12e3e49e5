"""`mailctl verify` beside checkdmarc: the same domains, through the same slow DNS, in the same rounds.

Promise: seconds are by the clock, from before a process starts until it has ended, as its user waits for it; "in
process" leaves out the start and the imports of both. Of MANY domains checkdmarc gets PART, and the rest is taken to
last as long each (it asks one question at a time, and no two domains share one), unless `full` has it check them all.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench import shops
from bench.measure import ROOT, Row, child_environment, interleaved
from bench.slow_dns import SlowDns, slow_dns

MANY, PART = 200, 40
SLOW = 20  # milliseconds that the DNS takes for an answer
MOST_ROUNDS = 3  # with many domains: the peer takes half a minute in each
TARGET_MANY, TARGET_ONE = "≥ 30", "≥ 2.5"
PEER = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True)
class Run:
    """What one process took. `inside` are the seconds of the checks alone, where the process tells them."""

    seconds: float
    inside: float
    cpu: float
    megabytes: float
    counts: Mapping[str, int]
    found: int  # planted faults
    planted: int


@dataclass(frozen=True)
class Runs:
    """Every run of every subject; `measure` makes one more and returns its seconds."""

    dns: SlowDns
    folder: Path
    kept: dict[str, list[Run]] = field(default_factory=dict)

    def measure(self, subject: str, command: Sequence[str], delay: float, names: Sequence[str]) -> float:
        figures, out = self.folder / "figures.json", self.folder / "out"
        environment = child_environment() | {"MAILCTL_STATE_DIR": str(self.folder), "PYTHONPATH": str(ROOT)}
        words = [word if word != "FIGURES" else str(figures) for word in command]
        self.dns.delay(delay)
        begun = time.perf_counter()
        with out.open("wb") as file, subprocess.Popen(words, stdout=file, env=environment, cwd=ROOT) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begun
        if child.returncode != 0:
            raise RuntimeError(f"{subject} ended in {child.returncode}")
        told, planted = (
            json.loads(figures.read_text()),
            sum(shops.fault_of(name) is not None for name in names),
        )
        found = _found(out.read_text(), subject.startswith("peer")) if planted else 0
        cpu = usage.ru_utime + usage.ru_stime
        counts = self.dns.delay(delay)
        run = Run(seconds, told["seconds"], cpu, told["megabytes"], counts, found, planted)
        self.kept.setdefault(subject, []).append(run)
        return seconds

    def median(self, subject: str, value: Callable[[Run], float]) -> float:
        return statistics.median(value(run) for run in self.kept[subject])


def _found(output: str, by_peer: bool) -> int:
    """How many of the planted faults the output tells."""
    if by_peer:
        read = json.loads(output)
        results = {result["domain"]: result for result in (read if isinstance(read, list) else [read])}
        return sum(fault.told_by_peer(results[name]) for name in results if (fault := shops.fault_of(name)))
    reports: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
    told = {report["domain"]: {finding["id"] for finding in report["findings"]} for report in reports}
    return sum(fault.finding in told[name] for name in told if (fault := shops.fault_of(name)))


def rows(rounds: int, *, full: bool = False) -> list[Row]:
    if not PEER.exists():
        raise SystemExit("checkdmarc is not installed here: make .venv-bench/.done")
    with slow_dns(MANY) as dns, tempfile.TemporaryDirectory() as folder:
        runs = Runs(dns, Path(folder))
        _warm(runs)
        interleaved(_many(runs, MANY if full else PART), min(rounds, MOST_ROUNDS))
        interleaved(_one(runs), rounds)
        return [*_rows_of_many(runs, MANY if full else PART), *_rows_of_one(runs)]


def _ours(
    runs: Runs, subject: str, names: Sequence[str], delay: float, *more: str, form: str = "jsonl"
) -> Callable[[], float]:
    words = ["verify", *names, "--nameserver", f"127.0.0.1:{runs.dns.port}", "--format", form, *more]
    command = [sys.executable, "-m", "bench.checking", "FIGURES", "command", *words]
    return partial(runs.measure, subject, command, delay, names)


def _library(runs: Runs, subject: str, names: Sequence[str], delay: float) -> Callable[[], float]:
    command = [sys.executable, "-m", "bench.checking", "FIGURES", "library", str(runs.dns.port), *names]
    return partial(runs.measure, subject, command, delay, names)


def _peer(runs: Runs, subject: str, names: Sequence[str], delay: float) -> Callable[[], float]:
    script = str(ROOT / "bench" / "peer_checkdmarc.py")
    return partial(
        runs.measure, subject, [str(PEER), script, "FIGURES", str(runs.dns.port), *names], delay, names
    )


def _many(runs: Runs, part: int) -> dict[str, Callable[[], float]]:
    """With a selector named ours asks about as much as is there; without one it tries what is usual, too."""
    names, named = shops.names(MANY), ("--selector", shops.SELECTOR)
    return {
        "ours many": _ours(runs, "ours many", names, SLOW, *named),
        "ours guessing": _ours(runs, "ours guessing", names, SLOW),
        "peer many": _peer(runs, "peer many", names[:part], SLOW),
        "ours many at once": _ours(runs, "ours many at once", names, 0, *named),
        "peer many at once": _peer(runs, "peer many at once", names[:part], 0),
    }


def _one(runs: Runs) -> dict[str, Callable[[], float]]:
    name = shops.names(1)
    return {
        "ours one": _ours(runs, "ours one", name, SLOW),
        "ours one as text": _ours(runs, "ours one as text", name, SLOW, form="text"),
        "ours one inside": _library(runs, "ours one inside", name, SLOW),
        "peer one": _peer(runs, "peer one", name, SLOW),
    }


def _warm(runs: Runs) -> None:
    """Everything once without being counted: compiles, and fills the server's table of answers."""
    names = shops.names(MANY)
    for measure in (_ours(runs, "", names, 0), _peer(runs, "peer", names, 0), _library(runs, "", names, 0)):
        measure()
    runs.kept.clear()


def _rows_of_many(runs: Runs, part: int) -> list[Row]:
    def of_all(run: Run) -> float:
        return run.seconds + run.inside * (MANY / part - 1)

    scaled = "checkdmarc" if part == MANY else f"checkdmarc, from {part}"
    ours, peer, quick, theirs = "ours many", "peer many", "ours many at once", "peer many at once"
    label = f"verify {MANY} domains"
    return [
        _faster(runs, f"{label}, {SLOW} ms an answer", ours, peer, scaled, of_all, TARGET_MANY),
        _faster(
            runs, f"{label}, {SLOW} ms, selectors guessed", "ours guessing", peer, scaled, of_all, TARGET_MANY
        ),
        _faster(runs, f"{label}, 0 ms", quick, theirs, scaled, of_all),
        _beside(runs, f"{label}, CPU", "ms", ours, peer, scaled, lambda run: run.cpu * 1000, MANY / part),
        _beside(runs, f"{label}, peak memory", "MB", ours, peer, scaled, lambda run: run.megabytes),
        _beside(runs, f"{label}, questions", "", ours, peer, scaled, _questions, MANY / part),
        _beside(
            runs, f"{label}, most in flight", "", ours, peer, scaled, lambda r: r.counts["most in flight"]
        ),
        _beside(
            runs,
            f"{label}, planted faults told",
            "%",
            ours,
            peer,
            scaled,
            lambda r: 100 * r.found / r.planted,
        ),
    ]


def _rows_of_one(runs: Runs) -> list[Row]:
    ours, text, inside, peer = "ours one", "ours one as text", "ours one inside", "peer one"
    return [
        _faster(runs, f"verify one domain, {SLOW} ms", ours, peer, "checkdmarc", _wall, TARGET_ONE),
        _faster(runs, f"verify one domain, {SLOW} ms, as text", text, peer, "checkdmarc", _wall, TARGET_ONE),
        _faster(
            runs,
            f"one domain, {SLOW} ms, in process",
            inside,
            peer,
            "checkdmarc",
            _inside,
            TARGET_ONE,
            _inside,
        ),
        _beside(runs, "verify one domain, CPU", "ms", ours, peer, "checkdmarc", lambda run: run.cpu * 1000),
        _beside(
            runs, "verify one domain, peak memory", "MB", ours, peer, "checkdmarc", lambda r: r.megabytes
        ),
        _beside(runs, "verify one domain, questions", "", ours, peer, "checkdmarc", _questions),
    ]


def _wall(run: Run) -> float:
    return run.seconds


def _inside(run: Run) -> float:
    return run.inside


def _questions(run: Run) -> float:
    return run.counts["udp"] + run.counts["tcp"]


def _faster(
    runs: Runs,
    name: str,
    ours: str,
    theirs: str,
    peer: str,
    of_peer: Callable[[Run], float],
    target: str = "",
    of_ours: Callable[[Run], float] = _wall,
) -> Row:
    """A row of times, whose ratio is how many times as fast ours is: the median of the rounds."""
    pairs = zip(runs.kept[ours], runs.kept[theirs], strict=True)
    ratio = statistics.median(of_peer(b) / of_ours(a) for a, b in pairs)
    return Row(
        f"{name} (times faster)",
        "ms",
        runs.median(ours, of_ours) * 1000,
        peer,
        runs.median(theirs, of_peer) * 1000,
        ratio,
        target,
    )


def _beside(
    runs: Runs,
    name: str,
    unit: str,
    ours: str,
    theirs: str,
    peer: str,
    value: Callable[[Run], float],
    scale: float = 1,
) -> Row:
    """A row of anything else, without a target; the ratio is ours / theirs."""
    mine, other = runs.median(ours, value), runs.median(theirs, value) * scale
    return Row(name, unit, mine, peer, other, mine / other if other else None)
