"""Bad input of every kind: one clear message with what to do, a documented exit code, and nothing changed."""

import ast
import asyncio
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailctl.domains.wiring import NobodyToAsk
from mailctl.edges.dns_server import Fault
from mailctl.edges.host import RealHost
from mailctl.errors import Undetermined
from mailctl.standards.dns import Record
from tests.commands.conftest import BEFORE, NAME, Mailctl, one_message

BAD_DOMAINS = [
    # what, the text, part of the reason
    ("newline", "shop.example\nrelayhost=evil.example", "\\n"),
    ("carriage return", "shop.example\r", ""),
    ("semicolon", "shop.example;id", ";"),
    ("command", "$(touch owned).example", "$"),
    ("backquotes", "`id`.example", "`"),
    ("template", "{{ 7*7 }}.example", "{"),
    ("leading dot", ".shop.example", "dot"),
    ("two dots", "shop..example", "empty label"),
    ("254 characters", ".".join(["a" * 49] * 5) + ".exam", "254"),
    ("label of 64", "a" * 64 + ".example", "64"),
    ("underscore", "_shop.example", "_"),
    ("public suffix", "co.uk", "public suffix"),
    ("top-level domain", "com", ""),
    ("blank", "shop example", ""),
    ("nothing", " ", ""),
    ("address", "192.0.2.1", "address"),
    ("mail address", "a@shop.example", "@"),
    ("NUL", "shop\x00.example", ""),
    ("slash", "../../etc/passwd.example", "/"),
    ("right to left", "shop\u202e.example", ""),
    ("no room", ".".join(["a" * 57] * 4) + ".example", "room"),
]
MAKING = [
    ["setup", "DOMAIN", "--no-host", "--yes"],
    ["dns", "plan", "DOMAIN"],
    ["dns", "apply", "DOMAIN", "--yes"],
    ["rehearse", "DOMAIN"],
    ["domain", "add", "DOMAIN"],
]
STORED = [
    ["dns", "export", "DOMAIN"],
    ["dns", "wait", "DOMAIN"],
    ["domain", "show", "DOMAIN"],
    ["domain", "remove", "DOMAIN", "--yes"],
    ["dkim", "list", "DOMAIN"],
    ["dkim", "rotate", "DOMAIN", "--no-host", "--yes"],
    ["dkim", "retire", "DOMAIN", "--yes"],
]
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount namespace")


def typed(words: list[str], domain: str) -> list[str]:
    return [domain if word == "DOMAIN" else word for word in words]


def test_the_names_are_as_long_as_they_say() -> None:
    names = {what: text for what, text, _ in BAD_DOMAINS}
    assert len(names["254 characters"]) == 254
    assert len(names["label of 64"].partition(".")[0]) == 64
    assert len(names["no room"]) < 253


@pytest.mark.parametrize(("what", "text", "reason"), BAD_DOMAINS, ids=[row[0] for row in BAD_DOMAINS])
def test_a_name_that_is_no_domain(ready: Mailctl, what: str, text: str, reason: str) -> None:
    before = ready.snapshot()
    for words in MAKING:
        told = ready.refused(*typed(words, text), code=2)
        assert reason in told
    if what in ("newline", "command", "leading dot"):
        for words in STORED:
            assert reason in ready.refused(*typed(words, text), code=2)
    assert ready.snapshot() == before
    assert not (ready.folder / "owned").exists()


@pytest.mark.parametrize("words", STORED, ids=" ".join)
def test_a_domain_that_was_never_set_up(ready: Mailctl, words: list[str]) -> None:
    before = ready.snapshot()
    assert "there is no domain absent.example" in ready.refused(*typed(words, "absent.example"), code=2)
    assert "did you mean shop.example?" in ready.refused(*typed(words, "shopp.example"), code=2)
    assert ready.snapshot() == before


