"""Every link that stays in the repository leads somewhere, and every page is in the navigation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.docs_nav import REPO, problems
from tests.docs.pages import DOCS

PAGES = (*sorted(DOCS.rglob("*.md")), *sorted(REPO.glob("*.md")))


def links(page: Path) -> Iterator[str]:
    """The targets of a page's Markdown links, outside of code."""
    text = re.sub(r"^\s*```.*?^\s*```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for match in re.finditer(r"\[[^\]]*\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", text)):
        yield match[1]


def anchors(page: Path) -> set[str]:
    """The ids that Python-Markdown gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPO)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_navigation() -> None:
    assert problems() == []


def test_problems_are_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "orphan.md").write_text("# Orphan\n")
    (tmp_path / "mkdocs.yml").write_text("nav:\n  - Part:\n      - Gone: gone.md\n")
    assert problems(tmp_path) == [
        "mkdocs.yml names gone.md, which is not there",
        "docs/orphan.md is not in the nav of mkdocs.yml",
    ]


def test_no_page_names_a_file_outside_the_repository() -> None:
    for page in PAGES:
        assert not re.search(r"\.\./shared", page.read_text(encoding="utf-8")), page
