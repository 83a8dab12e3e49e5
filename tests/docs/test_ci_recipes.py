"""The recipes for CI: the page shows the very files, they parse, and their commands do what they say."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.docs.pages import DOCS, REPO, blocks
from tests.docs.world import shell, world

FOLDER = REPO / "deploy" / "ci"
FILES = sorted(FOLDER.iterdir())
INVENTORY = (
    '[[domain]]\nname = "shop.example"\nselectors = ["none-such"]\n\n[[domain]]\nname = "absent.example"\n'
)


def load(name: str) -> Any:
    # YAML 1.1 reads the key `on` of GitHub's workflows as true.
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def scripts() -> Iterator[tuple[str, str]]:
    """Each step of each recipe that runs mailctl, as its CI would give it to a shell."""
    for step in load("github-actions.yml")["jobs"]["verify"]["steps"]:
        if "mailctl verify" in step.get("run", ""):
            yield f"github: {step['name']}", step["run"]
    yield "gitlab", "\n".join(c for c in load("gitlab-ci.yml")["mail-domains"]["script"] if "pip" not in c)
    yield "pre-commit", load("pre-commit-config.yaml")["repos"][0]["hooks"][0]["entry"]
    (hook,) = yaml.safe_load((REPO / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    yield "hook", " ".join([hook["entry"], *hook["args"]])


SCRIPTS = dict(scripts())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_page_shows_the_file(file: Path) -> None:
    shown = [block for block in blocks(DOCS / "how-to" / "ci.md") if block.language == "yaml"]
    assert file.read_text(encoding="utf-8").splitlines() in [list(block.lines) for block in shown]


def run(script: str, folder: Path, inventory: str) -> tuple[int, str]:
    async def ran() -> tuple[int, str]:
        async with world(folder) as environment:
            (folder / "domains.toml").write_text(inventory, encoding="utf-8")
            summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_WORKSPACE": str(folder)}
            return await shell(script, environment | summary, folder)

    return asyncio.run(ran())


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_recipe_fails_for_a_bad_domain(name: str, tmp_path: Path) -> None:
    code, said = run(SCRIPTS[name], tmp_path, INVENTORY)
    assert code == (0 if "summary" in name else 1), said


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_recipe_stops_at_a_mistake_in_the_inventory(name: str, tmp_path: Path) -> None:
    code, said = run(SCRIPTS[name], tmp_path, INVENTORY.replace("selectors", "selektors"))
    assert code == (0 if "summary" in name else 1 if "github" in name else 2), said
    assert re.search(r"domains\.toml:3: .*the nearest is selectors", said)


def test_silence_does_not_fail_the_build(tmp_path: Path) -> None:
    """domains whose name servers do not answer: GitHub's step passes, GitLab's ends with the code it allows."""
    silent = '[[domain]]\nname = "shop.example"\n'
    steps = {name: script for name, script in SCRIPTS.items() if "Check" in name or name == "gitlab"}
    codes = {}
    for name, script in steps.items():
        quick = script.replace("mailctl verify", "mailctl verify --nameserver 127.0.0.1:9 --timeout 1")
        codes[name], _ = run(quick, tmp_path, silent)
    assert codes == {"github: Check the domains": 0, "gitlab": 3}
    assert load("gitlab-ci.yml")["mail-domains"]["allow_failure"]["exit_codes"] == [3]


def test_what_is_uploaded_is_what_was_written(tmp_path: Path) -> None:
    workflow, job = load("github-actions.yml"), load("gitlab-ci.yml")["mail-domains"]
    run(SCRIPTS["github: Check the domains"], tmp_path, INVENTORY)
    run(SCRIPTS["github: Show them in the job's summary"], tmp_path, INVENTORY)
    run(SCRIPTS["gitlab"], tmp_path, INVENTORY)
    (upload,) = (
        s["with"] for s in workflow["jobs"]["verify"]["steps"] if "upload-sarif" in s.get("uses", "")
    )
    sarif = json.loads((tmp_path / upload["sarif_file"]).read_text(encoding="utf-8"))
    (kept,) = (
        s["with"] for s in workflow["jobs"]["verify"]["steps"] if "upload-artifact" in s.get("uses", "")
    )
    places = {
        result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in sarif["runs"][0]["results"]
    }
    assert places == {1, 5}
    assert (tmp_path / kept["path"]).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert job["artifacts"]["paths"] == [kept["path"]]
    assert ElementTree.parse(tmp_path / job["artifacts"]["reports"]["junit"]).getroot().tag == "testsuites"
    assert "| `absent.example` | ❌ error |" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_hooks_match_the_file_that_they_read() -> None:
    hooks = load("pre-commit-config.yaml")["repos"][0]["hooks"] + yaml.safe_load(
        (REPO / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    )
    for hook in hooks:
        assert hook["pass_filenames"] is False
        assert hook["language"] == "python"
        assert re.search(hook["files"], "domains.toml")
        assert not re.search(hook["files"], "domains.toml.bak")
