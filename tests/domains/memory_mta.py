"""Postfix and OpenDKIM for a `MemoryHost`: as much of postconf, postfix, master, opendkim and dpkg as mailctl uses.

Promise: main.cf and master.cf are text, edited as postconf does (a value in its place, all else untouched); daemons
are processes with ports; `failing` makes a program end with 1 and say why.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from mailctl.domains import provisioning
from mailctl.edges.host import Account, Completed, MemoryHost, Node, Process

MAIN_CF = """\
# See /usr/share/postfix/main.cf.dist for a commented, more complete version

smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
compatibility_level = 3.6
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = vm
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
mydestination = $myhostname, vm, localhost.localdomain, , localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
"""
MASTER_CF = """\
# service type  private unpriv  chroot  wakeup  maxproc command + args
smtp      inet  n       -       y       -       -       smtpd
pickup    unix  n       -       y       60      1       pickup
"""
OPENDKIM_CONF = "# Debian's own\nUserID opendkim\nSocket local:/run/opendkim/opendkim.sock\n"
MASTER_PID = Path("/var/spool/postfix/pid/master.pid")
DEFAULTS = {"mail_version": "3.7.11", "message_size_limit": "10240000", "relayhost": "", "relay_domains": ""}


class Mta:
    """The programs of one host. `without`: parameters that its Postfix does not have."""

    def __init__(self, version: str = "3.7.11", without: Sequence[str] = ()) -> None:
        names = [*provisioning.tables("postfix/main.toml"), "smtpd_forbid_bare_newline_reject_code"]
        blank = {name: "(default)" for name in names if name not in without}
        self.defaults = blank | DEFAULTS | {"mail_version": version}
        self.failing: dict[str, str] = {}
        self._next_pid = 400
        self._units: set[str] = set()

    def programs(self) -> dict[str, object]:
        names = ("postconf", "postfix", "master", "opendkim", "postalias", "install", "systemctl")
        return {**{name: getattr(self, name) for name in names}, "dpkg-query": self.dpkg_query}

    def _fails(self, argv: Sequence[str]) -> Completed | None:
        line = " ".join([Path(argv[0]).name, *argv[1:]])
        for text, why in self.failing.items():
            if re.search(text, line):
                return Completed(1, "", why)
        return None

    def postconf(self, host: MemoryHost, argv: Sequence[str], _stdin: bytes) -> Completed:
        if failed := self._fails(argv):
            return failed
        words = list(argv[1:])
        folder = Path("/etc/postfix")
        if words[0] == "-c":
            folder, words = Path(words[1]), words[2:]
        main, master = host.nodes.get(folder / "main.cf"), host.nodes.get(folder / "master.cf")
        if words == ["-d"]:
            return Completed(
                0, "".join(f"{name} = {value}\n" for name, value in sorted(self.defaults.items()))
            )
        if main is None:
            return Completed(1, "", f"postconf: fatal: open {folder}/main.cf: No such file or directory")
        text = main.content.decode()
        if words[0] == "-hx":
            return Completed(0, "/usr/lib/postfix/sbin\n/var/spool/postfix\n")
        if words == ["-n"]:
            return Completed(0, "".join(f"{k} = {v}\n" for k, v in sorted(_parse(text).items())))
        if words[0] == "-e":
            for word in words[1:]:
                text = _edit(text, *word.split("=", 1))
            host.write(folder / "main.cf", _with(main, text))
            return Completed(0)
        assert master is not None
        lines = master.content.decode().splitlines()
        if words == ["-M"]:
            return Completed(0, "\n".join(line for line in lines if not line.startswith("#")))
        key, _, entry = words[1].partition("=")
        kept = [line for line in lines if "/".join(line.split()[:2]) != key]
        host.write(folder / "master.cf", _with(master, "\n".join([*kept, *([entry] if entry else []), ""])))
        return Completed(0)

    def master(self, host: MemoryHost, argv: Sequence[str], _stdin: bytes) -> Completed:
        assert "-t" in argv
        return Completed(1 if self._master(host) else 0)

    def _master(self, host: MemoryHost) -> int | None:
        return next((pid for pid, process in host.processes.items() if process.comm == "master"), None)

    def postfix(self, host: MemoryHost, argv: Sequence[str], _stdin: bytes) -> Completed:
        if failed := self._fails(argv):
            return failed
        verb, folder = argv[-1], Path(argv[2])
        if verb == "check":
            return Completed(0)
        pid = self._master(host)
        if verb == "stop":
            if pid is not None:
                del host.processes[pid]
            host.nodes.pop(MASTER_PID, None)
            return Completed(0)
        if (pid is None) != (verb == "start"):
            return Completed(1, "", f"postfix: fatal: cannot {verb}")
        services = host.nodes[folder / "master.cf"].content.decode()
        ports = [int(port) for port in re.findall(r"^127\.0\.0\.1:(\d+) +inet", services, re.MULTILINE)]
        host.processes[pid or self._pid()] = Process("master", (25, *ports))
        host.add(MASTER_PID, "1\n")
        return Completed(0)

    def _pid(self) -> int:
        self._next_pid += 1
        return self._next_pid

    def opendkim(self, host: MemoryHost, argv: Sequence[str], _stdin: bytes) -> Completed:
        if failed := self._fails(argv):
            return failed
        if argv[1] == "-V":
            return Completed(0, "opendkim: OpenDKIM Filter v2.11.0\n rsa-sha1 rsa-sha256 ed25519-sha256\n")
        text = host.nodes[Path(argv[-1])].content.decode()
        conf = dict(line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#"))
        if "-n" not in argv:
            pid, socket = self._pid(), re.match(r"inet:(\d+)@127", conf["Socket"])
            host.processes[pid] = Process("opendkim", (int(socket[1]),) if socket else ())
            host.add(conf.get("PidFile", "/run/opendkim/opendkim.pid").strip(), f"{pid}\n")
        return Completed(0)

    def systemctl(self, host: MemoryHost, argv: Sequence[str], stdin: bytes) -> Completed:
        """Units do what their files say: Debian's two, and those that mailctl wrote and had systemd read."""
        verb, unit = argv[1], argv[-1]
        if verb == "daemon-reload":
            self._units = {path.stem for path in host.nodes if path.suffix == ".service"}
            return Completed(0)
        if unit == "postfix":
            return self.postfix(host, ["postfix", "-c", "/etc/postfix", verb], stdin)
        if unit != "opendkim" and unit not in self._units:
            return Completed(5, "", f"Failed to {verb} {unit}.service: Unit {unit}.service not found.")
        conf = "/etc/opendkim.conf" if unit == "opendkim" else "/etc/opendkim/ed25519.conf"
        pid_file = host.nodes.get(Path(f"/run/opendkim/{unit}.pid"))
        if verb == "stop" and pid_file is not None:
            host.processes.pop(int(pid_file.content), None)
        return self.opendkim(host, ["opendkim", "-x", conf], stdin) if verb == "start" else Completed(0)

    def postalias(self, host: MemoryHost, argv: Sequence[str], _stdin: bytes) -> Completed:
        if failed := self._fails(argv):
            return failed
        host.write(Path(argv[-1].removeprefix("hash:") + ".db"), Node("root", "root", 0o644, b"db"))
        return Completed(0)

    def install(self, host: MemoryHost, argv: Sequence[str], _stdin: bytes) -> Completed:
        host.write(Path(argv[-1]), Node("opendkim", "opendkim", 0o750, kind="directory"))
        return Completed(0)

    def dpkg_query(self, _host: MemoryHost, _argv: Sequence[str], _stdin: bytes) -> Completed:
        digest = hashlib.md5(OPENDKIM_CONF.encode(), usedforsecurity=False).hexdigest()
        return Completed(0, f" /etc/default/opendkim 0\n /etc/opendkim.conf {digest}\n")