WRONG_OPTIONS = [
    (["setup", NAME, "--no-host", "--yes", "--hostname", "mail\nshop"], "--hostname"),
    (["setup", NAME, "--no-host", "--yes", "--hostname", "localhost"], "single label"),
    (["setup", NAME, "--no-host", "--yes", "--ip", "192.0.2.300"], "192.0.2.300"),
    (["setup", NAME, "--no-host", "--yes", "--ip", "127.0.0.1"], "cannot reach the Internet"),
    (["setup", NAME, "--no-host", "--yes", "--tenant", "nobody"], "no tenant 'nobody'"),
    (["setup", NAME, "--no-host", "--yes", "--delegate"], "dkim.delegation_zone"),
    (["setup", NAME, "--no-host", "--yes", "--dns", "no-such-provider"], "no-such-provider"),
    (["setup", NAME, "--no-host", "--yes", "--dns", "../x"], "../x"),
    (["setup", "--yes"], "which domain"),
    (["dns", "export", NAME, "--format", "yaml"], "octodns"),
    (["dns", "apply", NAME, "--yes", "--dns", "manual"], "manual"),
    (["domain", "add", NAME], "is there already"),
]


@pytest.mark.parametrize(
    ("words", "reason"), WRONG_OPTIONS, ids=[" ".join(words) for words, _ in WRONG_OPTIONS]
)
def test_options_that_cannot_be(ready: Mailctl, words: list[str], reason: str) -> None:
    before = ready.snapshot()
    code = 4 if words[:2] == ["domain", "add"] else 2
    assert reason in ready.refused(*words, code=code)
    assert ready.snapshot() == before


# Settings -----------------------------------------------------------------------------------------------------------


def test_settings_of_the_wrong_types(ready: Mailctl) -> None:
    path = ready.folder / "bad.toml"
    path.write_text(
        'state_dir = 7\n[host]\nname = ["mail"]\nipv4 = ["192.0.2.300"]\nnmae = "x"\n[dns]\nttl = "soon"\n'
        "nameservers = [53]\npublisher = true\n[dkim]\noverlap_days = true\n[mystery]\nkey = 1\n"
    )
    path.chmod(0o600)
    before = ready.snapshot()
    ready.unset(
        "MAILCTL_HOST__NAME", "MAILCTL_HOST__IPV4", "MAILCTL_DNS__NAMESERVERS", "MAILCTL_DNS__PUBLISHER"
    )
    ready.unset("MAILCTL_STATE_DIR")
    told = ready.refused("--config", str(path), "setup", NAME, "--no-host", "--yes", code=2)
    for part in ("state_dir", "host.name", "host.ipv4", "host.nmae", "dns.ttl", "dns.nameservers", "dns.publisher",
                 "dkim.overlap_days", "mystery"):  # fmt: skip
        assert part in told
    assert "host.name" in told.partition("nmae")[2]  # the nearest known one
    assert ready.snapshot() == before


@pytest.mark.parametrize("text", ["[dns\n", "\x00", 'dns = "x"', "a = 1\na = 2\n"])
def test_a_settings_file_that_cannot_be_read(ready: Mailctl, text: str) -> None:
    path = ready.folder / "broken.toml"
    path.write_text(text)
    before = ready.snapshot()
    assert "broken.toml" in ready.refused("--config", str(path), "dns", "plan", NAME, code=2)
    assert ready.snapshot() == before


def test_a_settings_file_that_is_not_there(ready: Mailctl) -> None:
    assert "absent.toml" in ready.refused("--config", "absent.toml", "verify", code=2)


# Keys ---------------------------------------------------------------------------------------------------------------

USING_KEYS = [["rehearse", NAME], ["setup", NAME, "--no-host", "--yes"], ["dns", "apply", NAME, "--yes"]]


@pytest.fixture
def key(ready: Mailctl) -> Path:
    return next((ready.state / "keys" / NAME).glob("*-rsa.pem"))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_key_file_that_others_can_read(ready: Mailctl, key: Path, mode: int) -> None:
    key.chmod(mode)
    before = ready.snapshot()
    for words in USING_KEYS:
        told = ready.refused(*words, code=5)
        assert f"mode {mode:04o}" in told
        assert f"chmod 600 {key}" in told
    assert ready.snapshot() == before


