"""What mail hosts show on port 25, for the checks that look at them; tests break one thing at a time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from mailctl.edges.smtp_probe import Certificate, MemoryProber, Probed, Trouble
from tests.checks.hosts import NAME, NOW

MAIL, MAIL2 = f"mail.{NAME}", f"mail2.{NAME}"
AUTHORITY = Certificate(
    b"authority", b"authority key", (), NOW - timedelta(900), NOW + timedelta(900), "CN=Root"
)


def certificate(host: str, days: float = 60) -> Certificate:
    """A certificate of that host with so many days left."""
    der, spki = f"certificate of {host}".encode(), f"key of {host}".encode()
    return Certificate(der, spki, (host,), NOW - timedelta(90), NOW + timedelta(days), "CN=Authority")


def shown(host: str, **changes: Any) -> Probed:
    """A good host, with changes."""
    good = Probed(
        host,
        "8.8.8.8",
        greeting=f"220 {host} ESMTP",
        extensions=("PIPELINING", "STARTTLS"),
        protocol="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        chain=(certificate(host), AUTHORITY),
        name_matches=True,
    )
    return replace(good, **changes)


def failing(host: str, trouble: Trouble) -> Probed:
    return Probed(host, "8.8.8.8", trouble=trouble, detail="as planned")


def prober(*changed: Probed) -> MemoryProber:
    """Both hosts of the healthy domain, good but for those that are given."""
    hosts = {MAIL: shown(MAIL), MAIL2: shown(MAIL2)}
    return MemoryProber({**hosts, **{one.host: one for one in changed}})
