"""All checks of a domain beside one another within its deadline, and many domains beside one another.

Promise: a report comes within `seconds` whatever the DNS does, and holds what was learned by then; what did not come to
an end is `unknown`. A bug in one check costs that check alone. `verify_many` holds no more than `concurrency` domains.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mailctl.domains.checks import (
    bimi,
    dane,
    dkim,
    dmarc,
    dns,
    dnsbl,
    dnssec,
    domain,
    mtasts,
    mx,
    ns,
    ptr,
    spf,
    tls,
    tlsrpt,
)
from mailctl.domains.checks.catalogue import catalogue, found
from mailctl.domains.checks.causes import PLANNED, ends_all, merge
from mailctl.domains.checks.deadline import AtTheSource, Hurried
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Evidence, Finding, Report, Severity, sort
from mailctl.errors import Undetermined

Check = Callable[[Target, Tools], Awaitable[list[Finding]]]
AREAS: Mapping[str, Check] = {
    "domain": domain.check,
    "dns": dns.check,
    "ns": ns.check,
    "dnssec": dnssec.check,
    "spf": spf.check,
    "dkim": dkim.check,
    "dmarc": dmarc.check,
    "mx": mx.check,
    "ptr": ptr.check,
    "dnsbl": dnsbl.check,
    "tls": tls.check,
    "mtasts": mtasts.check,
    "tlsrpt": tlsrpt.check,
    "dane": dane.check,
    "bimi": bimi.check,
}
SECONDS = 10.0
CONCURRENCY = 64
# From this part of the deadline on every question is answered with `timeout`, so that checks end by themselves, each
# with what it learned and an `unknown` for the rest, before they are cut off.
_HURRY = 0.92
_STEPS = 5  # of the event loop until the first questions are on their way
# Areas whose findings rest on records of the zone itself, so that its authoritative servers can show them mended.
_PUBLISHED = ("spf", "dkim", "dmarc", "mx", "mtasts", "tlsrpt", "dane", "bimi", "tls")
_FAULTY = (Severity.ERROR, Severity.WARNING)


async def verify_target(
    target: Target, tools: Tools, *, seconds: float = SECONDS, planned: Check | None = None
) -> Report:
    """Check one domain. `planned` compares it with what setup planned, where the store knows it.

    Never raises for what the DNS or a server does.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    hurried = replace(tools, dns=Hurried(tools.dns, started + seconds * _HURRY))
    checks = {**AREAS, PLANNED: planned} if planned is not None else AREAS
    found_by = await _run(checks, target, hurried, started + seconds)
    findings = merge(found_by)
    if tools.authoritative:
        findings = await _told_apart(findings, target, hurried, started + seconds)
    kept = [finding for finding in findings if finding.id not in target.ignore]
    return Report(target.name, sort(kept), round(loop.time() - started, 3), target.line)


async def verify_many(
    targets: Iterable[Target],
    tools: Tools,
    *,
    concurrency: int = CONCURRENCY,
    seconds: float = SECONDS,
    planned: Check | None = None,
) -> AsyncIterator[Report]:
    """The report of each target as soon as it is known, in no order. Targets are taken when there is room for them."""
    waiting = iter(targets)
    running: set[asyncio.Task[Report]] = set()
    ready = asyncio.create_task(_get_ready())
    try:
        while True:
            while len(running) < concurrency and (target := next(waiting, None)) is not None:
                one = verify_target(target, tools, seconds=seconds, planned=planned)
                running.add(asyncio.create_task(one))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        ready.cancel()
        await _stop(running)


async def _get_ready() -> None:
    """Load what the answers will need, in the time in which there is nothing but to wait for them: 25 ms."""
    for _ in range(_STEPS):
        await asyncio.sleep(0)
    import mailctl.standards.dkim  # noqa: F401 - the cryptography, for the keys

    catalogue()


async def _run(
    checks: Mapping[str, Check], target: Target, tools: Tools, deadline: float
) -> dict[str, list[Finding]]:
    """What each check found. The others are given up once the domain check says that they are pointless."""
    tasks = {
        area: asyncio.create_task(_guarded(area, check, target, tools)) for area, check in checks.items()
    }
    try:
        pending = set(tasks.values())
        while pending and (left := deadline - asyncio.get_running_loop().time()) > 0:
            _, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            first = tasks.get("domain")
            if first is not None and first.done() and ends_all(first.result()):
                return {"domain": first.result()}
        return {area: task.result() if task.done() else [_unfinished(area)] for area, task in tasks.items()}
    finally:
        await _stop(tasks.values())


async def _stop(tasks: Iterable["asyncio.Task[Report] | asyncio.Task[list[Finding]]"]) -> None:
    running = [task for task in tasks if not task.done()]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _guarded(area: str, check: Check, target: Target, tools: Tools) -> list[Finding]:
    """One check; a bug in it is a finding that says so, since the other checks have something to say."""
    try:
        return await check(target, tools)
    except Exception as error:  # noqa: BLE001 - shown, with where it happened
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        message = f"a bug in mailctl stopped this check: {type(error).__name__}: {error} ({place})"
        return [found(f"{_shown(area)}.check-failed", message)]


def _unfinished(area: str) -> Finding:
    return found(f"{_shown(area)}.unfinished", "this check was not finished within the deadline")


def _shown(area: str) -> str:
    return "domain" if area == PLANNED else area


async def _told_apart(
    findings: list[Finding], target: Target, tools: Tools, deadline: float
) -> list[Finding]:
    """The findings, where those that the authoritative servers no longer bear out became `propagating`."""
    suspects = {f.area for f in findings if f.severity in _FAULTY} & set(AREAS) & set(_PUBLISHED)
    try:
        zone = await tools.dns.zone_cut(target.name) if suspects else ""
    except Undetermined:
        return findings  # the ns check says so
    if not zone:
        return findings
    direct = replace(tools, dns=AtTheSource(tools.dns, zone))
    again = await _run({area: AREAS[area] for area in sorted(suspects)}, target, direct, deadline)
    gone = [f for f in findings if f.area in suspects and f.severity in _FAULTY and _mended(f, again[f.area])]
    return [finding for finding in findings if finding not in gone] + _on_their_way(gone)


def _mended(finding: Finding, now: Sequence[Finding]) -> bool:
    """Whether the area, looked at again, is known and no longer has this finding."""
    if any(f.severity is Severity.UNKNOWN for f in now):
        return False
    return not any(f.id == finding.id and _questions(f) == _questions(finding) for f in now)


def _questions(finding: Finding) -> set[str]:
    return {one.question for one in finding.evidence}


def _on_their_way(gone: Sequence[Finding]) -> list[Finding]:
    """One finding for each area that is mended at the source, with what the resolver still says."""
    areas = dict.fromkeys(finding.area for finding in gone)
    return [_propagating(area, [f for f in gone if f.area == area]) for area in areas]


def _propagating(area: str, gone: Sequence[Finding]) -> Finding:
    seen: dict[str, Evidence] = {e.question: e for finding in gone for e in finding.evidence}
    wait = max((e.ttl for e in seen.values()), default=0)
    said = "; ".join(f"{finding.id}: {finding.message}" for finding in gone)
    return found(
        f"{area}.propagating",
        f"mended at the authoritative servers, but the resolver still shows {said}",
        evidence=seen.values(),
        fix=f"wait: the old answers may be kept for {wait} s more",
    )
