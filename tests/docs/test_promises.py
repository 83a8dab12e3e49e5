"""No page promises a command or an option that does not exist, and every verb is explained to people."""

from pathlib import Path
from typing import Any

import pytest

from mailctl.cli import COMMANDS
from scripts.reference_commands import root_options, tree
from tests.docs.pages import DOCS, PROSE, REPO, typed

GROUPS = {words.split()[1] for words in tree() if len(words.split()) == 3}
HELP = {"--help", "-h"}


def wrong(words: list[str]) -> str:
    """What is wrong with the words after `mailctl`; "" if they could be typed."""
    while words and words[0].startswith("-"):
        if words[0] not in root_options() | HELP:
            return f"no option {words[0]}"
        words = words[2:] if words[0] in ("-c", "--config") else words[1:]
    if not words or words[0] in ("…", "[OPTIONS]"):
        return ""
    verb, *rest = words
    if verb in GROUPS:
        subs = rest[0].split("|") if rest and not rest[0].startswith("-") else []
        unknown = [sub for sub in subs if f"mailctl {verb} {sub}" not in tree() and sub != "…"]
        if unknown:
            return f"no command {verb} {unknown[0]}"
        if len(subs) != 1 or subs[0] == "…":
            return ""
        verb, rest = f"{verb} {subs[0]}", rest[1:]
    command = tree().get(f"mailctl {verb}")
    if command is None:
        return f"no command {verb}"
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | HELP
    options = [word.partition("=")[0] for word in rest if word.startswith("-") and len(word) > 1]
    return ", ".join(f"no option {verb} {option}" for option in options if option not in known)


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(REPO)))
def test_every_command_on_a_page_exists(page: Path) -> None:
    problems = [(line, text, wrong(text.split())) for line, text in typed(page)]
    assert [problem for problem in problems if problem[2]] == []


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("setup shop.example --dry-run", ""),
        ("-q verify", ""),
        ("--config x.toml dns plan shop.example", ""),
        ("dns plan|apply|export|wait", ""),
        ("send --to you", "no command send"),
        ("dns publish shop.example", "no command dns publish"),
        ("verify --colour red", "no option verify --colour"),
        ("--loud verify", "no option --loud"),
    ],
)
def test_a_promise_that_is_not_kept_is_found(words: str, problem: str) -> None:
    assert wrong(words.split()) == problem


def test_the_readme_and_the_tutorial_are_read() -> None:
    for page in (REPO / "README.md", DOCS / "tutorial.md"):
        assert len(list(typed(page))) > 5


@pytest.mark.parametrize("verb", [verb.name for verb in COMMANDS])
def test_every_verb_is_in_a_page_that_people_wrote(verb: str) -> None:
    found: list[Any] = [page for page in PROSE for _, text in typed(page) if verb in text.split()[:2]]
    assert found, verb
