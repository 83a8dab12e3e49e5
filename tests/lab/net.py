"""Hosts and the wire between them, made of Linux namespaces: each with its own root, processes and network.

Promise: nothing has a global name (no `ip netns`, no fixed path), so any number of labs run side by side;
nothing outside a host's namespaces is changed; all of it is gone when the context ends, or when the test
process dies.

    with Network() as wire, Host(wire, "mail.sender.example", ("192.0.2.25/24",)) as host:
        host.write("/etc/motd", "hello")
        host.run(["ip", "address"]).stdout
"""

import contextlib
import ctypes
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

REPOSITORY = Path(__file__).resolve().parents[2]
INIT = Path(__file__).with_name("host_init.py")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CLONE_NEWNET = 0x40000000
# Folders that every host has for itself, empty, with their modes.
OWN_FOLDERS = {
    "/tmp": "1777",
    "/run": "0755",
    "/var/log": "0755",
    "/var/tmp": "1777",
    "/var/mail": "2775",
    "/var/spool/postfix": "0755",
    "/var/lib/postfix": "0755",
}


class LabError(Exception):
    """The laboratory itself could not be built, or a program in it failed."""


class Namespace:
    """A process that holds namespaces open; they end with it, and it ends with its standard input."""

    def __init__(self, unshare: Sequence[str], argv: Sequence[str]) -> None:
        command = ["unshare", *unshare, "--fork", "--kill-child=KILL", "--", *argv]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line.isdigit():
            _, problem = self._process.communicate()
            raise LabError(f"a namespace could not be made: {problem.strip()}")
        self.pid = int(line)

    def close(self) -> None:
        """End the process and, with it, all that runs inside."""
        with self._process as process:  # waits, and closes the pipes
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()  # --kill-child takes the inside along


