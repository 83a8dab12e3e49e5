"""One process that checks domains with mailctl, as a command or as a library, and tells what it took.

`python -m bench.checking FIGURES command WORD…` is `mailctl WORD…`; `… library PORT DOMAIN…` imports everything first
and times the checks alone. FIGURES is a file that gets {"seconds", "megabytes"}; the first is 0 for a command.
"""

import asyncio
import json
import sys
import time
from pathlib import Path


def peak() -> float:
    """The most memory this process held, MB; not getrusage's, which begins with what the parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _command(words: list[str]) -> float:
    from mailctl.cli import main

    sys.argv = ["mailctl", *words]
    try:
        main()
    except SystemExit as end:
        if end.code not in (0, 1, None):
            raise
    return 0.0


def _library(port: str, names: list[str]) -> float:
    from mailctl.domains.checks.engine import verify_many
    from mailctl.domains.checks.run import Asked, open_tools, understand
    from mailctl.settings import load

    asked = Asked(names, nameservers=[f"127.0.0.1:{port}"])

    async def check() -> int:
        understood = understand(asked)
        async with open_tools(load(), asked, understood) as tools:
            return len([report async for report in verify_many(understood.named, tools)])

    begun = time.perf_counter()
    done = asyncio.run(check())
    seconds = time.perf_counter() - begun
    if done != len(names):
        raise RuntimeError(f"{done} reports of {len(names)}")
    return seconds


def main() -> None:
    figures, how, *words = sys.argv[1:]
    seconds = _command(words) if how == "command" else _library(words[0], words[1:])
    Path(figures).write_text(json.dumps({"seconds": seconds, "megabytes": peak()}))


if __name__ == "__main__":
    main()
