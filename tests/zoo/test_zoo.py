"""Every animal of the zoo, looked at by all checks at once: what was planted is found, and nothing else is said."""

import asyncio
from collections.abc import Mapping

import pytest

from mailctl.domains.checks.catalogue import catalogue
from mailctl.domains.checks.entries import planned as planned_entries
from mailctl.domains.findings import Report, Severity
from mailctl.edges.resolver import MemoryResolver
from tests.zoo.domains import HEALTHY, PLANTED, ZOO
from tests.zoo.kinds import Animal, animal
from tests.zoo.world import is_silent, look, memory, mistakes, network

pytestmark = pytest.mark.xdist_group("zoo")
# Nothing that these servers can be told to do makes these: they need a bug, two looks, or a zone without NS records.
ELSEWHERE = (
    ".propagating",
    ".unfinished",
    ".check-failed",
    "ns.missing",
    "dmarc.one-leg",
    "mtasts.id-not-changed",
)


async def _on_the_network() -> Mapping[str, Report]:
    quick = [one for one in ZOO if not is_silent(one)]
    silent = [one for one in ZOO if is_silent(one)]
    async with network(ZOO) as (patient, hasty):
        return {**await look(quick, patient), **await look(silent, hasty, concurrency=4)}


@pytest.fixture(scope="module")
def reports() -> Mapping[str, Report]:
    """All of the zoo, over the network, in one run."""
    return asyncio.run(_on_the_network())


@pytest.fixture(scope="module")
def twins() -> Mapping[str, Report]:
    """The same in memory."""
    return asyncio.run(look(ZOO, memory(ZOO)))


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.name)
def test_what_was_planted_is_found_and_nothing_else(reports: Mapping[str, Report], one: Animal) -> None:
    assert mistakes(one, reports[one.name]) == []


@pytest.mark.parametrize("one", HEALTHY, ids=lambda one: one.name)
def test_nothing_is_said_against_a_healthy_domain(reports: Mapping[str, Report], one: Animal) -> None:
    assert mistakes(one, reports[one.name]) == []
    assert reports[one.name].verdict is Severity.OK


def test_the_twin_sees_the_same(reports: Mapping[str, Report], twins: Mapping[str, Report]) -> None:
    wrong = [word for one in ZOO for word in mistakes(one, twins[one.name])]
    assert wrong == []
    assert {name: _ids(report) for name, report in twins.items()} == {
        name: _ids(report) for name, report in reports.items()
    }


def _ids(report: Report) -> list[str]:
    return sorted(f"{one.id} {one.severity}" for one in report.findings)


def test_many_findings_of_one_kind_are_counted(reports: Mapping[str, Report]) -> None:
    gone = [one for one in reports["mx-many-gone.example"].findings if one.id == "mx.unresolvable"]
    assert [one for one in gone if one.message.endswith("and 2 more like this")] == gone[-1:]


@pytest.mark.parametrize("label", ["shop", "news.shop"])
def test_a_policy_of_a_public_suffix_covers_the_domains_below_it(label: str) -> None:
    """psd=y puts the organizational domain one label below (RFC 9989 §4.10.2), and its policy in force above it."""
    suffix = "_dmarc.example. TXT v=DMARC1; p=reject; psd=y; rua=mailto:in@catcher.example"
    below = animal(label, dmarc=None, more=[suffix, f"{label}.example. A 192.0.2.80"])
    report = asyncio.run(look([below], memory([below])))[below.name]
    assert mistakes(below, report) == []
    (said,) = [one.message for one in report.findings if one.id == "dmarc.ok"]
    assert "_dmarc.example says p=reject" in said


def test_a_zone_that_names_no_servers() -> None:
    bare = animal(
        "no-servers", "ns.missing warning", ns=(), more=["^ SOA ns1.^ hostmaster.^ 7 3600 600 86400 60"]
    )
    report = asyncio.run(look([bare], MemoryResolver(bare.records)))[bare.name]
    assert mistakes(bare, report) == []


def test_every_area_tells_what_it_saw(reports: Mapping[str, Report]) -> None:
    """Evidence, clause and fix: what makes a finding worth more than a mark."""
    found = [one for report in reports.values() for one in report.findings]
    faults = [one for one in found if one.severity in (Severity.ERROR, Severity.WARNING)]
    assert [one.id for one in faults if not one.evidence or not one.reference] == []
    assert [one.id for one in faults if not one.fix and not one.expected] == []


def test_every_finding_of_the_catalogue_is_made_somewhere() -> None:
    planned = {entry.id for entry in planned_entries.ENTRIES}
    wanted = {entry.id for entry in catalogue().values()} - planned
    made = {word.partition(" ")[0] for one in ZOO for word in (*one.found, *one.noted)}
    assert sorted(one for one in wanted - made if not one.endswith(ELSEWHERE)) == []


def test_the_zoo_has_its_size() -> None:
    names = [one.name for one in ZOO]
    assert len(set(names)) == len(names)
    assert len(PLANTED) >= 150
    assert len(HEALTHY) >= 25