def test_a_key_folder_that_others_can_write(ready: Mailctl, key: Path) -> None:
    key.parent.chmod(0o777)
    assert f"chmod 700 {key.parent}" in ready.refused(*USING_KEYS[0], code=5)


@pytest.mark.parametrize("content", [b"", b"garbage\x00\x1b[2J", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_key_file_that_holds_no_key(ready: Mailctl, key: Path, content: bytes) -> None:
    key.write_bytes(content)
    before = ready.snapshot()
    for words in USING_KEYS:
        assert str(key) in ready.refused(*words, code=5)
    assert ready.snapshot() == before


def test_a_key_file_that_is_gone(ready: Mailctl, key: Path) -> None:
    key.unlink()
    before = ready.snapshot()
    for words in USING_KEYS:
        assert str(key) in ready.refused(*words, code=5)
    assert ready.snapshot() == before


def test_a_key_file_that_is_a_link(ready: Mailctl, key: Path) -> None:
    moved = key.rename(ready.folder / "elsewhere.pem")
    key.symlink_to(moved)
    assert "symbolic link" in ready.refused(*USING_KEYS[0], code=5)


# DNS ----------------------------------------------------------------------------------------------------------------

ASKING = [
    ["setup", NAME, "--no-host", "--yes"],
    ["setup", NAME, "--no-host", "--check"],
    ["dns", "plan", NAME],
    ["dns", "apply", NAME, "--yes"],
    ["dns", "export", NAME],
    ["dns", "wait", NAME],
    ["dkim", "rotate", NAME, "--no-host", "--yes"],
    ["rehearse", NAME],
]
FAULTS = [Fault.SERVFAIL, Fault.REFUSED, Fault.GARBAGE, Fault.BOGUS]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_name_server_that_does_not_say_where_the_zone_is(ready: Mailctl, fault: Fault) -> None:
    ready.dns.server.faults[NAME, "SOA"] = fault
    before = ready.snapshot()
    for words in ASKING[: 1 if fault is Fault.GARBAGE else None]:  # what is garbled is waited for
        told = ready.refused(*words, code=3)
        assert f"{NAME} SOA" in told
        assert ready.dns.server.address in told
    assert ready.snapshot() == before


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault is not Fault.GARBAGE])
def test_a_name_server_that_does_not_say_what_is_there(bare: Mailctl, fault: Fault) -> None:
    """By hand, a plan starts from the authoritative servers: where they are silent on one record, all of it waits."""
    bare.set(MAILCTL_DNS__PUBLISHER="manual")
    bare.ok("tenant", "list")
    bare.dns.server.faults[f"_dmarc.{NAME}"] = fault
    before = bare.snapshot()
    for words in ASKING[:3]:
        assert f"_dmarc.{NAME} TXT" in bare.refused(*words, code=3)
    assert bare.snapshot() == before


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_says_unknown_and_never_missing(ready: Mailctl, fault: Fault) -> None:
    ready.dns.server.faults[f"_dmarc.{NAME}"] = fault
    before = ready.snapshot()
    done = ready.run("verify")
    assert done.returncode in (1, 3), done.stdout + done.stderr
    assert "unknown" in done.stdout
    assert "dmarc.missing" not in done.stdout
    assert "Traceback" not in done.stderr
    assert ready.snapshot() == before


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens, and nobody will."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_name_server_that_says_nothing(ready: Mailctl, nobody: str) -> None:
    ready.set(MAILCTL_DNS__NAMESERVERS=nobody)
    before = ready.snapshot()
    told = ready.refused("setup", NAME, "--no-host", "--yes", code=3)
    assert nobody in told
    assert ready.snapshot() == before


