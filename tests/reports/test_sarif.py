"""SARIF: held to the OASIS schema, and to what GitHub's code scanning asks for beyond it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from mailctl.domains.checks.catalogue import catalogue
from mailctl.domains.findings import Report, Severity, sort
from mailctl.reports import Run, sarif
from tests.reports.examples import ALL, BAD, DARK, DIRECT, EVIL, GOOD, RUN

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA)


def log(*reports: Report, run: Run = RUN) -> Any:
    made = json.loads(sarif.write(reports, run))
    VALIDATOR.validate(made)
    return made["runs"][0]


@pytest.mark.parametrize("reports", [(), (GOOD,), (BAD,), (EVIL,), ALL], ids=len)
@pytest.mark.parametrize(
    "run", [RUN, DIRECT, Run(inventory="/srv/a b/ü.toml")], ids=["file", "none", "absolute"]
)
def test_it_keeps_to_the_schema(reports: tuple[Report, ...], run: Run) -> None:
    made = log(*reports, run=run)
    assert len(made["results"]) == sum(f.severity is not Severity.OK for r in reports for f in r.findings)


def test_each_result_stands_at_the_line_of_its_domain() -> None:
    for result in log(*ALL)["results"]:
        (location,) = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "mail/domains.toml"
        lines = {"bad.example": 7, "dark.example": 11, "h.example": 15}
        assert place["region"]["startLine"] == lines[result["properties"]["domain"]]


def test_without_an_inventory_the_location_is_one_that_github_takes() -> None:
    for result in log(BAD, run=DIRECT)["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place == {"artifactLocation": {"uri": "bad.example"}, "region": {"startLine": 7}}


def test_a_path_is_a_reference() -> None:
    (result,) = log(DARK, run=Run(inventory="a b/ü%.toml"))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%C3%BC%25.toml"
    (result,) = log(DARK, run=Run(inventory="/srv/x.toml"))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///srv/x.toml"


def test_levels() -> None:
    levels = {r["ruleId"]: r["level"] for r in log(BAD)["results"]}
    assert levels == {
        "spf.plus-all": "error", "ns.single": "warning", "mx.unknown": "note", "mtasts.missing": "note",
    }  # fmt: skip


def test_each_rule_is_explained_and_referred_to() -> None:
    run = log(*ALL)
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for rule in rules:  # GitHub: all of these are required, and shown
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert catalogue()[rule["id"]].why in rule["help"]["text"]
        assert len(rule["properties"]["tags"]) <= 10
        assert re.fullmatch(r"[A-Za-z0-9]+", rule["name"])


def test_fingerprints_stay_and_tell_results_apart() -> None:
    def marks(*reports: Report) -> list[str]:
        return [r["partialFingerprints"]["primaryLocationLineHash"] for r in log(*reports)["results"]]

    assert len(set(marks(*ALL))) == len(marks(*ALL))
    later = Report(BAD.domain, BAD.findings, 99.0, 1234)
    assert sorted(marks(later)) == sorted(marks(BAD))
    two = Report("bad.example", sort((BAD.findings[0], BAD.findings[0])))
    assert len(set(marks(two))) == 2
    assert not set(marks(BAD)) & set(marks(Report("other.example", BAD.findings)))


def test_no_more_results_than_github_takes_and_the_worst_are_kept() -> None:
    many = [Report(f"d{i}.example", (*BAD.findings, *DARK.findings)) for i in range(sarif.RESULTS // 5 + 10)]
    run = json.loads(sarif.write([*many, BAD, BAD], RUN))["runs"][0]
    assert len(run["results"]) == sarif.RESULTS
    assert run["results"][0]["level"] == "error"
