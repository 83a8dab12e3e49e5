"""Postfix and OpenDKIM as processes: are they up, and start, reload, restart, stop them.

Promise: works with systemd and without (containers); a service counts as up only when it accepts connections;
every failure is a `ServiceError` that tells what the program said.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mailctl.edges.host import Completed, Host
from mailctl.errors import HostCannot

PATIENCE = 15.0  # seconds until a service must be up, or gone
_STEP = 0.05
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp, proc(5)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: Postfix's and OpenDKIM's configuration, mailctl's state, and the injection port."""

    postfix: Path = Path("/etc/postfix")
    opendkim: Path = Path("/etc/opendkim")
    state: Path = Path("/var/lib/mailctl")
    injection_port: int = 10587

    @property
    def main_cf(self) -> Path:
        return self.postfix / "main.cf"

    @property
    def master_cf(self) -> Path:
        return self.postfix / "master.cf"

    @property
    def opendkim_conf(self) -> Path:
        """What Debian's service reads: /etc/opendkim.conf beside /etc/opendkim."""
        return self.opendkim.with_name(f"{self.opendkim.name}.conf")


@dataclass(frozen=True, slots=True)
class Daemon:
    """One OpenDKIM process: it signs with one algorithm (opendkim.conf(5), SignatureAlgorithm)."""

    name: str  # of the systemd unit
    algorithm: str  # as DKIM keys name it
    signature: str  # as OpenDKIM names it
    port: int

    @property
    def pid_file(self) -> Path:
        """Where Debian's unit expects that of "opendkim"."""
        return Path(f"/run/opendkim/{self.name}.pid")


DAEMONS = (
    Daemon("opendkim", "rsa", "rsa-sha256", 8891),
    Daemon("opendkim-ed25519", "ed25519", "ed25519-sha256", 8892),
)


class ServiceError(Exception):
    """A service did not do as told."""


def config_of(daemon: Daemon, layout: Layout) -> Path:
    """The daemon's opendkim.conf(5)."""
    return layout.opendkim_conf if daemon is DAEMONS[0] else layout.opendkim / f"{daemon.algorithm}.conf"


def listening(host: Host, port: int) -> bool:
    """Whether something on this host accepts connections at a TCP port."""
    node = host.read(Path("/proc/net/tcp"))
    rows = (line.split() for line in (node.content.decode().splitlines()[1:] if node else ()))
    return any(int(row[1].rpartition(":")[2], 16) == port and row[3] == _LISTEN for row in rows)


def postfix_running(host: Host, layout: Layout) -> bool:
    """Whether the Postfix of this configuration directory has its master process.

    By `master -t` (master(8)), as Debian's init script does: `postfix status` writes to the mail log each time.
    """
    folder = str(layout.postfix)
    found = host.run(["postconf", "-c", folder, "-hx", "daemon_directory", "queue_directory"])
    if found.code:
        return False
    daemons, queue = (Path(line) for line in found.stdout.splitlines()[:2])
    if "master.pid" not in host.names(queue / "pid"):
        return False
    return host.run([str(daemons / "master"), "-c", folder, "-t"]).code == 1  # the lock is taken


def opendkim_pid(host: Host, daemon: Daemon) -> int | None:
    """The daemon's process, if its PID file names one that is an opendkim."""
    try:
        node = host.read(daemon.pid_file)
    except HostCannot:  # its folder is opendkim's alone: only root can tell whether it runs
        return None
    text = node.content.decode("ascii", "replace").strip() if node else ""
    if not text.isdecimal():
        return None
    comm = host.read(Path(f"/proc/{text}/comm"))
    return int(text) if comm and comm.content.strip() == b"opendkim" else None


def opendkim_running(host: Host, daemon: Daemon) -> bool:
    """Whether the daemon is there."""
    return opendkim_pid(host, daemon) is not None


