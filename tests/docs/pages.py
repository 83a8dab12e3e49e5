"""The pages of docs/ as tests read them: their console blocks, and the commands that stand in code.

A ```console block holds commands after "$ ", and below each the output that a reader may compare: "…" in it
stands for anything. It is run by test_console.py unless the line before it is `<!-- not run by a test: WHY -->`.
`<!-- run first: COMMAND -->` runs a command that a reader need not see.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).parents[2]
DOCS = REPO / "docs"
# Every page that people wrote; what scripts/reference.py wrote is compared as a whole in test_reference.py.
PROSE = tuple(
    sorted(
        path
        for path in (
            *DOCS.rglob("*.md"),
            *(REPO / f"{n}.md" for n in ("README", "CONTRIBUTING", "CHANGELOG")),
        )
        if path.parent.name != "reference"
    )
)
GUIDES = (DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md")))

_NOT_RUN = re.compile(r"\s*<!-- not run by a test: (.+) -->\s*")
_FIRST = re.compile(r"\s*<!-- run first: (.+) -->\s*")
# At the start, or after a prompt, sudo, a shell's operators, the dash of a YAML list, or the user of a cron line.
_COMMAND = re.compile(r"(?:^|\$ |\bsudo |[|;&(] *|- |\broot +)mailctl((?: +[^\s|;&)#>]+(?:\|[a-z|]+)?)+)")
_FENCE = re.compile(r"(?P<indent>\s*)```(?P<language>\w*).*")


@dataclass(frozen=True)
class Step:
    """One command of a page, and the lines of output that stand below it."""

    page: Path
    line: int
    command: str
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPO)}:{self.line}: {self.command}"


@dataclass(frozen=True)
class Block:
    """One fenced block: its lines without their indent, and what stood before it."""

    page: Path
    line: int
    language: str
    lines: tuple[str, ...]
    not_run: str


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    before, opened, held = "", None, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.fullmatch(line)
        if opened is None and fence:
            reason = _NOT_RUN.fullmatch(before)
            opened, held = (number, fence, reason[1] if reason else ""), []
        elif opened is not None and line.strip() == "```":
            start, fence, reason_text = opened
            yield Block(page, start, fence["language"], tuple(held), reason_text)
            opened = None
        elif opened is not None:
            held.append(line.removeprefix(opened[1]["indent"]))
        if line.strip():
            before = line
    assert opened is None, f"{page}: a block is not closed"


def steps(page: Path) -> Iterator[Step]:
    """What a test runs of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found = [(n, Step(page, n, m[1])) for n, line in enumerate(lines, 1) if (m := _FIRST.fullmatch(line))]
    for block in blocks(page):
        if block.language == "console" and not block.not_run:
            found += [(step.line, step) for step in commands(block)]
    for _, step in sorted(found, key=lambda item: item[0]):
        yield step


def commands(block: Block) -> list[Step]:
    """The commands of a console block; one that ends in a backslash goes on in the next line."""
    found: list[Step] = []
    goes_on = False
    for number, line in enumerate(block.lines, block.line + 1):
        if line.startswith("$ "):
            found.append(Step(block.page, number, line[2:]))
        elif found and goes_on:
            last = found.pop()
            found.append(Step(last.page, last.line, f"{last.command}\n{line}"))
        elif found and line.strip():
            last = found.pop()
            found.append(Step(last.page, last.line, last.command, (*last.output, line)))
        goes_on = line.endswith("\\") and (line.startswith("$ ") or goes_on)
    return found


def typed(page: Path) -> Iterator[tuple[int, str]]:
    """What follows `mailctl` wherever it stands as a command: in blocks, after "$ " in consoles, between backticks."""
    inside = {number: line for block in blocks(page) for number, line in _typed_lines(block)}
    fenced = {n for block in blocks(page) for n in range(block.line, block.line + len(block.lines) + 2)}
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        code = re.findall(r"`([^`]+)`", line) if number not in fenced else [inside.get(number, "")]
        for text in code:
            for match in _COMMAND.finditer(text):
                yield number, match[1].strip()


def _typed_lines(block: Block) -> Iterator[tuple[int, str]]:
    if block.language == "console":
        yield from ((step.line, step.command.replace("\n", " ")) for step in commands(block))
    else:
        yield from enumerate(block.lines, block.line + 1)
