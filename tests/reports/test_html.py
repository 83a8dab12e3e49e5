"""The HTML page: self-contained, escaped, in an order that serves its reader; in a browser where there is one."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailctl.reports import Run, html
from mailctl.reports.html_style import STYLE
from tests.reports.examples import ALL, BAD, EVIL, GOOD, RUN

VOID = {"meta", "br", "link", "img"}


class Page(HTMLParser):
    """The elements and the text of a page; fails where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = Page(html.write(ALL, RUN))
    names = {name for name, _ in page.seen}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for _, attributes in page.seen:
        assert not {"src", "style", "srcset"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert re.search(r"url\(|@import|@font-face|expression", STYLE) is None
    policy = next(a["content"] for n, a in page.seen if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_it_reads_on_a_phone_in_the_dark_and_on_paper() -> None:
    page = Page(html.write(ALL, RUN))
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.seen
    assert "prefers-color-scheme: dark" in STYLE
    assert "@media print" in STYLE


def test_the_worst_first_and_each_domain_is_linked() -> None:
    page = Page(html.write(ALL, RUN))
    links = [a["href"] for n, a in page.seen if n == "a"]
    ids = [f"#{a['id']}" for n, a in page.seen if n == "section"]
    assert links == ids
    assert page.text.index("bad.example") < page.text.index("good.example")


def test_a_finding_says_what_why_and_what_to_do() -> None:
    page = Page(html.write([BAD], RUN))
    assert "Mail report: bad.example" in page.text
    for words in (
        "+all lets the whole world send", "+all lets everybody send", "anybody can send mail as this domain",
        "bad.example TXT v=spf1 +all", "from 192.0.2.53:53, kept for up to 300 s", "bad.example. TXT …",
        "spf.plus-all · RFC 7208 §5.1", "bad.example: 1 error, 1 warning, 1 unknown.", "Worth knowing",
    ):  # fmt: skip
        assert words in page.text, words


def test_one_clean_domain() -> None:
    page = Page(html.write([GOOD], Run()))
    assert "good.example is in order." in page.text
    assert "contents" not in {a.get("class") for _, a in page.seen}


def test_what_is_gone() -> None:
    assert "Gone since the baseline" in html.write([replace(GOOD, gone=BAD.findings[:1])], RUN)


def test_hostile_text_is_text() -> None:
    text = html.write([EVIL], RUN)
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text) is None
    page = Page(text)
    assert "script" not in {name for name, _ in page.seen}
    assert "<script>alert(1)</script>" in page.text


def test_severity_is_told_without_colour() -> None:
    page = Page(html.write([BAD], RUN))
    for word in ("✕ Error", "! Warning", "? Unknown", "✓ "):
        assert word in page.text


@pytest.fixture
def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("allowed: no Chromium here (apt-get install chromium)")
    return found


def test_a_browser_draws_it(browser: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(html.write(ALL, RUN), encoding="utf-8")
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=400,900", f"--screenshot={tmp_path / 'report.png'}", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.png").stat().st_size > 10_000