def reload_postfix(host: Host, layout: Layout, *, systemd: bool, restart: bool = False) -> None:
    """Have Postfix take its configuration, starting it if it is down; wait until mail can be injected."""
    running = postfix_running(host, layout)
    if running and restart:
        stop_postfix(host, layout, systemd=systemd)
        running = False
    if systemd:
        _run(host, ["systemctl", "reload" if running else "start", "postfix"])
    elif running:
        _run(host, ["postfix", "-c", str(layout.postfix), "reload"])
    else:
        # Debian keeps copies of resolv.conf and others in the chroot; systemd and init scripts call this too.
        helper = "/usr/lib/postfix/configure-instance.sh"
        if host.read(Path(helper)) is not None:
            _run(host, [helper, "-"])
        _run(host, ["postfix", "-c", str(layout.postfix), "start"])


def check_postfix(host: Host, layout: Layout) -> None:
    """Wait until Postfix is up and its injection port answers. A taken port makes its master process end."""
    _wait(host, "Postfix did not stay up (its log tells why)", lambda: postfix_running(host, layout))
    port = layout.injection_port
    _wait(host, f"Postfix does not listen at 127.0.0.1:{port}", lambda: listening(host, port))
    if not postfix_running(host, layout):
        raise ServiceError(f"Postfix ended: is port {port} or 25 in use by another program?")


def stop_postfix(host: Host, layout: Layout, *, systemd: bool) -> None:
    """Stop Postfix; fine if it is down."""
    if not postfix_running(host, layout):
        return
    _run(
        host, ["systemctl", "stop", "postfix"] if systemd else ["postfix", "-c", str(layout.postfix), "stop"]
    )
    _wait(host, "Postfix did not stop", lambda: not postfix_running(host, layout))


def start_opendkim(host: Host, daemon: Daemon, layout: Layout, *, systemd: bool) -> None:
    """Start a daemon, or start it anew if it is up; it then reads its configuration and binds its port."""
    stop_opendkim(host, daemon, systemd=systemd)
    if systemd:
        _run(host, ["systemctl", "start", daemon.name])
        return
    folder = host.read(daemon.pid_file.parent)
    if folder is None:  # /run is empty after a boot, and nobody ran systemd-tmpfiles
        _run(host, ["install", "-d", "-o", "opendkim", "-g", "opendkim", "-m", "0750", "/run/opendkim"])
    _run(host, ["opendkim", "-x", str(config_of(daemon, layout))])


def reload_opendkim(host: Host, daemon: Daemon) -> None:
    """Have a running daemon read its tables and keys anew (SIGUSR1, opendkim(8)); no message is refused."""
    pid = opendkim_pid(host, daemon)
    if pid is None or not host.signal(pid, signal.SIGUSR1):
        raise ServiceError(f"{daemon.name} is not running")


def check_opendkim(host: Host, daemon: Daemon) -> None:
    """Wait until the daemon is up and its port answers."""
    _wait(host, f"{daemon.name} did not start (its log tells why)", lambda: opendkim_running(host, daemon))
    _wait(
        host,
        f"{daemon.name} does not listen at 127.0.0.1:{daemon.port}",
        lambda: listening(host, daemon.port),
    )


def stop_opendkim(host: Host, daemon: Daemon, *, systemd: bool) -> None:
    """Stop a daemon; fine if it is down."""
    pid = opendkim_pid(host, daemon)
    if pid is None:
        return
    if systemd:
        _run(host, ["systemctl", "stop", daemon.name])
    else:
        host.signal(pid, signal.SIGTERM)

    def gone() -> bool:
        # libmilter looks for the signal when somebody connects, and else every five seconds (MI_CHK_TIME).
        host.knock(daemon.port)
        return opendkim_pid(host, daemon) != pid

    _wait(host, f"{daemon.name} did not stop", gone)


def _run(host: Host, argv: list[str]) -> Completed:
    done = host.run(argv)
    if done.code:
        raise ServiceError(f"{' '.join(argv)}: {done.problem}")
    return done


def _wait(host: Host, otherwise: str, condition: Callable[[], bool]) -> None:
    for _ in range(round(PATIENCE / _STEP)):
        if condition():
            return
        host.pause(_STEP)
    raise ServiceError(otherwise)
