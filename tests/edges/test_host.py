"""The machine's edge: the same promises by the real host (in a folder of its own) and by its twin in memory."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailctl.edges.host import Completed, Host, MemoryHost, Node, RealHost
from mailctl.errors import HostCannot, Refused

ME = RealHost().read(Path("/proc/self/comm"))
OWNER, GROUP = (ME.owner, ME.group) if ME else ("root", "root")
FOLDER = Node(OWNER, GROUP, 0o750, kind="directory")


@pytest.fixture(params=["real", "memory"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    if request.param == "real":
        return RealHost()
    twin = MemoryHost(programs={"true": lambda *_: Completed(0), "false": lambda *_: Completed(1, "", "no")})
    twin.add(tmp_path / ".there")
    twin.remove(tmp_path / ".there")
    return twin


def file(text: str, mode: int = 0o640) -> Node:
    return Node(OWNER, GROUP, mode, text.encode())


def test_what_is_written_is_read_with_owner_and_mode(host: Host, tmp_path: Path) -> None:
    host.write(tmp_path / "a", file("one", 0o600))
    assert host.read(tmp_path / "a") == file("one", 0o600)
    host.write(tmp_path / "a", file("two", 0o644))
    assert host.read(tmp_path / "a") == file("two", 0o644)
    assert host.names(tmp_path) == ("a",)


def test_nothing_is_none(host: Host, tmp_path: Path) -> None:
    assert host.read(tmp_path / "none") is None
    assert host.read(tmp_path / "none" / "deeper") is None
    assert host.names(tmp_path / "none") == ()
    host.remove(tmp_path / "none")


def test_folders(host: Host, tmp_path: Path) -> None:
    host.write(tmp_path / "d", FOLDER)
    assert host.read(tmp_path / "d") == FOLDER
    host.write(tmp_path / "d", Node(OWNER, GROUP, 0o700, kind="directory"))
    assert host.read(tmp_path / "d") == Node(OWNER, GROUP, 0o700, kind="directory")
    host.write(tmp_path / "d" / "f", file("x"))
    with pytest.raises(OSError, match="not empty"):
        host.remove(tmp_path / "d")
    host.remove(tmp_path / "d" / "f")
    host.remove(tmp_path / "d")
    assert host.read(tmp_path / "d") is None


def test_rename_replaces(host: Host, tmp_path: Path) -> None:
    host.write(tmp_path / "new", file("new"))
    host.write(tmp_path / "old", file("old"))
    host.rename(tmp_path / "new", tmp_path / "old")
    assert host.names(tmp_path) == ("old",)
    assert host.read(tmp_path / "old") == file("new")


def test_a_file_in_no_folder_is_an_error(host: Host, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        host.write(tmp_path / "none" / "f", file("x"))


def test_exit_codes_are_values(host: Host) -> None:
    assert host.run(["true"]).code == 0
    assert host.run(["false"]).code == 1
    assert host.run(["no-such-program-of-ours"]).code == 127
    assert host.which("true") is not None
    assert host.which("no-such-program-of-ours") is None


def test_the_lock_is_for_one(host: Host, tmp_path: Path) -> None:
    with host.lock(tmp_path / "lock"):
        second = host.lock(tmp_path / "lock")
        with pytest.raises(Refused, match="another mailctl"):
            second.__enter__()
    with host.lock(tmp_path / "lock"):
        assert host.names(tmp_path) in ((), ("lock",))


def test_a_process_that_is_not_there_takes_no_signal(host: Host) -> None:
    assert host.signal(2**22 - 1, signal.SIGTERM) is False


def test_nobody_is_at_a_port_that_is_free(host: Host) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can have it
        assert host.knock(taken.getsockname()[1]) is False


def test_a_listener_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert RealHost().knock(server.getsockname()[1])


def test_accounts(host: Host) -> None:
    assert host.account("root") == (0, 0)
    assert host.account("no-such-account-of-ours") is None


def test_a_host_knows_itself(host: Host) -> None:
    assert host.name()
    assert host.os_release()["ID"]
    assert "127.0.0.1" in map(str, host.addresses())


def test_the_answer_of_a_program_and_what_it_is_given() -> None:
    done = RealHost().run(["cat"], stdin=b"hello\n")
    assert (done.code, done.stdout) == (0, "hello\n")
    assert Completed(3, "out", "err").problem == "err"
    assert Completed(3).problem == "exit code 3"


def test_a_program_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_CONFIG", "/somewhere/else")
    seen = RealHost().run(["env"]).stdout
    assert "MAIL_CONFIG" not in seen
    assert "LC_ALL=C.UTF-8" in seen


def test_a_program_without_end_is_ended() -> None:
    done = RealHost().run(["sleep", "60"], timeout=0.2)
    assert done.code == 124
    assert "0.2 s" in done.stderr


def test_a_daemon_that_is_left_behind_is_not_waited_for() -> None:
    before = time.monotonic()
    code = (
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(3); os._exit(0)\nprint('started')"
    )
    done = RealHost().run([sys.executable, "-c", code])
    assert done.stdout == "started\n"
    assert time.monotonic() - before < 2.5


def test_words_are_not_a_shells(tmp_path: Path) -> None:
    done = RealHost().run(["echo", f"$(touch {tmp_path}/x); `id`"])
    assert done.stdout == f"$(touch {tmp_path}/x); `id`\n"
    assert not (tmp_path / "x").exists()


def test_a_link_is_described_and_replaced_never_followed(tmp_path: Path) -> None:
    host = RealHost()
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to("target")
    seen = host.read(tmp_path / "link")
    assert seen is not None
    assert (seen.kind, seen.content) == ("link", b"target")
    host.write(tmp_path / "link", file("new"))
    assert (tmp_path / "target").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()
    (tmp_path / "folder").symlink_to(tmp_path)
    with pytest.raises(OSError, match=r"directory|links"):
        host.write(tmp_path / "folder", FOLDER)


def test_other_things_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    seen = RealHost().read(tmp_path / "pipe")
    assert seen is not None
    assert seen.kind == "other"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    host = RealHost()
    host.write(tmp_path / "f", file("old"))
    with pytest.raises(OSError, match="no account"):
        host.write(tmp_path / "f", Node("no-such-account-of-ours", GROUP, 0o600, b"new"))
    assert host.read(tmp_path / "f") == file("old")
    assert host.names(tmp_path) == ("f",)


def test_a_secret_is_never_readable_by_others_while_it_is_written(tmp_path: Path) -> None:
    RealHost().write(tmp_path / "f", file("x", 0o600))
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o600


def test_the_lock_holds_between_processes(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom mailctl.edges.host import RealHost\n"
        "with RealHost().lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Refused), RealHost().lock(tmp_path / "lock"):
            pytest.fail("two have the lock")
        other.kill()
        other.communicate()
    with RealHost().lock(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()


def test_what_one_may_not_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").touch(0o000)
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)  # nobody
    try:
        with pytest.raises(HostCannot, match="cannot be read"):
            RealHost().read(tmp_path / "f")
    finally:
        if as_root:
            os.seteuid(0)
