"""The name servers that this machine is told to use."""

from ipaddress import ip_address
from pathlib import Path

RESOLV_CONF = Path("/etc/resolv.conf")


def system_nameservers(path: Path = RESOLV_CONF) -> tuple[str, ...]:
    """The `nameserver` lines of resolv.conf(5), at most three as in the C library; () where there is none."""
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    named = [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"]
    return tuple(dict.fromkeys(n for n in named if _is_address(n)))[:3]


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True
