"""JSON and JSON lines: held to the schema that is shipped, stable, and harmless on a terminal."""

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from mailctl.domains.checks.catalogue import AREAS, catalogue
from mailctl.domains.findings import Report, Severity
from mailctl.reports import FORMATS, facts
from tests.reports.examples import ALL, BAD, GOOD, RUN

SCHEMA: Any = json.loads(files("mailctl.reports").joinpath(facts.SCHEMA).read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def test_the_schema_is_a_schema_with_a_version() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:mailctl:schema:verify:1"
    finding = SCHEMA["$defs"]["finding"]["properties"]
    assert set(finding["area"]["enum"]) == set(AREAS)
    assert set(finding["severity"]["enum"]) == {severity.value for severity in Severity}
    assert all(re.search(finding["id"]["pattern"], identifier) for identifier in catalogue())


def test_a_list_and_each_line_keep_to_the_schema() -> None:
    VALIDATOR.validate(json.loads(facts.write(ALL, RUN)))
    lines = facts.write_lines(ALL, RUN).splitlines()
    assert len(lines) == len(ALL)
    for line in lines:
        VALIDATOR.validate(json.loads(line))


def test_what_is_compared_with_a_baseline_keeps_to_the_schema() -> None:
    VALIDATOR.validate(facts.report_facts(replace(BAD, gone=BAD.findings[:1])))


@pytest.mark.parametrize(
    "change", [{"verdict": "info"}, {"domain": "Shop.example."}, {"seconds": -1}, {"findings": [{}]}]
)
def test_what_is_no_report_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VALIDATOR.validate(facts.report_facts(GOOD) | change)


def test_a_line_is_the_shape_that_was_promised() -> None:
    (line,) = facts.write_lines([BAD], RUN).splitlines()
    fact = json.loads(line)
    assert list(fact) == ["domain", "verdict", "seconds", "findings"]
    assert (fact["domain"], fact["verdict"], fact["seconds"]) == ("bad.example", "error", 1.2345)
    assert fact["findings"][0] == {
        "id": "spf.plus-all",
        "area": "spf",
        "severity": "error",
        "message": "+all lets everybody send",
        "reference": "RFC 7208 §5.1",
        "expected": "~all",
        "evidence": [
            {"question": "bad.example TXT", "answer": "v=spf1 +all", "server": "192.0.2.53:53", "ttl": 300}
        ],
        "fix": "bad.example. TXT …",
    }


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_no_control_character_gets_through_and_nothing_is_lost(name: str) -> None:
    text = FORMATS[name].load()(ALL, RUN)
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text) is None
    assert text.encode("utf-8")
    loaded = json.loads(text) if name == "json" else [json.loads(line) for line in text.splitlines()]
    said = loaded[-1]["findings"][0]["evidence"][0]["answer"]
    assert "\x1b]0;owned" in said
    assert "\u202e" in said


def test_info_is_no_verdict() -> None:
    only_info = Report("x.example", tuple(f for f in BAD.findings if f.severity is Severity.INFO))
    assert only_info.findings
    assert only_info.verdict is Severity.OK