def _parse(text: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def _edit(text: str, name: str, value: str) -> str:
    line = f"{name} = {value}".rstrip()
    edited, count = re.subn(rf"^{name}\s*=.*$", lambda _: line, text, flags=re.MULTILINE)
    return edited if count else f"{text}{line}\n"


def _with(node: Node, text: str) -> Node:
    return Node(node.owner, node.group, node.mode, text.encode())


def bare_host(mta: Mta | None = None, **options: object) -> MemoryHost:
    """A Debian host on which Postfix and OpenDKIM are installed, not set up, and not running."""
    mta = mta or Mta()
    accounts = {"root": Account(0, 0), "mail": Account(8, 8), "opendkim": Account(104, 108)}
    host = MemoryHost(programs=mta.programs(), accounts=accounts, **options)  # type: ignore[arg-type]
    host.add("/etc/postfix/main.cf", MAIN_CF)
    host.add("/etc/postfix/master.cf", MASTER_CF, mode=0o640)
    host.add("/etc/opendkim.conf", OPENDKIM_CONF)
    host.add("/etc/aliases", "postmaster: root\n")
    host.add("/etc/ssl/certs/ca-certificates.crt")
    for folder in ("/run", "/var/mail", "/var/lib", "/var/spool/postfix/pid", "/etc/systemd/system"):
        host.add(f"{folder}/.there")
    return host


def files(host: MemoryHost) -> dict[Path, Node]:
    """Everything that a set-up may touch: equal before and after means untouched."""
    runtime = (Path("/run"), Path("/var/spool"), Path("/var/lib/mailctl"))
    return {
        path: node
        for path, node in host.nodes.items()
        if not path.is_relative_to(runtime[0])
        and not path.is_relative_to(runtime[1])
        and not path.is_relative_to(runtime[2])
    }