def test_a_server_that_takes_no_updates_of_ours(ready: Mailctl, nobody: str) -> None:
    ready.dns.server.records = BEFORE
    before = ready.snapshot()
    ready.set(MAILCTL_DNS__TSIG_SECRET="d3Jvbmctd3JvbmctLXdyb25nLXdyb25n")
    ready.refused("dns", "apply", NAME, "--yes", code=4)
    assert ready.snapshot() == before
    ready.unset("MAILCTL_DNS__TSIG_NAME")
    assert "dns.tsig_name" in ready.refused("dns", "apply", NAME, "--yes", code=2)
    ready.set(MAILCTL_DNS__TSIG_NAME="update.test", MAILCTL_DNS__SERVER="127.0.0.1:1")
    ready.refused("dns", "apply", NAME, "--yes", code=3)
    assert ready.snapshot() == before


def test_a_zone_that_cannot_be_planned(ready: Mailctl) -> None:
    twice = Record(NAME, "TXT", "v=spf1 mx -all")
    ready.dns.server.records = (*ready.dns.server.records, twice)
    before = ready.snapshot()
    for words in ASKING[:4]:
        assert "2 SPF records" in ready.refused(*words, code=4)
    assert ready.snapshot() == before


def test_the_zone_of_the_settings_is_another(ready: Mailctl) -> None:
    ready.set(MAILCTL_DNS__ZONE="other.example")
    before = ready.snapshot()
    for words in ASKING:
        assert "dns.zone" in ready.refused(*words, code=2)
    assert ready.snapshot() == before


# The machine --------------------------------------------------------------------------------------------------------


