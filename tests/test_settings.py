"""Settings: the layers and their order, every problem at once, secrets kept out of sight."""

import os
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from mailctl.errors import BadInput, HostCannot, MailctlError
from mailctl.settings import DnsSettings, Settings, load
from mailctl.settings_layers import known_keys, masked_url, read


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("MAILCTL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def reasons(error: MailctlError) -> str:
    return "\n".join((error.message, *error.details, error.hint))


def test_without_a_file_everything_has_a_default() -> None:
    settings = load(None)
    assert settings.dns.publisher == "manual"
    assert settings.store.url == f"sqlite:///{settings.state_dir}/mailctl.db"
    assert settings.dmarc.policy == "none"
    assert not settings.trust.ad


def test_settings_are_frozen() -> None:
    settings = load(None)
    with pytest.raises(ValidationError, match="frozen"):
        settings.dns.ttl = 5


def test_every_key_says_what_it_means() -> None:
    assert [key for key, info in known_keys().items() if not info.description] == []


def test_places_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = write(tmp_path / "xdg" / "mailctl" / "mailctl.toml", "[dns]\nttl = 103\n")
    assert read().path == user
    here = write(Path("mailctl.toml"), "[dns]\nttl = 102\n")
    assert read().path == here.absolute()
    named = write(tmp_path / "variable.toml", "[dns]\nttl = 101\n")
    monkeypatch.setenv("MAILCTL_CONFIG", str(named))
    assert load(None).dns.ttl == 101
    option = write(tmp_path / "option.toml", "[dns]\nttl = 100\n")
    assert load(option).dns.ttl == 100


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no settings file"):
        load(tmp_path / "absent.toml")


def test_the_environment_wins_and_origins_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.toml", '[dns]\nttl = 60\nzone = "example.org"\n')
    monkeypatch.setenv("MAILCTL_DNS__TTL", "90")
    monkeypatch.setenv("MAILCTL_DNS__NAMESERVERS", "192.0.2.1, [2001:db8::1]:5353")
    monkeypatch.setenv("MAILCTL_DNS__ZONE", "")  # empty counts as unset
    loaded = read(path)
    assert (loaded.settings.dns.ttl, loaded.settings.dns.zone) == (90, "example.org")
    assert loaded.settings.dns.nameservers == ("192.0.2.1", "[2001:db8::1]:5353")
    origins = {row.key: str(row.origin) for row in loaded.rows()}
    assert origins["dns.ttl"] == "env MAILCTL_DNS__TTL"
    assert origins["dns.zone"] == f"file {path}"
    assert origins["dns.wait_seconds"] == "default"


def test_paths_in_a_file_start_at_its_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "etc" / "a.toml", 'state_dir = "state"\n[tls]\ncertificate = "~/c"\nkey = "k"\n')
    settings = load(path)
    assert settings.state_dir == tmp_path / "etc" / "state"
    assert settings.store.url == f"sqlite:///{tmp_path}/etc/state/mailctl.db"
    assert (settings.tls.certificate, settings.tls.key) == (tmp_path / "home" / "c", tmp_path / "etc" / "k")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ('[dns]\npublsher = "x"', "dns.publisher"),
        ('[dmrac]\npolicy = "none"', "dmarc.policy"),
        ('publisher = "x"', "dns.publisher"),
        ("[postfix]\ninjection_prot = 1", "postfix.injection_port"),
        ("[dns.ttl]\nx = 1", "dns.ttl"),
    ],
)
def test_an_unknown_key_names_the_nearest(tmp_path: Path, text: str, nearest: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(write(tmp_path / "a.toml", text))
    assert f"is not a setting; the nearest is {nearest} (file {tmp_path}/a.toml)" in reasons(caught.value)


def test_an_unknown_variable_names_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILCTL_DNS_TTL", "60")
    monkeypatch.setenv("MAILCTL_SHARED", "/not/a/setting")
    with pytest.raises(BadInput) as caught:
        load(None)
    assert caught.value.details == ("dns_ttl is not a setting; the nearest is dns.ttl (env MAILCTL_DNS_TTL)",)


def test_every_problem_is_reported_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = """
    bogus = 1
    trust = true
    [dns]
    ttl = "soon"
    wait_seconds = true
    nameservers = ["192.0.2.1", "ns1"]
    publisher = "a b"
    [host]
    ipv4 = ["2001:db8::1"]
    postmaster = "nobody"
    [dmarc]
    policy = "strict"
    [tls]
    certificate = "/c.pem"
    """
    path = write(tmp_path / "a.toml", text)
    monkeypatch.setenv("MAILCTL_POSTFIX__INJECTION_PORT", "70000")
    with pytest.raises(BadInput) as caught:
        load(path)
    assert caught.value.exit_code == 2
    assert len(caught.value.details) == 11
    shown = reasons(caught.value)
    assert (
        f"dns.ttl: must be a valid integer, unable to parse string as an integer; seen: 'soon' (file {path})"
        in shown
    )
    assert "seen: '70000' (env MAILCTL_POSTFIX__INJECTION_PORT)" in shown
    assert "trust is a section and takes no value" in shown
    assert "tls: certificate and key belong together" in shown


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \n", 2), ("[dns\n", 1), ('x = "a\n', 1), ("a = 1\na = 2\n", 2)]
)
def test_malformed_toml_names_the_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(
        BadInput, match=rf"is not TOML: .*line {line}|is not TOML: .*end of document"
    ) as caught:
        load(write(tmp_path / "a.toml", text))
    assert str(tmp_path / "a.toml") in caught.value.message


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"a = 1\n\xff\xfe\n")
    with pytest.raises(BadInput, match=r"not UTF-8: line 2"):
        load(path)


