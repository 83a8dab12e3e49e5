"""Whether mkdocs.yml and docs/ agree: zensical checks links, and says nothing of a page that no menu leads to."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPO = Path(__file__).parents[1]


def problems(repo: Path = REPO) -> list[str]:
    """Pages of the navigation that are not there, and pages that are not in the navigation."""
    config = yaml.safe_load((repo / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = set(_pages(config["nav"]))
    there = {path.relative_to(repo / "docs").as_posix() for path in (repo / "docs").rglob("*.md")}
    missing = [f"mkdocs.yml names {page}, which is not there" for page in sorted(listed - there)]
    return missing + [f"docs/{page} is not in the nav of mkdocs.yml" for page in sorted(there - listed)]


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for inner in entry.values():
            yield from _pages(inner)
    else:
        for inner in entry:
            yield from _pages(inner)


if __name__ == "__main__":
    found = problems()
    sys.stderr.write("".join(f"{problem}\n" for problem in found))
    sys.exit(1 if found else 0)