def in_namespace(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a shell script with mounts of its own; $MAILCTL is the program."""
    variables = {**os.environ, "MAILCTL": f"{shlex.quote(sys.executable)} -m mailctl"}
    return subprocess.run(
        ["unshare", "--mount", "sh", "-euc", script],
        env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_where_there_is_nobody_to_ask_every_question_says_so() -> None:
    nobody = NobodyToAsk(Undetermined("no name server to ask"))
    nobody.flush()
    for question in (
        nobody(NAME, "TXT"),
        nobody.ask_authoritative(NAME, NAME, "TXT"),
        nobody.zone_cut(NAME),
    ):
        with pytest.raises(Undetermined, match="no name server to ask"):
            asyncio.run(question)


@pytest.mark.root
@ROOT
def test_no_name_server_in_resolv_conf(ready: Mailctl) -> None:
    ready.unset("MAILCTL_DNS__NAMESERVERS")
    before = ready.snapshot()
    hide = "mount --bind /dev/null /etc/resolv.conf; "
    told = one_message(in_namespace(f"{hide} exec $MAILCTL setup {NAME} --no-host --yes"), 3)
    assert "no name server" in told
    assert "dns.nameservers" in told
    listed = in_namespace(f"{hide} exec $MAILCTL domain list")
    assert (listed.returncode, NAME in listed.stdout) == (0, True), listed.stderr
    assert ready.snapshot() == before


def host_files() -> dict[str, tuple[int, bytes]]:
    """Postfix and OpenDKIM as they are configured on this machine."""
    paths = [Path("/etc/opendkim.conf"), *Path("/etc/postfix").rglob("*"), *Path("/etc/opendkim").rglob("*")]
    return {str(path): (path.stat().st_mode, path.read_bytes()) for path in paths if path.is_file()}


@pytest.mark.root
@ROOT
def test_postfix_that_is_not_installed(ready: Mailctl) -> None:
    before, found = ready.snapshot(), host_files()
    programs = [path for path in map(RealHost().which, ("postconf", "postfix", "opendkim")) if path]
    hide = "".join(f"mount --bind /dev/null {os.path.realpath(path)}; " for path in programs)
    told = one_message(in_namespace(f"{hide} exec $MAILCTL setup {NAME} --yes"), 5)
    for part in ("postfix is not installed", "opendkim is not installed", "apt-get install"):
        assert part in told
    assert (ready.snapshot(), host_files()) == (before, found)


@pytest.mark.root
@ROOT
def test_somebody_who_is_not_root(ready: Mailctl) -> None:
    """A capability to read lets the test's Python be found; it gives no right to change anything."""
    for path in (ready.folder, *ready.folder.rglob("*")):
        os.chown(path, 65534, 65534)
    reachable = [path for path in ready.folder.parents if path.stat().st_uid == 0 and path != Path("/")]
    before, found = ready.snapshot(), host_files()
    drop = (
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all,+dac_read_search",
        "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
    )  # fmt: skip
    assert reachable
    told = one_message(ready.process("setup", NAME, "--yes", before=drop), 5)
    assert "only root" in told
    assert "as root" in told
    assert (ready.snapshot(), host_files()) == (before, found)
    done = ready.process("rehearse", NAME, before=drop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


FULL = """
mkdir -p {state}
mount -t tmpfs -o size=1m tmpfs {state}
{before}
dd if=/dev/zero of={state}/ballast bs=4096 2>/dev/null || true
code=0
$MAILCTL {words} || code=$?
rm {state}/ballast
mkdir -p {kept}
cp -a {state}/. {kept}
exit $code
"""


def on_a_full_disk(ready: Mailctl, words: str, before: str = "") -> "subprocess.CompletedProcess[str]":
    state, kept = ready.folder / "full", ready.folder / "kept"
    ready.set(MAILCTL_STATE_DIR=str(state))
    return in_namespace(FULL.format(state=state, kept=kept, words=words, before=before))


@pytest.mark.root
@ROOT
@pytest.mark.parametrize("words", [f"domain add {NAME}", f"setup {NAME} --no-host --yes", "tenant add shop"])
def test_a_full_disk_before_anything_is_there(bare: Mailctl, words: str) -> None:
    zone = bare.dns.server.records
    told = one_message(on_a_full_disk(bare, words), 5)
    assert "full" in told or "space" in told
    assert bare.dns.server.records == zone
    assert not list((bare.folder / "kept").glob("**/*.pem"))


@pytest.mark.root
@ROOT
@pytest.mark.parametrize(
    "words", ["domain add other.example", f"dkim rotate {NAME} --no-host --yes", "tenant add a"]
)
def test_a_disk_that_is_full_now(ready: Mailctl, words: str) -> None:
    before = ready.snapshot()
    told = one_message(on_a_full_disk(ready, words, f"cp -a {ready.state}/. {ready.folder}/full"), 5)
    assert "full" in told or "space" in told
    shutil.rmtree(ready.state)
    shutil.copytree(ready.folder / "kept", ready.state)
    assert ready.snapshot() == before
    ready.set(MAILCTL_STATE_DIR=str(ready.state))
    ready.ok("verify")


def test_a_state_folder_that_cannot_be_made(bare: Mailctl) -> None:
    (bare.folder / "file").write_text("")
    bare.set(MAILCTL_STATE_DIR=str(bare.folder / "file" / "state"))
    for words in (["setup", NAME, "--no-host", "--yes"], ["domain", "list"]):
        assert "file" in bare.refused(*words, code=5)


def test_a_database_that_is_none(ready: Mailctl) -> None:
    (ready.state / "mailctl.db").write_bytes(
        b"this is no database, but it is long enough to look like one" * 20
    )
    keys = list((ready.state / "keys").rglob("*.pem"))
    done = ready.run("setup", NAME, "--no-host", "--yes")
    assert done.returncode in (4, 5)
    one_message(done, done.returncode)
    assert list((ready.state / "keys").rglob("*.pem")) == keys


def test_one_real_process_says_it_likewise(ready: Mailctl) -> None:
    before = ready.snapshot()
    told = one_message(ready.process("setup", "shop.example\nrelayhost=evil", "--yes"), 2)
    assert "\\n" in told
    assert ready.snapshot() == before


CAUSED_BY_USERS = ("BadInput", "Refused", "HostCannot", "Undetermined", "ApplyFailed", "PublishError")


def test_every_error_says_what_to_do() -> None:
    root = Path(__file__).resolve().parents[2]
    silent = []
    for path in (*root.glob("mailctl/**/*.py"), *root.glob("commands/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in CAUSED_BY_USERS
            ):
                hints = [word for word in node.keywords if word.arg in ("hint", None)]
                silent += [] if hints else [f"{path.relative_to(root)}:{node.lineno}"]
    assert silent == []
