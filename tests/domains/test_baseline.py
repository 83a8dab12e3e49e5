"""What changed since an earlier run: new, gone, and what must be called neither."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mailctl.domains.baseline import compare, fingerprint, read_baseline
from mailctl.domains.checks.catalogue import found
from mailctl.domains.findings import Evidence, Finding, Report, Severity
from mailctl.errors import BadInput
from mailctl.reports import FORMATS, Run

NAME = "shop.example"


def of(id_: str, question: str = "shop.example TXT", message: str = "so", **more: Severity) -> Finding:
    return found(id_, message, evidence=[Evidence(question, "an answer", "192.0.2.53:53", 5)], **more)


def report(*findings: Finding) -> Report:
    return Report(NAME, findings)


def changed(before: Report, now: Report, folder: Path, form: str = "jsonl") -> tuple[list[str], list[str]]:
    """The ids that are new and those that are gone."""
    file = folder / "before"
    file.write_text(FORMATS[form].load()([before], Run()), encoding="utf-8")
    compared = compare(now, read_baseline(file))
    return [f.id for f in compared.findings], [f.id for f in compared.gone or ()]


PLUS, MISSING, SINGLE = of("spf.plus-all"), of("dmarc.missing", "_dmarc.shop.example TXT"), of("ns.single")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_is_new_and_what_is_gone(tmp_path: Path, form: str) -> None:
    assert changed(report(PLUS, SINGLE), report(MISSING, SINGLE), tmp_path, form) == (
        ["dmarc.missing"],
        ["spf.plus-all"],
    )


def test_nothing_changed_whatever_the_words_and_the_answers_are(tmp_path: Path) -> None:
    later = replace(
        PLUS, message="other words", evidence=(Evidence("shop.example TXT", "other", "9.9.9.9:53", 1),)
    )
    assert changed(report(PLUS), report(later), tmp_path) == ([], [])


def test_another_severity_is_a_change(tmp_path: Path) -> None:
    worse = replace(SINGLE, severity=Severity.ERROR)
    assert changed(report(SINGLE), report(worse), tmp_path) == (["ns.single"], ["ns.single"])


def test_what_is_fine_is_no_news(tmp_path: Path) -> None:
    assert changed(report(PLUS), report(of("spf.ok")), tmp_path) == ([], ["spf.plus-all"])
    assert changed(report(of("spf.ok")), report(PLUS), tmp_path) == (["spf.plus-all"], [])


def test_silence_takes_nothing_away(tmp_path: Path) -> None:
    """A run that could not look cannot say that something is gone."""
    assert changed(report(PLUS), report(of("spf.unknown")), tmp_path) == (["spf.unknown"], [])
    assert changed(report(PLUS), report(of("domain.unknown")), tmp_path) == (["domain.unknown"], [])
    assert changed(report(PLUS, SINGLE), report(of("spf.unknown")), tmp_path) == (
        ["spf.unknown"],
        ["ns.single"],
    )


def test_of_several_of_a_kind_the_one_that_is_gone_is_named(tmp_path: Path) -> None:
    one, two, three = (of("mx.duplicate", "shop.example MX", f"mx{i} twice") for i in (1, 2, 3))
    file = tmp_path / "before"
    file.write_text(FORMATS["jsonl"].load()([report(one, two, three)], Run()), encoding="utf-8")
    compared = compare(report(three, one), read_baseline(file))
    assert (compared.findings, [f.message for f in compared.gone or ()]) == ((), ["mx2 twice"])
    more = of("mx.duplicate", "shop.example MX", "mx4 twice")
    compared = compare(report(one, two, three, more), read_baseline(file))
    assert [f.message for f in compared.findings] == ["mx4 twice"]


def test_a_domain_that_the_baseline_does_not_know_is_all_new(tmp_path: Path) -> None:
    file = tmp_path / "before"
    file.write_text("", encoding="utf-8")
    assert compare(report(PLUS), read_baseline(file)).findings == (PLUS,)
    assert compare(report(PLUS), read_baseline(file)).gone == ()


def test_fingerprints_tell_apart_what_is_different() -> None:
    other = of("dkim.missing", "s2._domainkey.shop.example TXT")
    marks = {fingerprint(NAME, f) for f in (PLUS, MISSING, SINGLE, of("dkim.missing"), other)}
    assert len(marks) == 5
    assert fingerprint("other.example", PLUS) not in marks


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", '[{"domain": "a"}]', '{"domain": "a", "findings": [{}]}', "null", "[" * 100_000,
     json.dumps({"domain": "a", "findings": [{"id": "x", "severity": "grave", "message": ""}]})],
)  # fmt: skip
def test_a_file_that_is_no_baseline(tmp_path: Path, text: str) -> None:
    file = tmp_path / "before"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="cannot be used") as raised:
        read_baseline(file)
    assert "--format jsonl" in raised.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_baseline(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        read_baseline(tmp_path / "binary")


RECORD = Evidence("_mta-sts.shop.example TXT", "v=STSv1; id=1")


def with_policy(digest: str, record: Evidence = RECORD) -> Report:
    policy = Evidence("GET https://mta-sts.shop.example/.well-known/mta-sts.txt", f"200, SHA-256 {digest}")
    return report(found("mtasts.ok", "in order", evidence=[record, policy]))


def test_a_policy_that_changed_wants_another_id(tmp_path: Path) -> None:
    other = replace(RECORD, answer="v=STSv1; id=2")
    assert changed(with_policy("a"), with_policy("b"), tmp_path) == (["mtasts.id-not-changed"], [])
    assert changed(with_policy("a"), with_policy("b", other), tmp_path) == ([], [])
    assert changed(with_policy("a"), with_policy("a"), tmp_path) == ([], [])


def test_a_policy_that_was_not_read_is_not_compared(tmp_path: Path) -> None:
    unread = report(found("mtasts.ok", "the record is in order", evidence=[RECORD]))
    assert changed(unread, with_policy("b"), tmp_path) == ([], [])
    assert changed(with_policy("a"), unread, tmp_path) == ([], [])
