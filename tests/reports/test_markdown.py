"""Markdown: what a CommonMark reader makes of it, and that a zone cannot write any."""

import re
from dataclasses import replace

from mailctl.domains.findings import Severity
from mailctl.reports import Run, markdown
from tests.reports.examples import ALL, BAD, EVIL, GOOD, HOSTILE, RUN


def test_the_table_has_the_worst_first_and_the_numbers() -> None:
    lines = markdown.write(ALL, RUN).splitlines()
    assert lines[2] == "| domain | verdict | errors | warnings | unknown |"
    assert lines[4] == "| `bad.example` | ❌ error | 1 | 1 | 1 |"
    assert [line.split("`")[1] for line in lines[4:8]] == [
        "bad.example",
        "h.example",
        "dark.example",
        "good.example",
    ]
    assert lines[-1] == "*mailctl 0.1.0 · 2026-11-24 12:00 UTC*"


def test_a_finding_is_told_with_its_proof() -> None:
    text = markdown.write([BAD], RUN)
    assert "- ❌ error **spf.plus-all** \\+all lets everybody send (RFC 7208 §5.1)" in text
    assert "  - seen: `bad.example TXT`: `v=spf1 +all` (from `192.0.2.53:53`, TTL 300)" in text
    assert "  - expected: `~all`" in text
    assert "    ```text\n    bad.example. TXT …\n    ```" in text
    assert "- ✅ dmarc.ok" in text


def test_what_is_fine_is_short_unless_everything_is_asked_for() -> None:
    assert "## good.example" not in markdown.write([GOOD], Run()).replace("\\", "")
    assert "✅ ok **spf.ok** sound" in markdown.write([GOOD], Run(everything=True))


def test_what_is_gone_is_told() -> None:
    report = replace(GOOD, gone=BAD.findings[:1])
    assert "- ✅ gone: **spf.plus-all**" in markdown.write([report], RUN)


def test_code_spans_hold() -> None:
    for text in ("a`b", "``", "`", "a``b`", "", " ", "a\nb", HOSTILE):
        span = markdown.code(text)
        match = re.fullmatch(r"(`+)( ?)(.+?)\2\1", span)
        assert match, span
        assert match[1] not in re.findall("`+", match[3])


def test_hostile_text_is_no_markup() -> None:
    text = markdown.write([EVIL], Run(everything=True))
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text) is None
    prose = re.sub(r"(`+).*?\1", "", re.sub(r"^ {4}(`{3,}).*?^ {4}\1$", "", text, flags=re.M | re.S))
    assert re.search(r"(?<!\\)<", prose) is None
    assert re.search(r"(?<!\\)\[", prose) is None
    assert "@admin" not in prose
    assert "http://" not in prose
    assert Severity.ERROR.value in prose