class Network:
    """One Ethernet segment: a bridge in a network namespace of its own."""

    def __init__(self) -> None:
        keeper = "import os; print(os.getpid(), flush=True); os.read(0, 1)"
        self._namespace = Namespace(["--net"], [sys.executable, "-I", "-S", "-c", keeper])
        self._ports = 0
        self.configure("link add wire type bridge forward_delay 0\nlink set wire up\n")

    def configure(self, batch: str) -> None:
        """Run `ip` commands, one a line, on the bridge's side."""
        _ip_batch(self._namespace.pid, batch)

    def attach(self, pid: int, addresses: Sequence[str]) -> None:
        """Plug a host's namespace in as its eth0, with these addresses (CIDR)."""
        self._ports += 1
        port = f"port{self._ports}"
        # The hardware address follows from the first address, so that the next host with it is found at once:
        # neighbours would go on sending to the last one's for a while (RFC 826, RFC 4861 §7.3).
        hardware = "02:00:" + zlib.crc32(addresses[0].encode()).to_bytes(4, "big").hex(":")
        self.configure(
            f"link add {port} type veth peer name eth0 address {hardware} netns {pid}\n"
            f"link set {port} master wire up\n"
        )
        # nodad: an IPv6 address is otherwise tentative, and useless, for its first second (RFC 4862 §5.4).
        lines = [f"address add {item} dev eth0{' nodad' if ':' in item else ''}" for item in addresses]
        _ip_batch(pid, "\n".join(["link set lo up", "link set eth0 up", *lines, ""]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._namespace.close()


def _ip_batch(pid: int, batch: str) -> None:
    command = ["nsenter", "--target", str(pid), "--net", "--", "ip", "-batch", "-"]
    done = subprocess.run(command, input=batch, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"ip failed: {done.stderr.strip()}\n{batch}")


class Host:
    """A machine on the wire: an overlay of this machine's `/`, with its own /etc, /run, /dev, logs and spool.

    `name` is its fully qualified host name; `addresses` are CIDR texts; `nameserver` is for /etc/resolv.conf.
    """

    def __init__(
        self, network: Network, name: str, addresses: Sequence[str], *, nameserver: str | None = None
    ) -> None:
        self.name = name
        self.addresses = tuple(item.partition("/")[0] for item in addresses)
        self._base = tempfile.mkdtemp(prefix="mailctl-lab-")
        visible = [str(REPOSITORY), sys.prefix, sys.base_prefix]
        plan = {"name": name, "base": self._base, "own": OWN_FOLDERS, "visible": visible}
        flags = ["--mount", "--net", "--pid", "--uts", "--ipc", "--propagation", "private"]
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self._base, ignore_errors=True)
            self._namespace = Namespace(flags, [sys.executable, "-I", "-S", str(INIT), json.dumps(plan)])
            stack.callback(self._namespace.close)
            network.attach(self._namespace.pid, addresses)
            self._write_identity(nameserver)
            self._stack = stack.pop_all()

    def _write_identity(self, nameserver: str | None) -> None:
        short = self.name.partition(".")[0]
        own = [f"{address} {self.name} {short}" for address in self.addresses]
        self.write("/etc/hostname", self.name + "\n")
        self.write("/etc/mailname", self.name + "\n")
        self.write("/etc/hosts", "\n".join(["127.0.0.1 localhost", "::1 localhost ip6-localhost", *own, ""]))
        self.write("/etc/resolv.conf", f"nameserver {nameserver}\n" if nameserver else "")
        # What keeps services from being started on the machine that builds or tests must not hold in here.
        self.run(["rm", "-f", "/usr/sbin/policy-rc.d"])
        self.run(["chown", "postfix:", "/var/lib/postfix"], check=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill everything in the host and throw it away; a second time does nothing."""
        self._stack.close()

    def _enter(self, argv: Sequence[str]) -> list[str]:
        flags = ["--mount", "--net", "--pid", "--uts", "--ipc", "--root", "--wd"]
        return ["nsenter", "--target", str(self._namespace.pid), *flags, "--", *argv]

    @staticmethod
    def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
        return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"} | dict(extra or {})

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        input: str = "",  # noqa: A002 - subprocess's own name for it
        timeout: float = 60,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the host, as root; `LabError` with its output if it fails and `check` is on."""
        with subprocess.Popen(
            self._enter(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self._environment(env),
            start_new_session=True,
        ) as process:
            try:
                out, err = process.communicate(input, timeout)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if check and process.returncode:
            raise LabError(f"{self.name}: {' '.join(argv)} ended with {process.returncode}\n{out}{err}")
        return subprocess.CompletedProcess(list(argv), process.returncode, out, err)

    def spawn(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> "Service":
        """Start a program that stays in the foreground; it ends with the host at the latest."""
        return Service(self._enter(argv), self._environment(env))

    def write(self, path: str, text: str, *, mode: str = "0644", owner: str = "root:root") -> None:
        """Write a file in the host, its folders too; symbolic links mean what they mean in there."""
        user, _, group = owner.partition(":")
        command = ["install", "-D", "-m", mode, "-o", user, "-g", group or user, "/dev/stdin", path]
        self.run(command, input=text)

    def age(self, *paths: str) -> None:
        """Give files an old time of change: Postfix waits two seconds before it trusts a fresh main.cf."""
        self.run(["touch", "--date=2020-01-01", *paths])

    def read(self, path: str) -> str:
        """The text of a file in the host; "" if it is not there."""
        done = self.run(["cat", path], check=False)
        return done.stdout

    def mail_log(self) -> str:
        """What the host's programs told syslog's mail facility."""
        return self.read("/var/log/mail.log")

    def snapshot(self, *folders: str) -> dict[str, str]:
        """Each path below the folders with type, mode, owner, link target and hash: equal means untouched."""
        # NUL after each: a line feed may stand in a name, and sha256sum would escape a backslash.
        kinds = self.run(["find", *folders, "-printf", r"%p\t%y %m %u:%g %l\0"]).stdout.split("\0")[:-1]
        facts = dict(item.split("\t", 1) for item in kinds)
        hashing = ["find", *folders, "-type", "f", "-exec", "sha256sum", "--zero", "{}", "+"]
        for item in self.run(hashing).stdout.split("\0")[:-1]:
            digest, path = item.split("  ", 1)
            facts[path] = f"{facts[path]} {digest}"
        return facts

    def connect(self, address: str, port: int = 25, timeout: float = 10) -> socket.socket:
        """A TCP connection from this host: made on its network, used by the test."""
        return _in_network(self._namespace.pid, lambda: socket.create_connection((address, port), timeout))

    def listening(self, port: int, address: str = "127.0.0.1") -> bool:
        """Does something accept connections there?"""
        try:
            self.connect(address, port, 1).close()
        except OSError:
            return False
        return True


class Service:
    """A program in a host that runs until it is stopped; its output is kept for the error message."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        self._output.seek(0)
        return self._output.read()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after five seconds, to the program and its children."""
        if self.running:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(5)
        self._output.close()


def _in_network(pid: int, connect: Callable[[], socket.socket]) -> socket.socket:
    """Run `connect` in a thread that entered the process's network; a socket stays where it was made."""
    results: queue.SimpleQueue[socket.socket | OSError] = queue.SimpleQueue()

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            with open(f"/proc/{pid}/ns/net", "rb") as handle:
                if libc.setns(handle.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            results.put(connect())
        except OSError as problem:
            results.put(problem)

    thread = threading.Thread(target=enter)  # only this thread moves, and it ends here
    thread.start()
    thread.join()
    result = results.get_nowait()
    if isinstance(result, OSError):
        raise result
    return result


def wait_until(what: str, condition: Callable[[], object], seconds: float = 10) -> None:
    """Ask every 20 ms until the condition is true; `LabError` naming what did not happen otherwise."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(f"after {seconds:g} s: {what}")
        time.sleep(0.02)
