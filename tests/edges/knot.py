"""A real Knot DNS for tests: one zone or several on a random loopback port, updates by a TSIG key."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
IDLE_TSIG_NAME = "other.test"  # a key that the server knows and that may do nothing
TSIG_NAME, TSIG_SECRET = "mailctl.test", "bWFpbGN0bC10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5YWI="
_SETTINGS = """\
server:
    rundir: "{folder}"
    pidfile: "{folder}/pid"
    listen: "127.0.0.1@{port}"
database:
    storage: "{folder}/db"
log:
  - target: stderr
    any: warning
key:
  - id: "{key}"
    algorithm: hmac-sha256
    secret: "{secret}"
  - id: "{idle_key}"
    algorithm: hmac-sha256
    secret: "{secret}"
acl:
  - id: updates
    key: "{key}"
    action: [update, query]
template:
  - id: default
    storage: "{folder}"
    acl: updates
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
"""
_ZONE = "@ 3600 SOA ns hostmaster 1 3600 600 86400 60\n@ 3600 NS ns\nns 3600 A 127.0.0.1\n"


def knotd() -> str | None:
    return shutil.which("knotd", path=PATH)


@dataclass(frozen=True)
class Knot:
    """`address` is "127.0.0.1:PORT"; the key may update every zone. `folder` holds its files."""

    port: int
    folder: Path
    tsig_name: str = TSIG_NAME
    tsig_secret: str = TSIG_SECRET

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def serving(zones: Mapping[str, Iterable[str]]) -> Iterator[Knot]:
    """Run knotd with `zones`: name to zone-file lines (SOA, NS and the server's A are added)."""
    texts = {zone: "".join(f"{line}\n" for line in lines) for zone, lines in zones.items()}
    with serving_files({zone: f"$ORIGIN {zone}.\n{_ZONE}{text}" for zone, text in texts.items()}) as knot:
        yield knot


@contextmanager
def serving_files(zones: Mapping[str, str]) -> Iterator[Knot]:
    """Run knotd with `zones`: name ("" is the root) to the whole text of its zone file."""
    program = knotd()
    assert program is not None, "knotd is not installed"
    with tempfile.TemporaryDirectory(prefix="mailctl-knot-") as name:
        knot = Knot(free_port(), Path(name))
        _write(knot, zones)
        process = subprocess.Popen([program, "-c", f"{name}/knot.conf"], stderr=subprocess.PIPE, text=True)
        try:
            _await_port(knot.port, process)
            yield knot
        finally:
            process.terminate()
            process.communicate(timeout=10)


def _write(knot: Knot, zones: Mapping[str, str]) -> None:
    settings = _SETTINGS.format(
        folder=knot.folder, port=knot.port, key=TSIG_NAME, idle_key=IDLE_TSIG_NAME, secret=TSIG_SECRET
    )
    for zone, text in zones.items():
        settings += f'  - domain: "{zone or "."}"\n    file: "{zone or "root"}.zone"\n'
        (knot.folder / f"{zone or 'root'}.zone").write_text(text)
    (knot.folder / "knot.conf").write_text(settings)
    (knot.folder / "db").mkdir()


def free_port() -> int:
    """A port that is free for UDP and TCP alike."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _await_port(port: int, process: "subprocess.Popen[str]", seconds: float = 10) -> None:
    limit = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > limit:
                process.kill()
                raise RuntimeError(f"knotd did not start: {process.communicate()[1]}") from None
            time.sleep(0.02)
        else:
            return
