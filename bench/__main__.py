"""`python -m bench`: run what is named, or all; print a table; write bench/results/latest.json."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench import evaluating, rehearsing, resolving, signing, startup, verifying
from bench.measure import ROOT, Row

PARTS: dict[str, Callable[[int], list[Row]]] = {
    "startup": startup.rows,
    "signing": signing.rows,
    "evaluating": evaluating.rows,
    "resolving": resolving.rows,
    "rehearsing": rehearsing.rows,
    "verifying": verifying.rows,
}
RESULTS = ROOT / "bench" / "results"


def machine() -> dict[str, object]:
    """What the figures depend on, without the name of the machine."""
    from cryptography.hazmat.backends.openssl import backend

    cpu = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0].strip("\t :")
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=False).stdout
    commit = ["git", "rev-parse", "--short", "HEAD"]
    return {
        "cpu": cpu or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "openssl": openssl.strip(),
        "cryptography's openssl": backend.openssl_version_text(),
        "commit": subprocess.run(
            commit, cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def table(rows: Sequence[Row]) -> str:
    """The rows as text, a line each."""
    cells = [("what", "ours", "unit", "peer or ceiling", "theirs", "ratio", "target", "")]
    for row in rows:
        verdict = {True: "reached", False: "MISSED", None: ""}[row.reached]
        theirs = "" if row.theirs is None else f"{row.theirs:,.0f}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        cells.append((row.name, f"{row.ours:,.0f}", row.unit, row.peer, theirs, ratio, row.target, verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    numbers = (1, 4, 5)
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in numbers else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure; see docs/performance.md.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)}; default: all")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each part (default: 7)")
    parser.add_argument("--full", action="store_true", help="verifying: the peer checks all domains, too")
    said = parser.parse_args()
    if unknown := set(said.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    about, rows = machine(), list[Row]()
    parts = PARTS | {"verifying": partial(verifying.rows, full=said.full)}
    for name in said.parts or parts:
        print(f"measuring: {name} …", file=sys.stderr, flush=True)
        rows += parts[name](said.rounds)
    print(table(rows))
    RESULTS.mkdir(exist_ok=True)
    written = [asdict(row) | {"reached": row.reached} for row in rows]
    text = json.dumps({"machine": about, "rows": written}, indent=2, ensure_ascii=False) + "\n"
    for file in (f"{about['time']}.json".replace(":", ""), "latest.json"):
        (RESULTS / file).write_text(text)
    print(f"written: {(RESULTS / 'latest.json').relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
