"""The reference is what the code says today, and the tables in it that people wrote leave nothing out."""

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace

import pytest

from mailctl.domains import verify, zone_plan
from mailctl.domains.checks.catalogue import AREAS, catalogue
from mailctl.domains.desired import MailDomain
from mailctl.domains.findings import Finding
from mailctl.domains.zone_plan import planned_zone
from mailctl.edges.resolver import MemoryResolver
from mailctl.settings_layers import known_keys
from mailctl.standards.dns import Answer, Record, Status
from scripts import reference, reference_dns
from scripts.reference_commands import examples, tree
from scripts.reference_findings import TITLES

STALE = "run scripts/reference and commit what it writes"


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    written = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name](), STALE


def test_no_page_is_left_over() -> None:
    assert {path.name for path in reference.FOLDER.glob("*.md")} == set(reference.PAGES)


def test_every_command_has_help_and_an_example_and_stands_in_the_reference() -> None:
    text = (reference.FOLDER / "commands.md").read_text(encoding="utf-8")
    for words, command in tree().items():
        assert command.help, words
        assert any(words.removeprefix("mailctl ") in example for example in examples(command)), (
            f"{words} has no example of its own"
        )
        assert re.search(rf"^#+ {words}$", text, re.MULTILINE), words


def test_every_setting_is_explained() -> None:
    text = (reference.FOLDER / "settings.md").read_text(encoding="utf-8")
    for key, info in known_keys().items():
        assert info.description, key
        assert f"| `{key}` |" in text


def _domain() -> MailDomain:
    """The domain of the page, with keys that a zone can hold."""
    home = reference_dns.HOME
    return replace(home, keys=tuple(replace(key, text=key.text.replace("…", "AAAA")) for key in home.keys))


def _found(records: list[Record], silent: Collection[str]) -> list[Finding]:
    resolver = MemoryResolver(records, faults=dict.fromkeys(silent, Status.TIMEOUT))
    domain = _domain()
    return list(asyncio.run(verify.verify(domain, resolver, domain.name)).findings)


def test_every_finding_of_verify_is_in_the_reference() -> None:
    """Whatever verify says, of a zone that is as planned, empty, wrong, doubled or silent, is documented."""
    domain = _domain()
    empty = {q: Answer(*q, Status.NXDOMAIN, (), 0, "") for q in zone_plan.questions(domain)}
    planned = list(planned_zone(zone_plan.plan_zone(domain, empty)))
    elsewhere = [replace(r, value=r.value.replace("192.0.2.10", "192.0.2.99")) for r in planned]
    doubled = [
        *planned,
        Record(domain.name, "TXT", "v=spf1 -all"),
        Record("_dmarc.shop.example", "TXT", "v=DMARC1"),
    ]
    worlds: list[tuple[list[Record], list[str]]] = [(planned, []), ([], []), (elsewhere, []), (doubled, [])]
    worlds.append((planned, [record.name for record in planned]))
    seen = {finding.id for records, silent in worlds for finding in _found(records, silent)}
    text = (reference.FOLDER / "findings.md").read_text(encoding="utf-8")
    assert len(seen) > 20
    assert [identifier for identifier in sorted(seen) if f"| `{identifier}` |" not in text] == []


def test_every_finding_has_an_area_with_a_title_and_stands_on_the_page() -> None:
    text = (reference.FOLDER / "findings.md").read_text(encoding="utf-8")
    assert tuple(TITLES) == AREAS
    for identifier, entry in catalogue().items():
        assert identifier.partition(".")[0] in AREAS
        assert f"| `{identifier}` | {entry.severity} |" in text
