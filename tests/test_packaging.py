"""What is shipped: the wheel and the sdist hold every tracked file and nothing else, the locks pin and hash all.

Built offline, in a folder of its own, from the tracked files as they are now.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = {
    "mailctl": "mailctl", "commands": "mailctl/commands",
    "provisioning": "mailctl/provisioning", "templates": "mailctl/templates",
}  # fmt: skip
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("core.txt", "dev.txt", "docs.txt")
# Written in parts, so that this file does not hold what it looks for.
PRIVATE = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + "work/", r"(?<![\w.])/" + "root/", "/" + r"home/\w", "/opt/" + "(dev|wheels)",
            "py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.org", "--(extra-)?" + "index-url[ =]",
            "--find" + "-links[ =]", "--trusted" + "-host",
        ]
    )
)  # fmt: skip


def tracked() -> list[str]:
    """The files that git knows of and that are there; skips where this is no clone."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone: there is no list of tracked files to compare with")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": more.get("HOME", "/nonexistent")}
    done = subprocess.run(
        [sys.executable, *words], env=environment | more, cwd=more.get("HOME", ROOT),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done


@dataclass(frozen=True)
class Built:
    """The two distributions, and a folder into which the wheel was installed."""

    wheel: Path
    sdist: Path
    installed: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The sdist of the tracked files, and the wheel made from that sdist (as `python -m build` does it)."""
    here = tmp_path_factory.mktemp("packaging")
    source = here / "clone"
    for name in tracked():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    run("-m", "build", "--no-isolation", "--outdir", str(here / "dist"), str(source), HOME=str(here))
    (wheel,), (sdist,) = (here / "dist").glob("*.whl"), (here / "dist").glob("*.tar.gz")
    install = (
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--target",
        str(here / "site"),
        str(wheel),
    )
    run(*install, HOME=str(here), PIP_DISABLE_PIP_VERSION_CHECK="1")
    yield Built(wheel, sdist, here / "site")
    shutil.rmtree(here)


def in_wheel(name: str) -> str | None:
    """Where a tracked file is in the wheel; None if it is not shipped."""
    top, _, rest = name.partition("/")
    return f"{SHIPPED[top]}/{rest}" if top in SHIPPED and rest else None


@pytest.mark.xdist_group("packaging")
def test_the_wheel_holds_every_tracked_file_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    metadata = {name.split("/", 1)[1] for name in names if ".dist-info/" in name}
    code = {name for name in names if ".dist-info/" not in name}
    assert code == {place for name in tracked() if (place := in_wheel(name))}
    assert metadata == METADATA


@pytest.mark.xdist_group("packaging")
def test_the_wheel_holds_the_very_bytes(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        for name in tracked():
            if place := in_wheel(name):
                assert wheel.read(place) == (ROOT / name).read_bytes(), name


@pytest.mark.xdist_group("packaging")
def test_the_wheel_puts_one_name_into_site_packages(built: Built) -> None:
    tops = {path.name for path in built.installed.iterdir()} - {"bin"}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"mailctl"}
    assert {path.name for path in (built.installed / "bin").iterdir()} == {"mailctl"}


@pytest.mark.xdist_group("packaging")
def test_the_sdist_holds_what_the_wheel_is_made_from(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    wanted = {name for name in tracked() if in_wheel(name)}
    assert wanted | {"pyproject.toml", "README.md", "LICENSE"} <= names


def elsewhere(built: Built, *words: str) -> str:
    """What the installed wheel prints, run outside the clone; the dependencies are this environment's."""
    home = built.installed.parent
    return run(
        *words, HOME=str(home), PYTHONPATH=str(built.installed), MAILCTL_STATE_DIR=str(home / "s")
    ).stdout


@pytest.mark.xdist_group("packaging")
def test_the_installed_wheel_runs(built: Built) -> None:
    version = PYPROJECT["project"]["version"]
    assert elsewhere(built, "-m", "mailctl", "--version") == f"mailctl {version}\n"
    assert "Examples: mailctl setup" in elsewhere(built, "-m", "mailctl", "setup", "--help")
    where = elsewhere(built, "-c", "import mailctl.commands.setup as m; print(m.__file__)")
    assert Path(where.strip()) == built.installed / "mailctl/commands/setup.py"


@pytest.mark.xdist_group("packaging")
def test_the_installed_wheel_has_its_data(built: Built) -> None:
    program = """
from importlib.resources import files
top = files("mailctl.provisioning")
print(top.joinpath("postfix/main.toml").is_file(), len(list(top.joinpath("opendkim").iterdir())), top)
"""
    there, count, place = elsewhere(built, "-c", program).split()
    expected = len([name for name in tracked() if name.startswith("provisioning/opendkim/")])
    assert (there, int(count)) == ("True", expected)
    assert Path(place) == built.installed / "mailctl/provisioning"


@pytest.mark.xdist_group("packaging")
def test_the_installed_wheel_finds_its_migrations(built: Built) -> None:
    status = elsewhere(built, "-m", "mailctl", "db", "upgrade", "--json")
    assert '"applied"' in status
    assert "nothing to do" in elsewhere(built, "-m", "mailctl", "db", "upgrade")


# The packages that pyproject lists


def test_every_package_of_the_tree_is_listed() -> None:
    folders = {
        str(Path(place).parent) for name in tracked() if (place := in_wheel(name)) and place.endswith(".py")
    }
    assert {folder.replace("/", ".") for folder in folders} == set(
        PYPROJECT["tool"]["setuptools"]["packages"]
    )


def test_the_version_is_written_once_and_the_same() -> None:
    from mailctl import __version__

    assert PYPROJECT["project"]["version"] == __version__


# The locks


def locked(lock: str) -> dict[str, tuple[Requirement, str]]:
    """Each requirement of a lock by its name, with the lines that follow it."""
    text = (ROOT / "requirements" / lock).read_text()
    blocks = re.split(r"\n(?=\S)", text.replace("\\\n", " ").strip())
    pinned: dict[str, tuple[Requirement, str]] = {}
    for block in blocks:
        head, _, hashes = block.partition(" --hash=")
        requirement = Requirement(head.strip())
        pinned[canonicalize_name(requirement.name)] = (requirement, hashes)
    return pinned


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_and_hashes_everything_and_holds_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|-r|-e|--[a-gi-z]\S*)\b", text, re.MULTILINE)
    for requirement, hashes in locked(lock).values():
        assert re.fullmatch(r"==[^=*,]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert re.match(r"sha256:[0-9a-f]{64}\b", hashes), requirement


def wanted(lock: str) -> list[str]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    extras = [text for extra in project["optional-dependencies"].values() for text in extra]
    more = {"core.txt": [], "dev.txt": extras + groups["dev"], "docs.txt": groups["docs"]}
    return [*project["dependencies"], *more[lock]]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_pyproject_asks_for(lock: str) -> None:
    pinned = locked(lock)
    for text in wanted(lock):
        asked = Requirement(text)
        found, _ = pinned[canonicalize_name(asked.name)]
        version = str(found.specifier).removeprefix("==")
        assert asked.specifier.contains(version), f"{lock}: {text}, but {version} is pinned"


def test_what_is_tested_is_what_is_installed() -> None:
    core, dev = locked("core.txt"), locked("dev.txt")
    assert {name: str(pin.specifier) for name, (pin, _) in core.items()} == {
        name: str(dev[name][0].specifier) for name in core
    }


def test_the_test_packages_are_no_dependency_of_the_product() -> None:
    core = locked("core.txt")
    names = {canonicalize_name(Requirement(text).name) for text in PYPROJECT["dependency-groups"]["dev"]}
    assert names & set(core) == set()


# What is committed


def test_no_committed_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    found = []
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data:
            text = data.decode()
            found += [
                f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}" for m in PRIVATE.finditer(text)
            ]
    assert found == []


def test_no_committed_file_is_a_symbolic_link_or_large() -> None:
    links = [name for name in tracked() if (ROOT / name).is_symlink()]
    large = [name for name in tracked() if (ROOT / name).stat().st_size > 500_000]
    assert (links, large) == ([], [])
