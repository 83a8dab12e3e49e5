"""Looks at hostile zones in a process of its own, and prints what came of it and what it took.

`python -m tests.zoo.hostile_client ADDRESS SECONDS CONCURRENCY NAME…`; test_hostile.py runs it.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailctl.domains.checks.engine import verify_many
from mailctl.domains.checks.target import Target, Tools
from mailctl.edges.resolver import Resolver

DATAGRAM_SECONDS = 2.0


async def look(address: str, seconds: float, concurrency: int, names: list[str]) -> dict[str, Any]:
    targets = [Target(name, selectors=("s1", "s2")) for name in names]
    started, reports = time.monotonic(), {}
    async with Resolver([address], timeout=min(DATAGRAM_SECONDS, seconds / 3), deadline=seconds) as dns:
        tools = Tools(dns, datetime.now(UTC), authoritative=True)
        async for report in verify_many(targets, tools, concurrency=concurrency, seconds=seconds):
            found = [(one.id, str(one.severity)) for one in report.findings]
            size = sum(len(e.answer) for one in report.findings for e in one.evidence)
            reports[report.domain] = {"found": found, "seconds": report.seconds, "size": size}
    return {"reports": reports, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    where, deadline, beside, *domains = sys.argv[1:]
    result = asyncio.run(look(where, float(deadline), int(beside), domains))
    # Not ru_maxrss: that also remembers the process that this one was forked from.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024  # kilobytes there
    print(json.dumps({**result, "megabytes": peak}))
