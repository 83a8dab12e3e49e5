"""mailctl as it is typed, in a world of its own: an embedded DNS that takes updates, and a state folder."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pytest_console_scripts import ScriptRunner

from mailctl.edges.dns_server import DnsServer
from mailctl.standards.dns import Record

NAME, HOST, IPV4, IPV6 = "shop.example", "mail.shop.example", "192.0.2.10", "2001:db8::10"
KEY_NAME, SECRET = "update.test", "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
# What stands in the zone before mailctl comes, and in the zones of others.
BEFORE = (
    Record(NAME, "TXT", "office-verification=1"),
    Record(NAME, "TXT", "v=spf1 include:_spf.office.example ~all"),
    Record("_spf.office.example", "TXT", "v=spf1 ip4:198.51.100.0/24 -all"),
    Record("10.2.0.192.in-addr.arpa", "PTR", HOST),
    Record("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", HOST),
)
# What may not reach a terminal: all that steers it, or turns the direction of text.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Dns:
    """The embedded server in a thread of its own, so that commands in this process and in others can ask it."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._started.wait(10)

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with DnsServer(BEFORE, zones=["", NAME], update_key=(KEY_NAME, SECRET)) as self.server:
            self._started.set()
            await self._ended.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    def environment(self) -> dict[str, str]:
        """The settings under which a command knows this server and nothing else."""
        return {
            "MAILCTL_DNS__NAMESERVERS": self.server.address,
            "MAILCTL_DNS__AUTHORITATIVE_PORT": str(self.server.port),
            "MAILCTL_DNS__PUBLISHER": "rfc2136",
            "MAILCTL_DNS__SERVER": self.server.address,
            "MAILCTL_DNS__TSIG_NAME": KEY_NAME,
            "MAILCTL_DNS__TSIG_SECRET": SECRET,
            "MAILCTL_DNS__WAIT_SECONDS": "1",
            "MAILCTL_HOST__NAME": HOST,
            "MAILCTL_HOST__IPV4": IPV4,
            "MAILCTL_HOST__IPV6": IPV6,
        }


@pytest.fixture(scope="session")
def serving() -> Iterator[Dns]:
    one = Dns()
    yield one
    one.stop()


class Prepared:
    """A state folder and a zone after `mailctl setup`, to be copied for each test: making keys takes time."""

    def __init__(self, state: Path, records: tuple[Record, ...]) -> None:
        self.state, self.records = state, records


@pytest.fixture(scope="session")
def prepared(serving: Dns, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    serving.server.records = BEFORE
    environment = (
        clean_environment(folder) | serving.environment() | {"MAILCTL_STATE_DIR": str(folder / "state")}
    )
    done = subprocess.run(
        [sys.executable, "-m", "mailctl", "setup", NAME, "--no-host", "--yes"],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return Prepared(folder / "state", serving.server.records)


def clean_environment(home: Path) -> dict[str, str]:
    """Nothing of the caller's but the search path."""
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home),
        "LC_ALL": "C.UTF-8", "TERM": "xterm",
    }  # fmt: skip


class Mailctl:
    """Commands in this process, or in one of their own, and what they leave behind."""

    def __init__(self, runner: ScriptRunner, dns: Dns, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.dns, self.folder, self.state = dns, folder, folder / "state"
        self._runner, self._patch = runner, monkeypatch
        for name in [name for name in os.environ if name.startswith("MAILCTL_")]:
            monkeypatch.delenv(name)
        monkeypatch.chdir(folder)
        self.set(**clean_environment(folder), **dns.environment(), MAILCTL_STATE_DIR=str(self.state))

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self._patch.setenv(name, value)

    def unset(self, *names: str) -> None:
        for name in names:
            self._patch.delenv(name)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        done = self._runner.run(["mailctl", *words], print_result=False)
        return subprocess.CompletedProcess(list(words), done.returncode, done.stdout, done.stderr)

    def process(self, *words: str, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        """The same in a process of its own, behind the words `before`."""
        return subprocess.run(
            [*before, sys.executable, "-m", "mailctl", *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def ok(self, *words: str, code: int = 0) -> str:
        """What a command printed that had to end with `code`."""
        done = self.run(*words)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def refused(self, *words: str, code: int) -> str:
        """The one message of a command that had to end with `code`."""
        return one_message(self.run(*words), code)

    def snapshot(self) -> tuple[Any, ...]:
        """Zone, store and key files: equal before and after means untouched."""
        return self.dns.server.records, store_dump(self.state), key_files(self.state)


def one_message(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    """What was said on stderr: one error, with what to do, and nothing that steers a terminal."""
    told = done.stderr
    assert done.returncode == code, done.stdout + told
    assert "Traceback" not in done.stdout + told
    assert told.count("error:") == 1, told
    assert told.count("what to do:") == 1, told
    assert not CONTROL.search(done.stdout + told)
    return told


def store_dump(state: Path) -> tuple[str, ...]:
    """Every row, in SQL; () where there is no database."""
    if not (state / "mailctl.db").exists():
        return ()
    with closing(sqlite3.connect(state / "mailctl.db")) as raw:
        return tuple(raw.iterdump())


def key_files(state: Path) -> Mapping[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(state)): (path.stat().st_mode, path.read_bytes())
        for path in sorted(state.glob("keys/**/*"))
        if path.is_file()
    }


@pytest.fixture
def bare(
    script_runner: ScriptRunner, serving: Dns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mailctl]:
    """mailctl that has never run, and a zone that it has not seen."""
    serving.server.records = BEFORE
    yield Mailctl(script_runner, serving, tmp_path, monkeypatch)
    serving.server.faults.clear()


@pytest.fixture
def ready(bare: Mailctl, prepared: Prepared) -> Mailctl:
    """mailctl that has set shop.example up."""
    shutil.copytree(prepared.state, bare.state)
    bare.dns.server.records = prepared.records
    return bare
