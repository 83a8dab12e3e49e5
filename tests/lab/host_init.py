"""Process 1 of a lab host: makes the host's root, is its syslog daemon, and takes the host down with it.

`unshare` starts this file in new mount, network, process, host-name and IPC namespaces. It lays an overlay
over the machine's `/` (changes land in a tmpfs, so the machine's own files are never touched), enters it,
prints its process id as the machine sees it, and then writes what comes to /dev/log into /var/log/mail.log
and /var/log/syslog. When its standard input closes (the test is over, or was killed) it ends; the kernel then
kills everything that runs in the host, and mounts and network go with the namespaces. Only the standard
library.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MAIL_FACILITY = 2  # RFC 5424 §6.2.1
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def mount_tmpfs(folder: Path, mode: str) -> None:
    """A folder of the host's own, empty, where the machine's must not shine through."""
    folder.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", f"mode={mode}", "tmpfs", str(folder))


def build_root(base: Path, own: dict[str, str], visible: list[str]) -> Path:
    """Mount the overlay and what belongs inside it; the new root."""
    mount_tmpfs(base, "0755")
    root, upper, work = base / "root", base / "upper", base / "work"
    for folder in (root, upper, work):
        folder.mkdir(mode=0o755)
    mount("-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay", str(root))
    mount("-t", "proc", "proc", str(root / "proc"))
    build_devices(root / "dev")
    for folder_name, mode in own.items():
        mount_tmpfs(root / folder_name.lstrip("/"), mode)
    # A copy: what somebody installs on the machine during a test must not show up in the host's settings.
    mount_tmpfs(root / "etc", "0755")
    subprocess.run(["cp", "--archive", "/etc/.", str(root / "etc")], check=True)
    for path in visible:
        inside = root / path.lstrip("/")
        if not inside.exists():  # it lies on another mount than `/`, or below one of the host's own folders
            inside.mkdir(parents=True)
            mount("--rbind", path, str(inside))
            mount("-o", "remount,bind,ro", str(inside))
    return root


def build_devices(folder: Path) -> None:
    """A /dev of the host's own, so that /dev/log is the host's too."""
    mount_tmpfs(folder, "0755")
    for name in DEVICES:
        (folder / name).touch()
        mount("--bind", f"/dev/{name}", str(folder / name))
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        (folder / name).symlink_to(f"/proc/self/fd{target}")
    mount_tmpfs(folder / "shm", "1777")
    (folder / "pts").mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", str(folder / "pts"))
    (folder / "ptmx").symlink_to("pts/ptmx")


def open_log() -> socket.socket:
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    return log


def write_line(datagram: bytes, host: str) -> None:
    """Append one syslog message, as rsyslog's traditional format has it: time, host, tag, text."""
    head, _, text = datagram.rstrip(b"\n\0").decode("utf-8", "replace").partition(">")
    priority = int(head[1:]) if head[1:].isdigit() else 0
    stamp, rest = time.strftime("%b %e %H:%M:%S"), text[16:]  # the sender's own stamp has 15 characters
    name = "mail.log" if priority >> 3 == MAIL_FACILITY else "syslog"
    with Path("/var/log", name).open("a", encoding="utf-8") as log:
        log.write(f"{stamp} {host} {rest}\n")


def serve(log: socket.socket, host: str) -> None:
    """Copy messages to the logs until standard input ends."""
    selector = selectors.DefaultSelector()
    selector.register(log, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while True:
        ready = [key.fileobj for key, _ in selector.select()]
        if log in ready:
            write_line(log.recv(65536), host)
        if 0 in ready and not os.read(0, 4096):
            return


def main(plan: dict[str, Any]) -> None:
    outer_id = os.readlink("/proc/self")  # still the machine's /proc, so the machine's number
    socket.sethostname(plan["name"])
    root = build_root(Path(plan["base"]), plan["own"], plan["visible"])
    os.chroot(root)
    os.chdir("/")
    log = open_log()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans come to us; the kernel shall bury them
    print(outer_id, flush=True)
    serve(log, plan["name"].partition(".")[0])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
