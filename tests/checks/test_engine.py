"""The engine: a deadline that holds, one finding for one cause, a bug that costs one check, many domains at once."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from mailctl.domains.checks.catalogue import AREAS, catalogue, found
from mailctl.domains.checks.engine import AREAS as CHECKS
from mailctl.domains.checks.engine import Check, verify_many, verify_target
from mailctl.domains.checks.entries import ALL
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, Report, Severity, evidence
from mailctl.edges.resolver import DnsClient, MemoryResolver
from mailctl.standards import dkim
from mailctl.standards.dns import Answer, Record, Status

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAME = "shop.example"
FAULTS = (Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT)


def zone(name: str = NAME) -> tuple[Record, ...]:
    """A domain in which nothing is wrong."""
    return (
        Record(name, "NS", f"ns1.{name}"),
        Record(name, "NS", f"ns2.{name}"),
        Record(f"ns1.{name}", "A", "192.0.2.53"),
        Record(f"ns2.{name}", "A", "198.51.100.53"),
        Record(name, "MX", f"10 mx1.{name}"),
        Record(name, "MX", f"20 mx2.{name}"),
        Record(f"mx1.{name}", "A", "192.0.2.25"),
        Record(f"mx2.{name}", "A", "198.51.100.25"),
        Record(name, "TXT", "v=spf1 mx -all"),
        Record(f"_dmarc.{name}", "TXT", f"v=DMARC1; p=reject; rua=mailto:d@{name}"),
    )


def dns(records: tuple[Record, ...] = zone(), **more: object) -> MemoryResolver:
    return MemoryResolver(records, zones=("", NAME), **more)  # type: ignore[arg-type]


def tools(client: DnsClient, *, authoritative: bool = False) -> Tools:
    return Tools(dns=client, now=NOW, authoritative=authoritative)


def run(client: DnsClient, target: Target | None = None, *, seconds: float = 5, **more: Check) -> Report:
    return asyncio.run(verify_target(target or Target(NAME), tools(client), seconds=seconds, **more))


def wrong(report: Report) -> dict[str, Severity]:
    return {f.id: f.severity for f in report.findings if f.severity not in (Severity.OK, Severity.INFO)}


def without(records: tuple[Record, ...], name: str, rdtype: str) -> tuple[Record, ...]:
    return tuple(record for record in records if (record.name, record.rdtype) != (name, rdtype))


@dataclass
class Slow:
    """A DNS that takes its time for what `waits` names, and for everything that it does not name `otherwise`."""

    inner: MemoryResolver
    waits: dict[str, float] = field(default_factory=dict)
    otherwise: float = 0.0
    cancelled: int = 0

    async def __call__(self, name: str, rdtype: str) -> Answer:
        try:
            await asyncio.sleep(self.waits.get(rdtype, self.waits.get(name, self.otherwise)))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await self.inner(name, rdtype)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        await asyncio.sleep(self.otherwise)
        return await self.inner.ask_authoritative(zone, name, rdtype)

    async def zone_cut(self, name: str) -> str:
        return await self.inner.zone_cut(name)

    def flush(self) -> None:
        """Nothing is cached."""


# What is checked


def test_there_is_one_check_for_each_area_and_no_id_twice() -> None:
    assert set(CHECKS) == set(AREAS)
    ids = [entry.id for entry in ALL]
    assert len(set(ids)) == len(ids) == len(catalogue())
    for entry in ALL:
        assert entry.id.partition(".")[0] in AREAS
        assert entry.title
        assert entry.why


def test_a_sound_domain_is_clean_and_each_area_has_its_say() -> None:
    key = Record(f"s1._domainkey.{NAME}", "TXT", dkim.public_text(dkim.generate("ed25519")))
    report = run(dns((*zone(), key)), Target(NAME, ("s1",)))
    assert (wrong(report), report.verdict) == ({}, Severity.OK)
    fine = {f.area for f in report.findings if f.severity is Severity.OK}
    assert fine >= {"domain", "dns", "ns", "spf", "dkim", "dmarc", "mx"}
    assert {f.area for f in report.findings} >= {"dnssec", "mtasts", "tlsrpt", "dane", "bimi", "tls"}


def test_selectors_that_were_only_guessed_are_unknown() -> None:
    assert wrong(run(dns())) == {"dkim.none-found": Severity.UNKNOWN}


def test_the_worst_comes_first_and_the_line_is_kept() -> None:
    report = run(
        dns((*without(zone(), NAME, "TXT"), Record(NAME, "TXT", "v=spf1 +all"))), Target(NAME, line=7)
    )
    assert (report.line, report.domain, report.verdict) == (7, NAME, Severity.ERROR)
    assert report.findings[0].id == "spf.plus-all"
    assert 0 <= report.seconds < 5


def test_what_is_to_be_ignored_is() -> None:
    records = (*without(zone(), NAME, "TXT"), Record(NAME, "TXT", "v=spf1 +all"))
    assert "spf.plus-all" not in wrong(run(dns(records), Target(NAME, ignore=frozenset({"spf.plus-all"}))))


# One finding for one cause


def test_a_domain_that_does_not_exist_is_one_finding() -> None:
    client = dns(())
    assert [f.id for f in run(client, Target("none.example", ("s1",))).findings] == ["domain.does-not-exist"]


@pytest.mark.parametrize("status", FAULTS)
def test_a_domain_that_nobody_answers_for_is_one_finding(status: Status) -> None:
    names = {NAME, f"_dmarc.{NAME}", f"_mta-sts.{NAME}", "example", ""}
    report = run(dns(faults=dict.fromkeys(names, status)), Target(NAME, ("s1",)))
    assert [(f.id, f.severity) for f in report.findings] == [("domain.unknown", Severity.UNKNOWN)]
    assert status.value in report.findings[0].message


def test_a_bogus_domain_is_one_error() -> None:
    names = {NAME, f"_dmarc.{NAME}", f"_mta-sts.{NAME}"}
    report = run(dns(faults=dict.fromkeys(names, Status.BOGUS)))
    assert [(f.id, f.severity) for f in report.findings] == [("dnssec.bogus", Severity.ERROR)]


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize(
    ("question", "area"),
    [((NAME, "TXT"), "spf"), ((NAME, "MX"), "mx"), ((f"_dmarc.{NAME}", "TXT"), "dmarc"),
     ((f"s1._domainkey.{NAME}", "TXT"), "dkim"), ((f"_mta-sts.{NAME}", "TXT"), "mtasts"),
     ((f"_smtp._tls.{NAME}", "TXT"), "tlsrpt")],
)  # fmt: skip
def test_one_silence_is_one_finding_of_the_area_whose_question_it_is(
    question: tuple[str, str], area: str, status: Status
) -> None:
    records = (*without(zone(), NAME, "TXT"), Record(NAME, "TXT", "v=spf1 ip4:192.0.2.25 -all"))
    report = run(dns(records, faults={question: status}), Target(NAME, ("s1",)))
    told = [f for f in report.findings if any(e.question == " ".join(question) for e in f.evidence)]
    assert {(f.area, f.severity) for f in told if f.severity is not Severity.OK} == {(area, Severity.UNKNOWN)}
    assert len(told) == 1


# The deadline


def test_a_dns_that_never_answers_ends_in_time_and_as_unknown() -> None:
    client = Slow(dns(), otherwise=60)
    report = run(client, seconds=0.4)
    assert [f.id for f in report.findings] == ["domain.unknown"]
    assert report.seconds < 0.6
    assert client.cancelled > 0


def test_what_was_learned_by_the_deadline_is_told() -> None:
    client = Slow(dns(), waits={f"_dmarc.{NAME}": 60, "MX": 60})
    report = run(client, seconds=0.5)
    assert {"spf.ok", "ns.ok"} & {f.id for f in report.findings if f.severity is Severity.OK}
    assert {f.area for f in report.findings if f.severity is Severity.UNKNOWN} >= {"dmarc", "mx"}
    assert all(s is Severity.UNKNOWN for s in wrong(report).values())


def test_a_check_that_does_not_end_is_cut_off_and_said_to_be_unfinished() -> None:
    async def endless(target: Target, tools: Tools) -> list[Finding]:
        await asyncio.sleep(60)
        return []

    report = run(dns(), seconds=0.3, planned=endless)
    assert wrong(report)["domain.unfinished"] is Severity.UNKNOWN
    assert "spf.ok" in {f.id for f in report.findings}


def test_nothing_is_left_running() -> None:
    async def checked() -> set[asyncio.Task[object]]:
        await verify_target(Target(NAME), tools(Slow(dns(), otherwise=60)), seconds=0.2)
        await verify_target(Target("none.example"), tools(Slow(dns(()), waits={"TXT": 60})), seconds=0.5)
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(checked()) == set()


def test_a_bug_in_one_check_costs_that_check_alone_and_is_told() -> None:
    async def broken(target: Target, tools: Tools) -> list[Finding]:
        raise KeyError("x")

    report = run(dns(), planned=broken)
    bug = next(f for f in report.findings if f.id == "domain.check-failed")
    assert bug.severity is Severity.UNKNOWN
    assert "KeyError: 'x' (test_engine.py:" in bug.message
    assert "spf.ok" in {f.id for f in report.findings}


# Propagating


@dataclass
class Behind:
    """A resolver that still shows `old`, before authoritative servers that have `new`."""

    old: MemoryResolver
    new: MemoryResolver

    async def __call__(self, name: str, rdtype: str) -> Answer:
        return await self.old(name, rdtype)

    async def ask_authoritative(self, zone: str, name: str, rdtype: str) -> tuple[Answer, ...]:
        return await self.new.ask_authoritative(zone, name, rdtype)

    async def zone_cut(self, name: str) -> str:
        return await self.new.zone_cut(name)

    def flush(self) -> None:
        self.old = self.new


def propagated(old: tuple[Record, ...], *, faults: dict[str, Status] | None = None) -> Report:
    client = Behind(dns(old), dns(faults=faults))
    return asyncio.run(verify_target(Target(NAME), tools(client, authoritative=True)))


@pytest.mark.parametrize(
    ("old", "area"),
    [(without(zone(), NAME, "TXT"), "spf"), (without(zone(), f"_dmarc.{NAME}", "TXT"), "dmarc"),
     ((*without(zone(), NAME, "TXT"), Record(NAME, "TXT", "v=spf1 +all")), "spf")],
)  # fmt: skip
def test_what_is_mended_at_the_source_is_propagating(old: tuple[Record, ...], area: str) -> None:
    report = propagated(old)
    assert wrong(report)[f"{area}.propagating"] is Severity.WARNING
    assert Severity.ERROR not in wrong(report).values()
    told = next(f for f in report.findings if f.id == f"{area}.propagating")
    assert told.fix.startswith("wait: ")
    assert told.evidence


def test_without_asking_the_source_it_is_wrong() -> None:
    client = Behind(dns(without(zone(), NAME, "TXT")), dns())
    assert "spf.missing" in wrong(run(client))


def test_what_the_source_does_not_say_is_not_propagating() -> None:
    report = propagated(
        without(zone(), NAME, "TXT"), faults={f"ns1.{NAME}": Status.TIMEOUT, f"ns2.{NAME}": Status.TIMEOUT}
    )
    assert "spf.missing" in wrong(report)


# Many


def names(count: int) -> Iterator[Target]:
    return (Target(f"d{number}.example", line=number) for number in range(count))


def many(count: int, client: DnsClient, *, concurrency: int, seconds: float = 5) -> list[Report]:
    async def gathered() -> list[Report]:
        reports = verify_many(names(count), tools(client), concurrency=concurrency, seconds=seconds)
        return [report async for report in reports]

    return asyncio.run(gathered())


def test_each_target_has_one_report() -> None:
    records = tuple(record for number in range(0, 40, 2) for record in zone(f"d{number}.example"))
    reports = many(40, MemoryResolver(records), concurrency=7)
    assert sorted(report.line for report in reports) == list(range(40))
    gone = {report.line for report in reports if "domain.does-not-exist" in wrong(report)}
    assert gone == set(range(1, 40, 2))


def test_a_report_comes_as_soon_as_it_is_known() -> None:
    client = Slow(MemoryResolver(zone("d0.example")), waits={"d0.example": 0.2})
    assert [report.line for report in many(3, client, concurrency=3)][-1] == 0


def test_targets_are_taken_when_there_is_room_for_them() -> None:
    taken: list[int] = []

    def watched() -> Iterator[Target]:
        for target in names(1000):
            taken.append(target.line)
            yield target

    async def first() -> int:
        reports = verify_many(watched(), tools(MemoryResolver(())), concurrency=5)
        await anext(aiter(reports))
        count = len(taken)
        await reports.aclose()  # type: ignore[attr-defined]
        return count

    assert asyncio.run(first()) == 5


def test_who_stops_listening_stops_the_checks() -> None:
    async def left() -> int:
        client = Slow(MemoryResolver(()), otherwise=0.05)
        reports: AsyncIterator[Report] = verify_many(names(100), tools(client), concurrency=10)
        async for _ in reports:
            break
        await reports.aclose()  # type: ignore[attr-defined]
        return len(asyncio.all_tasks()) - 1

    assert asyncio.run(left()) == 0


def test_a_hundred_silent_domains_beside_one_another_end_in_one_deadline() -> None:
    reports = many(100, Slow(MemoryResolver(()), otherwise=60), concurrency=100, seconds=1.5)
    said = {f.id for report in reports for f in report.findings}
    assert said <= {"domain.unknown", "domain.unfinished"}
    assert max(report.seconds for report in reports) < 4


def test_memory_does_not_grow_with_the_number_of_domains() -> None:
    async def peak(count: int) -> int:
        tracemalloc.start()
        client = MemoryResolver(())
        async for _ in verify_many(names(count), tools(client), concurrency=5):
            client.asked.clear()
        high = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return high

    asyncio.run(peak(10))  # what is imported and cached once
    assert asyncio.run(peak(120)) < asyncio.run(peak(30)) * 1.5


# Beside a plan


def planned(*findings: Finding) -> Check:
    async def check(target: Target, tools: Tools) -> list[Finding]:
        return list(findings)

    return check


def seen(question: str) -> Answer:
    name, rdtype = question.split()
    return Answer(name, rdtype, Status.NODATA)


def finding(id_: str, question: str, **more: Severity) -> Finding:
    return found(id_, "as the plan says", evidence=[evidence(seen(question))], **more)


def test_a_record_that_is_missing_is_told_once_by_the_plan() -> None:
    mine = finding("spf.missing", f"{NAME} TXT")
    report = run(dns(without(zone(), NAME, "TXT")), planned=planned(mine))
    assert [f for f in report.findings if f.area == "spf" and f.severity is Severity.ERROR] == [mine]


def test_another_fault_of_the_same_record_is_not_hidden_by_the_plan() -> None:
    records = (*without(zone(), NAME, "TXT"), Record(NAME, "TXT", "v=spf1 +all"))
    report = run(dns(records), planned=planned(finding("spf.wrong", f"{NAME} TXT")))
    assert {"spf.wrong", "spf.plus-all"} <= set(wrong(report))


def test_a_conflict_is_told_by_the_check_that_can_say_more() -> None:
    records = (*zone(), Record(NAME, "TXT", "v=spf1 -all"))
    report = run(dns(records), planned=planned(finding("spf.conflict", f"{NAME} TXT")))
    assert {id_ for id_ in wrong(report) if id_.startswith("spf.")} == {"spf.multiple-records"}


def test_a_plan_that_is_kept_takes_nothing_else_away() -> None:
    report = run(
        dns(), planned=planned(finding("spf.ok", f"{NAME} TXT"), finding("dmarc.aligned", f"{NAME} TXT"))
    )
    assert [f.message for f in report.findings if f.id == "spf.ok"] == ["as the plan says"]
    assert "dmarc.ok" in {f.id for f in report.findings}


def test_a_consequence_is_left_out_where_its_cause_is_told() -> None:
    records = (
        *without(zone(), f"_dmarc.{NAME}", "TXT"),
        Record(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=nonsense"),
    )
    consequence = found("dmarc.not-in-force", "it is not")
    report = run(dns(records), planned=planned(consequence))
    errors = [f.id for f in report.findings if f.area == "dmarc" and f.severity is Severity.ERROR]
    assert errors
    assert "dmarc.not-in-force" not in errors
    alone = run(dns(), planned=planned(consequence))
    assert "dmarc.not-in-force" in wrong(alone)
