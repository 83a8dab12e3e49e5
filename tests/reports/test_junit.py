"""JUnit XML: held to the schema of Jenkins' xUnit plugin, with counts that agree and text that is text."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from mailctl.domains.findings import Report, Severity
from mailctl.reports import Run, junit
from tests.reports.examples import ALL, BAD, DARK, EVIL, GOOD, RUN

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).parent / "schemas" / "junit-10.xsd"))
WARNING = Run(fail_on=Severity.WARNING)


def suites(*reports: Report, run: Run = RUN) -> list[ElementTree.Element]:
    text = junit.write(reports, run)
    SCHEMA.validate(text)
    return list(ElementTree.fromstring(text))


@pytest.mark.parametrize("reports", [(), (GOOD,), (EVIL,), (Report("empty.example", ()),), ALL], ids=len)
@pytest.mark.parametrize("run", [RUN, WARNING, Run()], ids=["error", "warning", "bare"])
def test_it_keeps_to_the_schema(reports: tuple[Report, ...], run: Run) -> None:
    assert len(suites(*reports, run=run)) == len(reports)


@pytest.mark.parametrize("run", [RUN, WARNING])
def test_the_counts_are_those_of_the_elements(run: Run) -> None:
    for suite in suites(*ALL, run=run):
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall(".//failure"))
        assert int(suite.get("errors", "")) == len(suite.findall(".//error"))


def test_a_case_fails_where_the_run_would() -> None:
    (suite,) = suites(BAD)
    assert [f.get("type") for f in suite.findall(".//failure")] == ["error"]
    (suite,) = suites(BAD, run=WARNING)
    assert [f.get("type") for f in suite.findall(".//failure")] == ["error", "warning"]
    (unknown,) = suite.findall(".//error")
    assert unknown.get("message") == "MX: timeout"


def test_what_passes_is_a_case_too_and_a_lesser_warning_is_told() -> None:
    (suite,) = suites(BAD)
    cases = {case.get("name", "").partition(":")[0]: case for case in suite}
    assert len(cases["dmarc.ok"]) == 0
    assert "only name server" in (cases["ns.single"].findtext("system-out") or "")
    assert cases["spf.plus-all"].get("classname") == "bad.example.spf"
    assert "fix: bad.example. TXT" in (cases["spf.plus-all"].findtext("failure") or "")


def test_a_suite_tells_its_file_and_time() -> None:
    (suite,) = suites(DARK)
    assert (suite.get("name"), suite.get("file"), suite.get("time")) == (
        "dark.example",
        "mail/domains.toml",
        "10.000",
    )
    (suite,) = suites(DARK, run=Run())
    assert suite.get("file") is None


def test_hostile_text_stays_text() -> None:
    (suite,) = suites(EVIL)
    failure = suite.find(".//failure")
    assert failure is not None
    assert len(failure) == 0
    assert "<script>alert(1)</script>" in (failure.text or "")
    assert "\N{REPLACEMENT CHARACTER}]0;owned" in (failure.text or "")
