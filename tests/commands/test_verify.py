"""`mailctl verify` as it is typed, against real sockets: what it prints, how it ends, what it never touches."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pytest

from mailctl.domains.checks.target import Profile
from mailctl.edges.dns_server import DnsServer, Fault
from mailctl.reports import FORMATS
from mailctl.standards import dkim
from mailctl.standards.dns import Record
from tests.commands.conftest import CONTROL, NAME, Mailctl

CLEAN, WORLD_OPEN, NONE = "clean.example", "open.example", "none.example"
KEY = dkim.public_text(dkim.generate("ed25519"))
DATABASE = {"sqlmodel", "sqlalchemy", "alembic", "sqlite3", "psycopg", "dkim", "jinja2"}


def zone(name: str, spf: str = "v=spf1 mx -all") -> tuple[Record, ...]:
    return (
        Record(name, "NS", f"ns1.{name}"),
        Record(name, "NS", f"ns2.{name}"),
        Record(f"ns1.{name}", "A", "192.0.2.53"),
        Record(f"ns2.{name}", "A", "198.51.100.53"),
        Record(name, "MX", f"10 mx1.{name}"),
        Record(name, "MX", f"20 mx2.{name}"),
        Record(f"mx1.{name}", "A", "192.0.2.25"),
        Record(f"mx2.{name}", "A", "198.51.100.25"),
        Record(name, "TXT", spf),
        Record(f"k9._domainkey.{name}", "TXT", KEY),
        Record(f"_dmarc.{name}", "TXT", f"v=DMARC1; p=reject; rua=mailto:d@{name}"),
    )


@pytest.fixture
def world(bare: Mailctl) -> Mailctl:
    """A clean domain and one with an open SPF record; no store."""
    bare.dns.server.records = (*zone(CLEAN), *zone(WORLD_OPEN, "v=spf1 +all"))
    bare.dns.server.asked.clear()
    return bare


def lines(text: str) -> dict[str, Any]:
    """What jsonl says, by domain."""
    return {fact["domain"]: fact for fact in map(json.loads, text.splitlines())}


def ids(fact: Any, *severities: str) -> list[str]:
    return [f["id"] for f in fact["findings"] if not severities or f["severity"] in severities]


def verify(mailctl: Mailctl, *words: str, code: int = 0) -> str:
    return mailctl.ok("verify", "--selector", "k9", *words, code=code)


# Any domain, without a store


def test_a_clean_domain(world: Mailctl) -> None:
    fact = lines(verify(world, CLEAN, "--format", "jsonl"))[CLEAN]
    assert fact["verdict"] == "ok"
    assert ids(fact, "error", "warning", "unknown") == []
    assert {"spf.ok", "dkim.ok", "dmarc.ok", "mx.ok", "ns.ok"} <= set(ids(fact, "ok"))


def test_one_bad_domain_among_several(world: Mailctl) -> None:
    facts = lines(verify(world, CLEAN, WORLD_OPEN, NONE, CLEAN, "--format", "jsonl", code=1))
    assert {name: fact["verdict"] for name, fact in facts.items()} == {
        CLEAN: "ok", WORLD_OPEN: "error", NONE: "error",
    }  # fmt: skip
    assert ids(facts[WORLD_OPEN], "error") == ["spf.plus-all"]
    assert ids(facts[NONE]) == ["domain.does-not-exist"]


def test_text_has_the_worst_first(world: Mailctl) -> None:
    said = verify(world, CLEAN, WORLD_OPEN, code=1)
    assert said.index(WORLD_OPEN) < said.index("spf.plus-all") < said.index(CLEAN)
    assert "fix       open.example. 3600 IN TXT" in said


def test_no_store_is_made_in_order_to_look(world: Mailctl) -> None:
    verify(world, CLEAN)
    assert not world.state.exists()
    message = world.refused("verify", code=2)
    assert "there is nothing to check" in message
    assert not world.state.exists()


@pytest.mark.parametrize("words", [(CLEAN,), ("--inventory", "i.toml"), (CLEAN, "--format", "sarif")])
def test_no_database_is_imported_without_need(world: Mailctl, words: tuple[str, ...]) -> None:
    Path("i.toml").write_text(f'[[domain]]\nname = "{CLEAN}"\n')
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    code += "from mailctl.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    loaded = set(done.stderr.split())
    assert done.returncode == 3, done.stdout  # no selector is known, so DKIM is not
    assert "mailctl.domains.checks.engine" in loaded
    assert loaded & DATABASE == set()


@pytest.mark.parametrize("fault", [Fault.SERVFAIL, Fault.REFUSED, Fault.SILENCE, Fault.GARBAGE])
def test_silence_is_undetermined(world: Mailctl, fault: Fault) -> None:
    world.dns.server.faults = dict.fromkeys((CLEAN, f"_dmarc.{CLEAN}", f"k9._domainkey.{CLEAN}"), fault)
    started = time.monotonic()
    fact = lines(verify(world, CLEAN, "--timeout", "1.5", "--format", "jsonl", code=3))[CLEAN]
    assert time.monotonic() - started < 6
    assert fact["verdict"] == "unknown"
    assert ids(fact) == ["domain.unknown"]


def test_no_name_server_that_answers_is_undetermined(world: Mailctl) -> None:
    said = verify(world, CLEAN, "--nameserver", "127.0.0.1:9", "--timeout", "2", "--json", code=3)
    assert [ids(fact) for fact in json.loads(said)] == [["domain.unknown"]]


# How it ends


def test_what_a_run_fails_for(world: Mailctl) -> None:
    world.dns.server.records = tuple(r for r in world.dns.server.records if r.value != f"ns2.{CLEAN}")
    assert ids(lines(verify(world, CLEAN, "--format", "jsonl"))[CLEAN], "warning") == ["ns.single"]
    verify(world, CLEAN, "--fail-on", "warning", code=1)
    verify(world, CLEAN, "--fail-on", "warning", "--ignore", "ns.single")
    verify(world, WORLD_OPEN, "--ignore", "spf.plus-all")
    world.ok("verify", CLEAN, code=3)  # which selectors are in use is not known
    world.ok("verify", CLEAN, "--fail-on", "warning", code=1)


def test_the_profiles_are_those_of_the_checks(world: Mailctl) -> None:
    from mailctl.commands.verify import ProfileOption

    (literal, _) = get_args(get_args(ProfileOption)[0])
    assert set(get_args(literal)) == {profile.value for profile in Profile} - {Profile.SENDER.value}
    facts = json.loads(verify(world, CLEAN, "--profile", "parked", "--json", code=1))
    assert "mx.not-null" in ids(facts[0])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["not a domain", "x_y.example", CLEAN], ["'not a domain': it has white space", "'x_y.example'"]),
        (["a.example;rm", "$(x).example", ".example"], ["'a.example;rm'", "'$(x).example'", "'.example'"]),
        ([CLEAN, "--selector", "a b", "--sending-ip", "999.1.1.1"], ["--selector 'a b'", "--sending-ip", "999.1.1.1"]),
        ([CLEAN, "--ignore", "spf.plusall"], ["the nearest is spf.plus-all"]),
        ([CLEAN, "--nameserver", "ns.example"], ["ns.example"]),
        ([CLEAN, "--dnsbl", "no zone"], ["--dnsbl 'no zone'"]),
        ([CLEAN, "--inventory", "absent.toml"], ["absent.toml cannot be read: No such file"]),
        ([CLEAN, "--baseline", "absent.jsonl"], ["absent.jsonl cannot be read"]),
        ([CLEAN, "--ca-file", "absent.pem"], ["absent.pem"]),
        ([CLEAN, "--report", "no/folder/x.html"], ["no folder for the report"]),
    ],
)  # fmt: skip
def test_words_that_cannot_be_used(world: Mailctl, words: list[str], told: list[str]) -> None:
    message = world.refused("verify", *words, code=2)
    assert [text for text in told if text not in message] == []
    assert world.dns.server.asked == []


@pytest.mark.parametrize(
    "words", [["--format", "xml"], ["--fail-on", "info"], ["--timeout", "0"], ["--concurrency", "0"]]
)
def test_options_out_of_range(world: Mailctl, words: list[str]) -> None:
    assert world.run("verify", CLEAN, *words).returncode == 2
    assert world.dns.server.asked == []


# The inventory


INVENTORY = f"""\
[[domain]]
name = "{CLEAN}"
selectors = ["k9"]

