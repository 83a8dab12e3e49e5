"""What a check gets: the domain as somebody wants it checked, and the tools to look with.

Promise: `Tools` is everything of the outside world that a check can reach, so a test passes in-memory twins.
"""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mailctl.edges.https import Fetcher
from mailctl.edges.resolver import DnsClient
from mailctl.edges.smtp_probe import Prober
from mailctl.standards.dns import Address, Answer

# Selectors that large senders and common set-ups use; one that is absent proves nothing.
GUESSED_SELECTORS = (
    "google", "selector1", "selector2", "k1", "k2", "k3", "s1", "s2", "default", "mail", "dkim", "mc1", "mc2",
)  # fmt: skip


class Profile(StrEnum):
    """What the domain is for; it decides what has to be there."""

    SENDER = "sender"
    BULK_SENDER = "bulk-sender"
    RECEIVING = "receiving"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Target:
    """One domain to check. `line` is where it stands in the inventory, 0 where it was named on the command line."""

    name: str
    selectors: tuple[str, ...] = ()
    profile: Profile = Profile.SENDER
    sending_ips: tuple[Address, ...] = ()
    ignore: frozenset[str] = frozenset()
    hostname: str = ""  # the HELO name, where it is known
    line: int = 0


@dataclass(frozen=True)
class Tools:
    """Everything a check may use. `https` and `smtp` are None where nobody is to be contacted."""

    dns: DnsClient
    now: datetime
    https: Fetcher | None = None
    smtp: Prober | None = None
    dnsbls: tuple[str, ...] = ()
    authoritative: bool = False
    trust_ad: bool = False
    allow_private: bool = False
    guessed_selectors: tuple[str, ...] = field(default=GUESSED_SELECTORS)

    def ask(self, name: str, rdtype: str) -> Awaitable[Answer]:
        return self.dns(name, rdtype)
