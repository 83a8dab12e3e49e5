"""The machine that mailctl runs on: files with owner and mode, programs, accounts, addresses, one lock.

Promise: a file is replaced whole or not at all, and is on the disk when `write` returns; a symbolic link is
never followed at the last step of a path; a program is run without a shell, with a fixed environment, and its
exit code is a value; nothing here decides anything. `MemoryHost` keeps the same promises in memory.
"""

import contextlib
import fcntl
import grp
import json
import os
import platform
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from mailctl.errors import HostCannot, Refused
from mailctl.standards.dns import Address

# What programs get: where Debian keeps them, messages in English, and nothing of the caller's.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}
NOT_FOUND, TIMED_OUT = 127, 124  # as a shell and timeout(1) report them
_BUSY = "another mailctl is changing this host"
_WAIT = "Wait until it has ended, then try again."


@dataclass(frozen=True, slots=True)
class Node:
    """What stands at a path. `content`: a file's bytes, or a link's target; `mode`: the permission bits."""

    owner: str
    group: str
    mode: int
    content: bytes = field(default=b"", repr=False)
    kind: Literal["file", "directory", "link", "other"] = "file"


class Completed(NamedTuple):
    """How a program ended, and what it said."""

    code: int
    stdout: str = ""
    stderr: str = ""

    @property
    def problem(self) -> str:
        """What it complained about, for an error message."""
        return self.stderr.strip() or self.stdout.strip() or f"exit code {self.code}"


class Account(NamedTuple):
    """A system account's numbers."""

    uid: int
    gid: int


class Host(Protocol):
    """The seam. Changes raise OSError as the system does (a full disk, a missing folder)."""

    def read(self, path: Path) -> Node | None: ...
    def names(self, folder: Path) -> tuple[str, ...]: ...
    def write(self, path: Path, node: Node) -> None: ...
    def rename(self, source: Path, target: Path) -> None: ...
    def remove(self, path: Path) -> None: ...
    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60) -> Completed: ...
    def which(self, program: str) -> str | None: ...
    def signal(self, pid: int, number: int) -> bool: ...
    def knock(self, port: int) -> bool: ...
    def account(self, name: str) -> Account | None: ...
    def effective_uid(self) -> int: ...
    def name(self) -> str: ...
    def addresses(self) -> tuple[Address, ...]: ...
    def os_release(self) -> Mapping[str, str]: ...
    def lock(self, path: Path) -> AbstractContextManager[None]: ...
    def pause(self, seconds: float) -> None: ...