[[domain]]
name = "{WORLD_OPEN}"
selectors = ["k9"]
ignore = ["spf.plus-all"]

[[domain]]
name = "{NONE}"
"""


def test_an_inventory(world: Mailctl) -> None:
    Path("domains.toml").write_text(INVENTORY)
    facts = lines(world.ok("verify", "--inventory", "domains.toml", "--format", "jsonl", code=1))
    assert {name: fact["verdict"] for name, fact in facts.items()} == {
        CLEAN: "ok",
        WORLD_OPEN: "ok",
        NONE: "error",
    }


def test_what_is_typed_is_added_to_an_inventory(world: Mailctl) -> None:
    Path("domains.toml").write_text(INVENTORY)
    words = ("--inventory", "domains.toml", "another.example", "--ignore", "domain.does-not-exist")
    assert len(lines(world.ok("verify", *words, "--format", "jsonl"))) == 4


def test_an_inventory_with_mistakes_is_told_whole_and_nothing_is_asked(world: Mailctl) -> None:
    Path("domains.toml").write_text(INVENTORY.replace("selectors", "selektors").replace(NONE, "none"))
    message = world.refused("verify", "--inventory", "domains.toml", code=2)
    assert re.findall(r"domains\.toml:(\d+):", message) == ["3", "7", "11"]
    assert "the nearest is selectors" in message
    assert world.dns.server.asked == []


def test_sarif_and_github_point_at_the_line_of_the_inventory(world: Mailctl) -> None:
    Path("mail").mkdir()
    Path("mail/domains.toml").write_text(INVENTORY)
    words = ("verify", "--inventory", "mail/domains.toml", "--format")
    sarif = json.loads(world.ok(*words, "sarif", code=1))
    places = {
        (p["artifactLocation"]["uri"], p["region"]["startLine"])
        for result in sarif["runs"][0]["results"]
        if result["level"] == "error"
        for p in [result["locations"][0]["physicalLocation"]]
    }
    assert places == {("mail/domains.toml", 10)}
    assert "::error file=mail/domains.toml,line=10,title=domain.does-not-exist" in world.ok(
        *words, "github", code=1
    )


# Formats


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_goes_to_stdout_and_nothing_else(world: Mailctl, name: str) -> None:
    done = world.run("verify", CLEAN, WORLD_OPEN, "--selector", "k9", "--format", name)
    assert done.returncode == 1
    assert done.stderr == ""
    assert CLEAN in done.stdout
    assert WORLD_OPEN in done.stdout
    assert not CONTROL.search(done.stdout)
    if name in ("json", "sarif"):
        json.loads(done.stdout)
    if name == "junit":
        assert ElementTree.fromstring(done.stdout).find(".//failure") is not None


def test_json_is_the_format_json_and_quiet_leaves_facts(world: Mailctl) -> None:
    long = json.loads(verify(world, CLEAN, "--format", "json"))
    short = json.loads(verify(world, CLEAN, "--json"))
    quiet = json.loads(world.ok("-q", "verify", CLEAN, "--selector", "k9", "--format", "json"))
    assert [ids(fact) for fact in long] == [ids(fact) for fact in short] == [ids(fact) for fact in quiet]
    assert world.ok("-q", "verify", CLEAN, "--selector", "k9") == ""


def test_a_line_comes_as_soon_as_its_domain_is_known(world: Mailctl) -> None:
    world.dns.server.faults = {WORLD_OPEN: Fault.SILENCE, f"_dmarc.{WORLD_OPEN}": Fault.SILENCE}
    with subprocess.Popen(
        [sys.executable, "-m", "mailctl", "verify", WORLD_OPEN, CLEAN, "--format", "jsonl", "--timeout", "20"],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert process.poll() is None  # the other domain is still being waited for
        process.kill()
    assert first["domain"] == CLEAN


def test_a_reader_that_goes_away_is_no_traceback(world: Mailctl) -> None:
    words = " ".join([CLEAN, *(f"d{number}.example" for number in range(200))])
    done = subprocess.run(
        ["bash", "-c", f"$PYTHON -m mailctl verify {words} --format jsonl | head -1"],
        env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_a_page_is_written_beside_any_format(world: Mailctl) -> None:
    done = world.run("verify", WORLD_OPEN, "--format", "jsonl", "--report", "report.html")
    assert "wrote report.html" in done.stderr
    page = Path("report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "spf.plus-all" in page
    assert len(done.stdout.splitlines()) == 1


# A baseline


def test_a_baseline_leaves_what_changed(world: Mailctl) -> None:
    Path("before.jsonl").write_text(verify(world, CLEAN, WORLD_OPEN, "--format", "jsonl", code=1))
    words = (CLEAN, WORLD_OPEN, "--baseline", "before.jsonl", "--format", "jsonl")
    assert [fact["findings"] + fact["gone"] for fact in lines(verify(world, *words)).values()] == [[], []]
    world.dns.server.records = (*zone(CLEAN, "v=spf1 +all"), *zone(WORLD_OPEN))
    facts = lines(verify(world, *words, code=1))
    assert ids(facts[CLEAN]) == ["spf.plus-all"]
    assert [f["id"] for f in facts[WORLD_OPEN]["gone"]] == ["spf.plus-all"]
    assert "1 gone since the baseline" in verify(world, *words[:4], code=1)


# Watching, and terminals


def test_watching_does_not_go_on_for_ever(world: Mailctl) -> None:
    server = world.dns.server
    with Authority(zone(NAME)) as authority:
        server.records = pointed(zone(NAME, "v=spf1 +all"), authority.address)
        world.set(MAILCTL_DNS__AUTHORITATIVE_PORT=str(authority.port), MAILCTL_DNS__WAIT_SECONDS="0")
        fact = lines(world.ok("verify", NAME, "--selector", "k9", "--watch", "--format", "jsonl"))[NAME]
    assert ids(fact, "warning") == ["spf.propagating"]


def test_watching_ends_when_the_record_is_there(world: Mailctl) -> None:
    """The resolver still shows the old record, the authoritative server has the new one; then both have."""
    server, mended = world.dns.server, zone(NAME)
    with Authority(mended) as authority:
        server.records = pointed((replace(r, ttl=1) for r in zone(NAME, "v=spf1 +all")), authority.address)
        now = lambda: setattr(server, "records", pointed(mended, authority.address))  # noqa: E731
        timer = threading.Timer(2.0, now)
        timer.start()
        world.set(MAILCTL_DNS__AUTHORITATIVE_PORT=str(authority.port), MAILCTL_DNS__WAIT_SECONDS="30")
        done = world.run("verify", NAME, "--selector", "k9", "--watch", "--format", "jsonl")
        timer.join()
    assert done.returncode == 0, done.stdout
    assert f"propagating {NAME}: spf.propagating" in done.stderr
    assert ids(lines(done.stdout)[NAME], "error", "warning", "unknown") == []


def pointed(records: Iterable[Record], address: str) -> tuple[Record, ...]:
    """The records with the name servers at `address`."""
    return tuple(
        replace(r, value=address) if r.name.startswith("ns") and r.rdtype == "A" else r for r in records
    )


class Authority:
    """An authoritative server in a thread of its own, on another loopback address."""

    address = "127.0.0.3"

    def __init__(self, records: tuple[Record, ...]) -> None:
        self.records = records
        self.port = 0

    def __enter__(self) -> "Authority":
        started = threading.Event()
        self._ended = asyncio.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            async with DnsServer(self.records, zones=[NAME], address=self.address) as server:
                self.port = server.port
                started.set()
                await self._ended.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)


def on_terminal(*words: str) -> str:
    """What a terminal gets on stderr; stdout goes to a pipe."""
    leader, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mailctl", *words], stdin=terminal, stdout=subprocess.DEVNULL, stderr=terminal
    ) as process:
        os.close(terminal)
        text = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:  # EIO: the last writer has gone
                break
            text += data
            if not data:
                break
        process.wait(60)
    os.close(leader)
    return text.decode()


def test_progress_is_shown_on_a_terminal_only(world: Mailctl) -> None:
    said = on_terminal("verify", CLEAN, WORLD_OPEN, "--format", "jsonl")
    assert "checking" in said
    assert "2/2" in said
    assert on_terminal("-q", "verify", CLEAN) == ""


# Domains of the store


def test_every_stored_domain_against_its_plan(ready: Mailctl) -> None:
    fact = json.loads(ready.ok("verify", "--json"))[0]
    assert fact["domain"] == NAME
    assert {"spf.return-path-ok", "dkim.ok", "spf.address-passes", "dmarc.aligned"} <= set(ids(fact, "ok"))
    assert ids(fact, "error", "unknown") == []


def test_a_stored_domain_that_is_named_is_checked_against_its_plan_too(ready: Mailctl) -> None:
    records = ready.dns.server.records
    ready.dns.server.records = tuple(r for r in records if r.name != f"bounces.{NAME}")
    fact = json.loads(ready.ok("verify", NAME, "--json", code=1))[0]
    assert {"spf.return-path-missing", "mx.return-path-missing"} <= set(ids(fact, "error"))
    Path("domains.toml").write_text(f'[[domain]]\nname = "{NAME}"\n')
    by_inventory = json.loads(ready.ok("verify", "--inventory", "domains.toml", "--json", code=1))[0]
    assert ids(by_inventory, "error") == ids(fact, "error")


def test_a_key_that_was_cut_short_is_one_error(ready: Mailctl) -> None:
    ready.dns.server.records = tuple(
        replace(r, value=r.value[:200]) if "k=rsa" in r.value else r for r in ready.dns.server.records
    )
    fact = json.loads(ready.ok("verify", NAME, "--json", code=1))[0]
    assert ids(fact, "error", "warning") == ["dkim.wrong", "ns.single"] or ids(fact, "error") == [
        "dkim.wrong"
    ]


def test_another_domain_beside_a_store(ready: Mailctl) -> None:
    before = ready.snapshot()
    ready.dns.server.records = (*ready.dns.server.records, *zone(CLEAN))
    fact = json.loads(verify(ready, CLEAN, "--json"))[0]
    assert "spf.return-path-missing" not in ids(fact)
    assert ready.snapshot()[1:] == before[1:]


def test_an_empty_database_stays_empty(world: Mailctl) -> None:
    world.state.mkdir()
    (world.state / "mailctl.db").touch()
    verify(world, CLEAN)
    assert (world.state / "mailctl.db").read_bytes() == b""
    assert "none is stored" in world.refused("verify", code=2)


# explain-check


def test_an_id_is_explained(bare: Mailctl) -> None:
    said = bare.ok("explain-check", "spf.plus-all")
    assert said.startswith("spf.plus-all error\n")
    for title in ("Why it matters", "What to do", "Reference", "RFC 7208"):
        assert title in said
    (fact,) = json.loads(bare.ok("explain-check", "spf.plus-all", "--json"))
    assert fact["severity"] == "error"


def test_an_area_is_listed(bare: Mailctl) -> None:
    said = bare.ok("explain-check", "mtasts").splitlines()
    assert len(said) > 5
    assert all(line.startswith("mtasts.") for line in said)


def test_an_id_that_is_none_comes_with_the_nearest(bare: Mailctl) -> None:
    assert "the nearest is spf.plus-all" in bare.refused("explain-check", "spf.plusall", code=2)
