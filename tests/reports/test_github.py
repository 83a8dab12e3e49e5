"""Annotations of GitHub Actions: what its runner would read out of each line."""

import re

import pytest

from mailctl.domains.findings import Report
from mailctl.reports import Run, github
from tests.reports.examples import ALL, BAD, DARK, DIRECT, EVIL, GOOD, RUN

COMMAND = re.compile(r"::(?P<name>[a-z]+) (?P<properties>[^\n]*?)::(?P<data>.*)")


def parsed(*reports: Report, run: Run = RUN) -> list[tuple[str, dict[str, str], str]]:
    """The lines as the runner's own parser reads them (actions/runner, ActionCommand.TryParseV2)."""
    found = []
    for line in github.write(reports, run).splitlines()[:-1]:
        match = COMMAND.fullmatch(line)
        assert match, line
        properties = dict(part.split("=", 1) for part in match["properties"].split(","))
        found.append((match["name"], {k: _back(v) for k, v in properties.items()}, _back(match["data"])))
    return found


def _back(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_each_finding_is_a_command_at_its_line() -> None:
    name, properties, data = parsed(BAD)[0]
    assert name == "error"
    assert properties == {"file": "mail/domains.toml", "line": "7", "title": "spf.plus-all: bad.example"}
    assert data == "bad.example: +all lets everybody send\nfix: bad.example. TXT …"
    assert [name for name, _, _ in parsed(BAD)] == ["error", "warning", "warning", "notice"]


def test_without_an_inventory_there_is_no_file() -> None:
    assert [list(properties) for _, properties, _ in parsed(DARK, run=DIRECT)] == [["title"]]


def test_a_path_with_syntax_in_it_is_escaped() -> None:
    ((_, properties, _),) = parsed(DARK, run=Run(inventory="a,b:c%\n.toml"))
    assert properties["file"] == "a,b:c%\n.toml"


def test_hostile_text_ends_no_command_and_begins_none() -> None:
    text = github.write([EVIL], RUN)
    assert len(text.splitlines()) == 5  # four findings that are not ok, and the count
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in text.splitlines()[:-1])
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text) is None
    _, properties, data = parsed(EVIL)[0]
    assert properties == {"file": "mail/domains.toml", "line": "15", "title": "spf.syntax: h.example"}
    assert "\n::error file=x::y" in data


@pytest.mark.parametrize(
    ("reports", "last"),
    [
        ((GOOD,), "mailctl verify: 1 domain, clean"),
        ((GOOD, DARK), "mailctl verify: 2 domains, 1 unknown"),
        (ALL, "mailctl verify: 4 domains, 2 error, 2 warning, 3 unknown, 2 info"),
    ],
)
def test_the_last_line_counts(reports: tuple[Report, ...], last: str) -> None:
    assert github.write(reports, RUN).splitlines()[-1] == last
