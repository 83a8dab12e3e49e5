"""setup, rehearse, dns, dkim and domain as they are typed: exit codes, facts as JSON, nobody to ask."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from typing import Any

import pytest

from mailctl.standards.dns import Record
from tests.commands.conftest import BEFORE, CONTROL, NAME, Mailctl

DOMAIN_FACTS = [
    ["setup", NAME, "--no-host", "--dry-run"],
    ["setup", NAME, "--no-host", "--yes"],
    ["rehearse", NAME],
    ["rehearse", NAME, "--live"],
    ["dns", "plan", NAME],
    ["dns", "wait", NAME],
    ["dkim", "list", NAME],
    ["domain", "list"],
    ["domain", "show", NAME],
    ["domain", "add", "other.example"],
    ["verify"],
    ["tenant", "list"],
    ["tenant", "show", "default"],
    ["config", "show"],
    ["db", "status"],
]


@pytest.mark.parametrize("words", DOMAIN_FACTS, ids=" ".join)
def test_facts_are_json(ready: Mailctl, words: list[str]) -> None:
    done = ready.run(*words, "--json")
    assert done.returncode in ((0, 1) if words[0] == "verify" else (0,)), done.stdout + done.stderr
    facts = json.loads(done.stdout)
    assert facts
    text = json.dumps(facts)
    assert "PRIVATE KEY" not in text
    assert "c2VjcmV0LXNlY3JldC1zZWNyZXQ=" not in text


def test_setup_from_nothing_to_proof(bare: Mailctl) -> None:
    plan = json.loads(bare.ok("setup", NAME, "--no-host", "--dry-run", "--json"))
    assert plan["changes"] is True
    assert plan["rehearsal"]["passed"] is True
    assert bare.dns.server.records == BEFORE
    bare.ok("setup", NAME, "--no-host", "--check", code=2)
    bare.ok("dns", "plan", NAME, "--check", code=2)
    assert bare.dns.server.records == BEFORE
    said = bare.ok("setup", NAME, "--no-host", "--yes")
    assert said.count("dkim=pass") >= 4
    assert "passed" in said
    assert set(BEFORE) - set(bare.dns.server.records) == {
        r for r in BEFORE if r.value.startswith("v=spf1 include")
    }
    snapshot = bare.snapshot()
    assert bare.ok("setup", NAME, "--no-host", "--check") is not None
    bare.ok("dns", "plan", NAME, "--check")
    bare.ok("setup", NAME, "--no-host", "--yes")
    assert bare.snapshot() == snapshot


def test_a_rehearsal_changes_nothing(bare: Mailctl) -> None:
    bare.ok("tenant", "list")  # makes the database
    before = bare.snapshot()
    assert "passed" in bare.ok("rehearse", NAME)
    assert bare.snapshot() == before


UNASKED = [
    ["setup", NAME, "--no-host"],
    ["dns", "apply", NAME],
    ["dkim", "rotate", NAME, "--no-host"],
    ["domain", "remove", NAME],
]


@pytest.mark.parametrize("words", UNASKED, ids=" ".join)
def test_where_nobody_can_be_asked_nothing_is_done(ready: Mailctl, words: list[str]) -> None:
    ready.dns.server.records = tuple(r for r in ready.dns.server.records if not r.name.startswith("_dmarc"))
    before = ready.snapshot()
    assert "--yes" in ready.refused(*words, code=2)
    assert ready.snapshot() == before


def test_nothing_to_retire_asks_nobody(ready: Mailctl) -> None:
    ready.ok("dkim", "retire", NAME)
    ready.ok("dkim", "rotate", NAME, "--no-host", "--yes")
    before = ready.snapshot()
    assert "--yes" in ready.refused("dkim", "retire", NAME, "--force", code=2)
    assert "may still be on its way" in ready.refused("dkim", "retire", NAME, "--yes", code=4)
    assert ready.snapshot() == before
    ready.ok("dkim", "retire", NAME, "--force", "--yes")
    states = [row["state"] for row in json.loads(ready.ok("dkim", "list", NAME, "--json"))]
    assert states == ["retired", "retired", "active", "active"]
    assert sum(r.value.startswith("v=DKIM1") for r in ready.dns.server.records) == 2


def test_a_domain_is_added_published_and_taken_up(bare: Mailctl) -> None:
    added = json.loads(bare.ok("domain", "add", NAME, "--json"))
    assert [key["state"] for key in added["keys"]] == ["planned", "planned"]
    bare.ok("dns", "apply", NAME, "--yes")
    assert {row["state"] for row in json.loads(bare.ok("dkim", "list", NAME, "--json"))} == {"published"}
    bare.ok("dns", "wait", NAME)
    bare.ok("setup", NAME, "--no-host", "--yes")
    assert {row["state"] for row in json.loads(bare.ok("dkim", "list", NAME, "--json"))} == {"active"}
    bare.ok("domain", "remove", NAME, "--yes")
    assert json.loads(bare.ok("domain", "list", "--json")) == []
    assert not list((bare.state / "keys").glob("**/*.pem"))


@pytest.mark.parametrize("format_", ["zone", "table", "json", "octodns", "terraform"])
def test_exports_have_every_record(ready: Mailctl, format_: str) -> None:
    text = ready.ok("dns", "export", NAME, "--format", format_)
    plain = re.sub(r'"\s+"|\\', "", text)
    ours = [r for r in ready.dns.server.records if r.value.startswith("v=DKIM1")]
    assert len(ours) == 2
    assert all(r.value.replace(";", "") in plain.replace(";", "") for r in ours)
    assert "office-verification=1" in text


# What others write --------------------------------------------------------------------------------------------------

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\nerror: all is well\x00[/][bold red]:key: \\"
HOSTILE_RECORDS = (
    Record(NAME, "TXT", HOSTILE),
    Record(NAME, "TXT", f"v=spf1 {HOSTILE} -all"),
    Record(f"_dmarc.{NAME}", "TXT", f"v=DMARC1; p=none; x={HOSTILE}"),
    Record(f"bounces.{NAME}", "TXT", HOSTILE),
    Record("10.2.0.192.in-addr.arpa", "TXT", HOSTILE),
)
SHOWING = [
    (["dns", "plan", NAME], 4),
    (["-v", "dns", "plan", NAME], 4),
    (["setup", NAME, "--no-host", "--dry-run"], 4),
    (["setup", NAME, "--no-host", "--yes"], 4),
    (["dns", "apply", NAME, "--yes"], 4),
    (["rehearse", NAME, "--live"], 1),
    (["verify"], 1),
    (["dns", "export", NAME], 0),
    (["dns", "export", NAME, "--format", "table"], 0),
    (["dns", "export", NAME, "--format", "octodns"], 0),
    (["dns", "export", NAME, "--format", "terraform"], 0),
]


def hostile_zone(mailctl: Mailctl) -> None:
    kept = [r for r in mailctl.dns.server.records if not r.value.startswith(("v=spf1 ip4", "v=DMARC1"))]
    without_keys = [r for r in kept if "k=ed25519" not in r.value]
    key = Record(next(r.name for r in kept if "k=ed25519" in r.value), "TXT", f"v=DKIM1; n={HOSTILE}")
    mailctl.dns.server.records = (*without_keys, key, *HOSTILE_RECORDS)


@pytest.mark.parametrize(("words", "code"), SHOWING, ids=[" ".join(words) for words, _ in SHOWING])
def test_nothing_of_others_steers_a_terminal(ready: Mailctl, words: list[str], code: int) -> None:
    hostile_zone(ready)
    done = ready.run(*words)
    assert done.returncode == code, done.stdout + done.stderr
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert not CONTROL.search(text)
    assert "owned" in text or words[0] == "rehearse"
    assert not any(line.startswith("error: all is well") for line in text.splitlines())
    assert "🔑" not in text


@pytest.mark.parametrize(
    "words", [["dns", "plan", NAME], ["verify"], ["setup", NAME, "--no-host", "--dry-run"]]
)
def test_nothing_of_others_steers_a_terminal_as_json(ready: Mailctl, words: list[str]) -> None:
    hostile_zone(ready)
    done = ready.run(*words, "--json")
    assert not CONTROL.search(done.stdout + done.stderr)
    assert HOSTILE in walk(json.loads(done.stdout))


def walk(value: Any) -> list[str]:
    """Every string in a JSON document."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in walk(item)]
    if isinstance(value, list):
        return [text for item in value for text in walk(item)]
    return [value] if isinstance(value, str) else []


def on_a_terminal(words: list[str], **more: str) -> bytes:
    """What a process writes to a real terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mailctl", *words], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, **more}, close_fds=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        written = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the last writer has gone
                break
            if not piece:
                break
            written += piece
        process.wait(60)
    os.close(ours)
    return written


def test_a_real_terminal_gets_our_colours_and_nothing_of_theirs(ready: Mailctl) -> None:
    hostile_zone(ready)
    written = on_a_terminal(["dns", "plan", NAME])
    assert b"\x1b[" in written
    ours = re.sub(rb"\x1b\[[0-9;]*m", b"", written)
    assert not CONTROL.search(ours.decode().replace("\r\n", "\n"))
    assert b"owned" in ours
    assert b"\x1b" not in on_a_terminal(["dns", "plan", NAME], NO_COLOR="1")
