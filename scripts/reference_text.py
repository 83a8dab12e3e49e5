"""Markdown for the pages of the reference: cells, code, tables."""

from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by scripts/reference from the code; changes here are lost. -->\n\n"


def cell(text: str) -> str:
    """Text that stays in its cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    return f"`{cell(text)}`" if text else "(empty)"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
