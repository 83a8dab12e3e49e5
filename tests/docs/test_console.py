"""The commands of the tutorial and the guides are run as they stand there, and say what the page says they say."""

import asyncio
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.docs.pages import GUIDES, Step, blocks, steps
from tests.docs.world import shell, world

# What a test must not do to the machine it runs on: these change the host unless they are told not to.
_HOST = re.compile(r"\bmailctl (setup|dkim rotate|host (apply|undo))\b")
_HARMLESS = re.compile(r"--no-host|--dry-run --no-host")


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_every_command_of_a_page_works(page: Path) -> None:
    asyncio.run(_run(list(steps(page))))


async def _run(todo: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory(prefix="mailctl-docs-") as folder:
        async with world(Path(folder)) as environment:
            for step in todo:
                assert not _HOST.search(step.command) or _HARMLESS.search(step.command), (
                    f"{step}: touches the host"
                )
                code, said = await shell(step.command, environment, Path(folder))
                assert code == 0, f"{step}: ended with {code}\n{said}"
                assert missing(step.output, said) == [], f"{step}: said\n{said}"


def missing(expected: Sequence[str], said: str) -> list[str]:
    """The lines of a page that the output does not have, in order; "…" stands for anything."""
    lines = iter(said.splitlines())
    return [line for line in expected if line.strip() != "…" and not _comes(line, lines)]


def _comes(line: str, lines: Iterator[str]) -> bool:
    pattern = re.compile(".*".join(map(re.escape, line.rstrip().split("…"))))
    return any(pattern.fullmatch(candidate.rstrip()) for candidate in lines)


def test_output_is_compared_line_by_line_and_in_order() -> None:
    assert missing(["one … three", "…", "last"], "zero\none two three\nlast\n") == []
    assert missing(["last", "one …"], "one two\nlast\n") == ["one …"]


def test_what_is_not_run_says_why() -> None:
    skipped = [block for page in GUIDES for block in blocks(page) if block.not_run]
    run = [step for page in GUIDES for step in steps(page)]
    assert all(re.match(r"needs |the ", block.not_run) for block in skipped)
    assert len(run) > len(skipped)


def test_a_console_block_has_commands() -> None:
    consoles = [block for page in GUIDES for block in blocks(page) if block.language == "console"]
    assert consoles
    for block in consoles:
        assert any(line.startswith("$ ") for line in block.lines), f"{block.page}:{block.line}"