class RealHost:
    """This machine."""

    def read(self, path: Path) -> Node | None:
        """The node at `path`, or None where there is none; HostCannot without the right to see it."""
        try:
            found = path.lstat()
            owner, group, mode = _user(found.st_uid), _group(found.st_gid), stat.S_IMODE(found.st_mode)
            if stat.S_ISREG(found.st_mode):
                return Node(owner, group, mode, path.read_bytes())
            if stat.S_ISLNK(found.st_mode):
                return Node(owner, group, mode, os.fsencode(path.readlink()), "link")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError as problem:
            raise HostCannot(f"{path} cannot be read", hint="Run this as root (sudo).") from problem
        return Node(owner, group, mode, kind="directory" if stat.S_ISDIR(found.st_mode) else "other")

    def names(self, folder: Path) -> tuple[str, ...]:
        """The names in a folder, sorted; none where there is no folder."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return tuple(sorted(item.name for item in folder.iterdir()))
        return ()

    def write(self, path: Path, node: Node) -> None:
        """Put a file, folder or link there, atomically, and onto the disk."""
        if node.kind == "directory":
            _make_directory(path, node)
        elif node.kind == "file":
            _replace(path, node)
        else:
            raise ValueError(f"cannot write a {node.kind}")
        _sync_folder(path.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Move a file over another, atomically, and onto the disk."""
        source.replace(target)
        _sync_folder(target.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or an empty folder; fine if there is none."""
        try:
            if stat.S_ISDIR(path.lstat().st_mode):
                path.rmdir()
            else:
                path.unlink()
        except FileNotFoundError:
            return
        _sync_folder(path.parent)

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60) -> Completed:
        """Run a program to its end. Daemons that it leaves behind hold no pipe of ours."""
        with _memory_file("in") as source, _memory_file("out") as out, _memory_file("err") as err:
            os.write(source, stdin)
            os.lseek(source, 0, os.SEEK_SET)
            try:
                done = subprocess.run(
                    list(argv),
                    stdin=source,
                    stdout=out,
                    stderr=err,
                    cwd="/",
                    env=ENVIRONMENT,
                    timeout=timeout,
                )
            except (FileNotFoundError, PermissionError) as problem:
                return Completed(NOT_FOUND, "", f"{argv[0]}: {problem.strerror}")
            except subprocess.TimeoutExpired:
                problem_text = f"{argv[0]}: no end after {timeout:g} s\n{_text(err)}"
                return Completed(TIMED_OUT, _text(out), problem_text)
            return Completed(done.returncode, _text(out), _text(err))

    def which(self, program: str) -> str | None:
        """Where a program is, on the PATH that `run` uses."""
        return shutil.which(program, path=ENVIRONMENT["PATH"])

    def signal(self, pid: int, number: int) -> bool:
        """Send a signal; False if there is no such process."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def knock(self, port: int) -> bool:
        """Connect to a TCP port of this host and hang up; whether somebody was there."""
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    def account(self, name: str) -> Account | None:
        """A system account, or None."""
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return None
        return Account(entry.pw_uid, entry.pw_gid)

    def effective_uid(self) -> int:
        """0 for root."""
        return os.geteuid()

    def name(self) -> str:
        """The host's name as it knows it, fully qualified if it can be; lower case, no final dot."""
        return socket.getfqdn().lower().rstrip(".")

    def addresses(self) -> tuple[Address, ...]:
        """Every address of every interface that is up; HostCannot where iproute2 is missing."""
        done = self.run(["ip", "-json", "address", "show", "up"])
        if done.code:
            raise HostCannot(
                "the addresses of this host cannot be read",
                hint="apt-get install iproute2",
                details=[done.problem],
            )
        links = json.loads(done.stdout or "[]")
        return tuple(ip_address(item["local"]) for link in links for item in link.get("addr_info", ()))

    def os_release(self) -> Mapping[str, str]:
        """os-release(5); empty where there is none."""
        try:
            return platform.freedesktop_os_release()
        except OSError:
            return {}

    @contextlib.contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """Hold a lock file; Refused while another process does. It ends with the process at the latest."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise Refused(_BUSY, hint=_WAIT) from problem
            yield
        finally:
            os.close(handle)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


@contextlib.contextmanager
def _memory_file(name: str) -> Iterator[int]:
    """A file in memory: a daemon may keep it open, and a full disk does not matter."""
    handle = os.memfd_create(name)
    try:
        yield handle
    finally:
        os.close(handle)


def _text(handle: int) -> str:
    return os.pread(handle, os.fstat(handle).st_size, 0).decode("utf-8", "replace")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _numbers(node: Node) -> tuple[int, int]:
    """The node's owner and group as numbers; OSError (as chown would) for a name that is not known."""
    try:
        uid = int(node.owner) if node.owner.isdecimal() else pwd.getpwnam(node.owner).pw_uid
        gid = int(node.group) if node.group.isdecimal() else grp.getgrnam(node.group).gr_gid
    except KeyError as problem:
        raise OSError(f"there is no account {node.owner}:{node.group} on this host") from problem
    return uid, gid


def _make_directory(path: Path, node: Node) -> None:
    numbers = _numbers(node)
    with contextlib.suppress(FileExistsError):
        path.mkdir(0o700)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(handle, *numbers)
        os.fchmod(handle, node.mode)
    finally:
        os.close(handle)


def _replace(path: Path, node: Node) -> None:
    numbers = _numbers(node)
    fresh = path.with_name(f".{path.name}.mailctl-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(node.content)
            os.fchown(handle, *numbers)  # before the mode: chown clears set-id bits
            os.fchmod(handle, node.mode)
            stream.flush()
            os.fsync(handle)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Make names durable: a rename is only on the disk when its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


Program = Callable[["MemoryHost", Sequence[str], bytes], Completed]


class Process(NamedTuple):
    """A process in memory, and the TCP ports at which it listens."""

    comm: str
    ports: tuple[int, ...] = ()


class MemoryHost:
    """A host in memory. `programs` are what `run` and `which` find; `fault` is asked before every change.

    `processes` are to be seen in /proc, as on Linux.

    A fault raises what the system would (OSError for a full disk), or anything else to stop the caller dead.
    """

    def __init__(
        self,
        nodes: Mapping[Path, Node] | None = None,
        *,
        programs: Mapping[str, Program] | None = None,
        accounts: Mapping[str, Account] | None = None,
        addresses: Sequence[str] = ("127.0.0.1", "::1", "192.0.2.25"),
        name: str = "mail.sender.example",
        uid: int = 0,
    ) -> None:
        self.nodes = {Path("/"): Node("root", "root", 0o755, kind="directory"), **(nodes or {})}
        self.programs = dict(programs or {})
        self.accounts = dict(accounts or {"root": Account(0, 0), "mail": Account(8, 8)})
        self.calls: list[tuple[str, ...]] = []
        self.processes: dict[int, Process] = {}
        self.fault: Callable[[str], None] = lambda _change: None
        self._addresses, self._name, self._uid = addresses, name, uid
        self._locked: set[Path] = set()

    def add(
        self, path: str | Path, content: str | bytes = b"", mode: int = 0o644, user: str = "root"
    ) -> None:
        """Put a file there, with the folders above it."""
        data = content.encode() if isinstance(content, str) else content
        for folder in Path(path).parents:
            self.nodes.setdefault(folder, Node("root", "root", 0o755, kind="directory"))
        self.nodes[Path(path)] = Node(user, user, mode, data)

    def read(self, path: Path) -> Node | None:
        """As on a real host; of /proc there is PID/comm and net/tcp."""
        if path.parts[:2] != ("/", "proc"):
            return self.nodes.get(path)
        if path == Path("/proc/net/tcp"):
            ports = [port for process in self.processes.values() for port in process.ports]
            rows = [f"{n}: 0100007F:{port:04X} 00000000:0000 0A" for n, port in enumerate(ports)]
            return Node("root", "root", 0o444, "\n".join(["sl local rem st", *rows, ""]).encode())
        found = self.processes.get(int(path.parts[2]))
        return Node("root", "root", 0o444, f"{found.comm}\n".encode()) if found else None

    def names(self, folder: Path) -> tuple[str, ...]:
        """As on a real host."""
        return tuple(sorted(path.name for path in self.nodes if path.parent == folder and path != folder))

    def write(self, path: Path, node: Node) -> None:
        """As on a real host."""
        self.fault(f"write {path}")
        parent = self.nodes.get(path.parent)
        if parent is None or parent.kind != "directory":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        self.nodes[path] = node

    def rename(self, source: Path, target: Path) -> None:
        """As on a real host."""
        self.fault(f"rename {target}")
        self.nodes[target] = self.nodes.pop(source)

    def remove(self, path: Path) -> None:
        """As on a real host."""
        self.fault(f"remove {path}")
        if self.names(path):
            raise OSError(39, "Directory not empty", str(path))
        self.nodes.pop(path, None)

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60) -> Completed:  # noqa: ARG002
        """Call the program of that name."""
        self.fault(f"run {' '.join(argv)}")
        self.calls.append(tuple(argv))
        program = self.programs.get(Path(argv[0]).name)
        if program is None:
            return Completed(NOT_FOUND, "", f"{argv[0]}: No such file or directory")
        return program(self, argv, stdin)

    def which(self, program: str) -> str | None:
        """As on a real host."""
        return f"/usr/sbin/{program}" if program in self.programs else None

    def signal(self, pid: int, number: int) -> bool:
        """As on a real host: SIGTERM and SIGKILL end the process."""
        self.fault(f"signal {pid}")
        self.calls.append(("signal", str(pid), str(number)))
        present = pid in self.processes
        if number in (signal.SIGTERM, signal.SIGKILL):
            self.processes.pop(pid, None)
        return present

    def knock(self, port: int) -> bool:
        """As on a real host."""
        return any(port in process.ports for process in self.processes.values())

    def account(self, name: str) -> Account | None:
        """As on a real host."""
        return self.accounts.get(name)

    def effective_uid(self) -> int:
        """As on a real host."""
        return self._uid

    def name(self) -> str:
        """As on a real host."""
        return self._name

    def addresses(self) -> tuple[Address, ...]:
        """As on a real host."""
        return tuple(ip_address(item) for item in self._addresses)

    def os_release(self) -> Mapping[str, str]:
        """A Debian 12."""
        return {"ID": "debian", "VERSION_ID": "12", "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)"}

    @contextlib.contextmanager
    def lock(self, path: Path) -> Iterator[None]:
        """As on a real host."""
        if path in self._locked:
            raise Refused(_BUSY, hint=_WAIT)
        self._locked.add(path)
        try:
            yield
        finally:
            self._locked.discard(path)

    def pause(self, seconds: float) -> None:
        """No time passes here."""
