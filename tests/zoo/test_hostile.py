"""Hostile zones: whatever they do, a report comes within its deadline, says what is known, and costs little memory."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.zoo.hostile import KINDS, hostile_server

pytestmark = pytest.mark.xdist_group("zoo")
DEADLINE = 3.0  # seconds for each domain, all of which are looked at beside one another
SLACK = 5.0  # a busy machine; without a deadline it would take minutes
MEGABYTES = 250  # about 50 are taken; a cache that kept everything would take far more
EACH = 10  # zones of each kind: 110
# These say nothing that could be taken for an answer, or nothing but aliases.
DUMB = ("chain", "loop", "silent", "garbage", "liar", "flood", "slow", "drip")
TALKATIVE = ("huge", "crowd", "bomb")


def look(address: str, seconds: float, names: Sequence[str], *, concurrency: int) -> dict[str, Any]:
    """What a process of its own made of these zones."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.zoo.hostile_client", address, str(seconds)]
    command += [str(concurrency), *names]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with hostile_server() as address:
        yield address


@pytest.fixture(scope="module")
def crowd(server: str) -> Mapping[str, Any]:
    """All of them at once."""
    names = [f"{kind}-{n}.example" for n in range(EACH) for kind in KINDS]
    return look(server, DEADLINE, names, concurrency=len(names))


@pytest.fixture(scope="module")
def alone(server: str) -> Mapping[str, Any]:
    """Each kind once, one after the other, and those that talk without a hurry."""
    found: dict[str, Any] = {}
    for kinds, seconds in ((DUMB, DEADLINE / 2), (TALKATIVE, 30)):
        names = [f"{kind}-alone.example" for kind in kinds]
        found |= look(server, seconds, names, concurrency=1)["reports"]
    return found


def test_a_hundred_at_once_end_within_their_deadline(crowd: Mapping[str, Any]) -> None:
    assert len(crowd["reports"]) == EACH * len(KINDS)
    assert max(report["seconds"] for report in crowd["reports"].values()) < DEADLINE + SLACK
    assert crowd["seconds"] < DEADLINE + SLACK


def test_a_hundred_at_once_take_little_memory(crowd: Mapping[str, Any]) -> None:
    assert crowd["megabytes"] < MEGABYTES


def test_no_check_breaks_and_no_report_grows(crowd: Mapping[str, Any], alone: Mapping[str, Any]) -> None:
    for name, report in {**crowd["reports"], **alone}.items():
        ids = [id_ for id_, _ in report["found"]]
        assert [one for one in ids if one.endswith(".check-failed")] == [], name
        assert len(ids) < 100, name
        assert report["size"] < 300_000, name


@pytest.mark.parametrize("kind", DUMB)
def test_who_says_nothing_is_unknown_and_not_wrong(
    crowd: Mapping[str, Any], alone: Mapping[str, Any], kind: str
) -> None:
    names = [f"{kind}-{n}.example" for n in range(EACH)]
    for report in (alone[f"{kind}-alone.example"], *(crowd["reports"][name] for name in names)):
        severities = {severity for _, severity in report["found"]}
        assert severities <= {"unknown", "info", "ok"}, report["found"]
        assert "unknown" in severities


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        ("huge", "dmarc.invalid-tag"),
        ("crowd", "mx.too-many"),
        ("bomb", "spf.too-many-lookups"),
        ("bomb", "dmarc.rua-domain-no-mail"),
    ],
)
def test_what_talkative_zones_say_is_judged(alone: Mapping[str, Any], kind: str, finding: str) -> None:
    report = alone[f"{kind}-alone.example"]
    assert finding in [id_ for id_, _ in report["found"]]
    assert [id_ for id_, _ in report["found"] if id_.endswith(".unfinished")] == []
