"""`mailctl config`, `db` and `tenant`, through the command line as it is installed."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pytest_console_scripts import ScriptRunner

from mailctl.edges.key_files import KeyFiles
from mailctl.settings import load
from mailctl.settings_layers import known_keys, raw_values
from mailctl.standards import dkim
from mailctl.store import open_store


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MAILCTL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MAILCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


class Shell:
    """mailctl, run in this process."""

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner

    def __call__(self, *words: str, code: int = 0) -> str:
        done = self._runner.run(["mailctl", *words], print_result=False)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return str(done.stderr if code else done.stdout)

    def facts(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def mailctl(script_runner: ScriptRunner) -> Shell:
    return Shell(script_runner)


# config


def test_config_show(mailctl: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "mailctl.toml"
    path.write_text('[dns]\nzone = "example.org"\ntsig_secret = "c2VjcmV0"\n')
    path.chmod(0o600)
    monkeypatch.setenv("MAILCTL_DNS__OPTIONS__AUTH_TOKEN", "hunter2")
    monkeypatch.setenv("MAILCTL_STORE__URL", "postgresql://mailctl:hunter2@db/mailctl")
    shown = mailctl("config", "show")
    assert f"dns.zone = example.org  (file {path})" in shown
    assert f"dns.tsig_secret = ********  (file {path})" in shown
    assert "dns.options.auth_token = ********  (env MAILCTL_DNS__OPTIONS__AUTH_TOKEN)" in shown
    assert "store.url = postgresql://mailctl:********@db/mailctl  (env MAILCTL_STORE__URL)" in shown
    assert "trust.ad = false\n" in shown
    found = mailctl.facts("config", "show")
    assert found["file"] == str(path)
    assert found["settings"]["dns.zone"] == {"value": "example.org", "from": "file", "where": str(path)}
    assert found["settings"]["dns.ttl"] == {"value": 3600, "from": "default", "where": ""}
    for secret in ("hunter2", "c2VjcmV0"):
        assert secret not in shown + json.dumps(found)


def test_config_check(mailctl: Shell, tmp_path: Path) -> None:
    assert "ok: no file" in mailctl("config", "check")
    (tmp_path / "mailctl.toml").write_text("[dns]\nttl = 60\n")
    assert mailctl.facts("config", "check") == {
        "file": str(tmp_path / "mailctl.toml"),
        "ok": True,
        "set": ["state_dir", "dns.ttl"],
    }


@pytest.mark.parametrize(
    ("text", "mode", "code", "said"),
    [
        (
            "[dns]\nttl = 'soon'\nzoen = 1\n",
            0o600,
            2,
            ["2 settings cannot be used", "nearest is dns.zone", "'soon'"],
        ),
        ("[dns\n", 0o600, 2, ["is not TOML", "line 1"]),
        ("[dns]\ntsig_secret = 'hunter2'\n", 0o644, 5, ["everybody on this host can read it", "chmod 600"]),
        ("[dns]\ntsig_secret_file = 'key'\n", 0o644, 5, ["is not private", "chmod 600", "mode 0644"]),
        ("[dns]\ntsig_secret_file = 'absent'\n", 0o644, 5, ["is missing"]),
    ],
)
def test_settings_that_cannot_be_used(
    mailctl: Shell, tmp_path: Path, text: str, mode: int, code: int, said: list[str]
) -> None:
    (tmp_path / "key").write_text("aHVudGVyMg==")
    (tmp_path / "key").chmod(0o644)
    path = tmp_path / "bad.toml"
    path.write_text(text)
    path.chmod(mode)
    errors = mailctl("--config", str(path), "config", "check", code=code)
    assert [part for part in said if part not in errors] == []
    assert "hunter2" not in errors


def test_config_init_writes_the_defaults_and_refuses_to_overwrite(mailctl: Shell, tmp_path: Path) -> None:
    assert "wrote mailctl.toml (mode 0644)" in mailctl("config", "init")
    path = tmp_path / "mailctl.toml"
    text = path.read_text()
    assert tomllib.loads(text) == {
        section: {} for section in {k.split(".")[0] for k in known_keys()} - {"state_dir"}
    }
    for info in known_keys().values():
        assert f"# {info.description}" in text
    assert "there is a file mailctl.toml already" in mailctl("config", "init", code=4)
    path.write_text("[dns]\nttl = 60\n")
    mailctl("config", "init", "--force")
    assert path.read_text() == text


def test_config_init_writes_down_the_environment(
    mailctl: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        "MAILCTL_DNS__TSIG_SECRET": "c2VjcmV0",
        "MAILCTL_DNS__OPTIONS__AUTH_TOKEN": 'with "quotes" and \\',
        "MAILCTL_DNS__NAMESERVERS": "192.0.2.1,192.0.2.2",
        "MAILCTL_HOST__IPV6": "2001:db8::1",
        "MAILCTL_TRUST__AD": "true",
        "MAILCTL_POSTFIX__INJECTION_PORT": "2525",
    }
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    expected = raw_values(load(None))
    mailctl("config", "init", "etc/mailctl.toml", "--keep-environment")
    for name in wanted:
        monkeypatch.delenv(name)
    path = tmp_path / "etc" / "mailctl.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert raw_values(load(path)) == expected
    assert list(path.parent.iterdir()) == [path]


def test_config_init_says_when_it_cannot_write(mailctl: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in mailctl("config", "init", "file/mailctl.toml", code=5)


# db


def test_db(mailctl: Shell, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state/mailctl.db"
    absent = {"url": url, "state": "absent", "revision": None, "head": "0001", "pending": ["0001"]}
    assert mailctl.facts("db", "status") == absent
    mailctl("db", "status", "--check", code=2)
    assert not (tmp_path / "state").exists()
    assert mailctl.facts("db", "upgrade") == {"url": url, "applied": ["0001"], "revision": "0001"}
    assert "nothing to do" in mailctl("db", "upgrade")
    assert f"{url}: current" in mailctl("db", "status", "--check")


def test_db_shows_no_password(mailctl: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAILCTL_STORE__URL", f"postgresql://me:hunter2@/mailctl?host={tmp_path}")
    errors = mailctl("db", "upgrade", code=5)
    assert "the connection failed" in errors
    assert "hunter2" not in errors


# tenant


def test_tenants_life(mailctl: Shell, tmp_path: Path) -> None:
    assert "added acme" in mailctl("tenant", "add", "acme")
    assert mailctl.facts("tenant", "add", "other")["name"] == "other"
    with open_store(f"sqlite:///{tmp_path}/state/mailctl.db") as store:
        store.keys.add(store.domains.add("acme", "example.org"), "s1", "ed25519", "v=DKIM1; k=ed25519; p=x")
    key = KeyFiles(tmp_path / "state" / "keys").write("example.org", "s1", dkim.generate("ed25519"))
    assert mailctl("tenant", "list") == "acme  active  1 domains\nother  active  0 domains\n"
    assert [row["name"] for row in mailctl.facts("tenant", "list")] == ["acme", "other"]
    assert "domains: example.org" in mailctl("tenant", "show", "acme")
    assert mailctl.facts("tenant", "suspend", "acme")["state"] == "suspended"
    assert mailctl.facts("tenant", "show", "acme")["state"] == "suspended"
    assert mailctl.facts("tenant", "resume", "acme")["state"] == "active"
    assert "example.org" in mailctl("tenant", "remove", "acme", code=4)
    assert key.exists()
    assert mailctl("tenant", "remove", "acme", "--force") == "removed acme, with example.org\n"
    assert not key.exists()
    assert mailctl.facts("tenant", "remove", "other") == {"removed": "other", "domains": []}
    assert mailctl.facts("tenant", "list") == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "acme"], 4, "there is a tenant acme already"),
        (["add", "a b"], 2, "cannot be a tenant's name"),
        (["add", "\x1b[31mred"], 2, "cannot be a tenant's name"),
        (["show", "acne"], 2, "did you mean acme?"),
        (["remove", "zzz"], 2, "there is no tenant 'zzz'"),
    ],
)
def test_tenants_mistakes(mailctl: Shell, words: list[str], code: int, said: str) -> None:
    mailctl("tenant", "add", "acme")
    errors = mailctl("tenant", *words, code=code)
    assert said in errors
    assert "\x1b" not in errors
    assert [row["name"] for row in mailctl.facts("tenant", "list")] == ["acme"]


@pytest.mark.parametrize("verb", ["config", "db", "tenant"])
def test_every_command_has_help_with_an_example(mailctl: Shell, verb: str) -> None:
    listed = mailctl(verb, "--help")
    names = [line.split()[1] for line in listed.split("Commands")[1].splitlines() if line.startswith("│ ")]
    names = [name for name in names if name.isidentifier() and name.islower()]
    assert names
    for name in names:
        assert "Example" in mailctl(verb, name, "--help")


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mailctl", "tenant"]
    added = subprocess.run([*command, "add", "acme"], capture_output=True, text=True, check=False)
    again = subprocess.run([*command, "add", "acme"], capture_output=True, text=True, check=False)
    assert (added.returncode, added.stdout, added.stderr) == (0, "added acme\n", "")
    assert (again.returncode, again.stdout) == (4, "")
    assert again.stderr.startswith("error: there is a tenant acme already")