SECRET = "c2VjcmV0LXNlY3JldA=="


@pytest.mark.parametrize(
    "text",
    [
        f'[dns]\ntsig_secret = "{SECRET}"',
        f'[dns.options]\nauth_token = "{SECRET}"',
        f'[store]\nurl = "postgresql://mailctl:{SECRET}@db/mailctl"',
        f'[store]\nurl = "postgresql://db/mailctl?user=x&password={SECRET}"',
    ],
)
def test_a_readable_file_may_hold_no_secret(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.toml", text, mode=0o644)
    with pytest.raises(HostCannot, match="everybody on this host can read it") as caught:
        load(path)
    assert caught.value.hint == f"chmod 600 {path}"
    assert SECRET not in reasons(caught.value)
    path.chmod(0o600)
    loaded = read(path)
    assert SECRET not in repr(loaded.rows())
    assert SECRET not in repr(loaded.settings.dns)
    assert "********" in repr(loaded.rows())


@pytest.mark.parametrize(
    "text",
    [
        '[dns]\ntsig_secret = ["hunter2"]',
        "[dns.options]\nauth_token = ['hunter2']",
        '[store]\nurl = "mysql://me:hunter2@db/x"',
        '[store]\nurl = "postgresql:/me:hunter2@db/x"',
        '[dns]\ntsig_secret = "hunter2"\ntsig_secret_file = "x"',
    ],
)
def test_an_error_shows_no_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(write(tmp_path / "a.toml", text))
    assert len(caught.value.details) == 1
    assert "hunter2" not in reasons(caught.value)


def test_masking_a_url_keeps_what_is_no_secret() -> None:
    assert masked_url("postgresql://u:p@h:5432/n") == "postgresql://u:********@h:5432/n"
    assert masked_url("postgresql://u@h:5432/n") == "postgresql://u@h:5432/n"
    assert masked_url("sqlite:////var/lib/a:b/mailctl.db") == "sqlite:////var/lib/a:b/mailctl.db"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o700])
def test_a_secret_file_must_be_private(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "key", SECRET, mode=mode)
    with pytest.raises(HostCannot) as caught:
        DnsSettings(tsig_secret_file=path).tsig_key()
    assert f"chmod 600 {path}" in caught.value.hint
    assert f"{mode:04o}" in reasons(caught.value)


def test_a_secret_file_is_read_when_used(tmp_path: Path) -> None:
    path = write(tmp_path / "key", f"{SECRET}\n")
    assert DnsSettings(tsig_secret_file=path).tsig_key() == SECRET
    link = tmp_path / "link"
    link.symlink_to(path)
    for wrong, why in [(link, "symbolic link"), (tmp_path / "no", "missing"), (tmp_path, "not a plain file")]:
        with pytest.raises(HostCannot, match=why):
            DnsSettings(tsig_secret_file=wrong).tsig_key()
    path.write_text("not base64 §")
    with pytest.raises(HostCannot, match="not a TSIG key"):
        DnsSettings(tsig_secret_file=path).tsig_key()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_files_of_others(tmp_path: Path) -> None:
    key = write(tmp_path / "key", SECRET)
    os.chown(key, 12345, 12345)
    with pytest.raises(HostCannot) as caught:
        DnsSettings(tsig_secret_file=key).tsig_key()
    assert f"chown 0 {key}" in caught.value.hint
    found = write(Path("mailctl.toml"), "[dns]\nttl = 60\n")
    os.chown(found, 12345, 12345)
    with pytest.raises(HostCannot, match="not trusted"):
        load(None)
    assert load(found).dns.ttl == 60  # it was named, so it is meant


def test_a_found_file_that_all_may_write_is_not_trusted() -> None:
    write(Path("mailctl.toml"), "", mode=0o666)
    with pytest.raises(HostCannot, match=re.escape("mailctl.toml is not trusted")):
        load(None)


def test_settings_can_be_built_in_code(tmp_path: Path) -> None:
    settings = Settings.model_validate({"state_dir": tmp_path})
    assert settings.store.url == f"sqlite:///{tmp_path}/mailctl.db"
