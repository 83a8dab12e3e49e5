"""What the engine itself can say of any area: that it did not come to an end, or that what it saw is on its way out."""

from mailctl.domains.checks.catalogue import AREAS, Entry
from mailctl.domains.findings import Severity

# Areas whose findings rest on records that a zone publishes; those of spf, dkim and dmarc stand in planned.py.
PUBLISHED = ("mx", "mtasts", "tlsrpt", "dane", "bimi", "tls")


def _unfinished(area: str) -> Entry:
    return Entry(
        f"{area}.unfinished",
        Severity.UNKNOWN,
        f"The {area} check was not finished within the deadline",
        "Servers were too slow, or the zone keeps a checker busy. What was learned by then is reported; the rest is "
        "unknown, and nothing is taken for missing.",
        "Try again, or give it more time: --timeout SECONDS.",
    )


def _failed(area: str) -> Entry:
    return Entry(
        f"{area}.check-failed",
        Severity.UNKNOWN,
        f"The {area} check met a bug in mailctl",
        "The check stopped in the middle, so this part of the domain is unknown. The others are not touched by it.",
        "Please report it, with the message of the finding and the domain.",
    )


def _propagating(area: str) -> Entry:
    return Entry(
        f"{area}.propagating",
        Severity.WARNING,
        f"What the {area} check complains about has been mended, but not everywhere yet",
        "The authoritative servers give answers in which this is not wrong; the resolver still remembers those from "
        "before.",
        "Wait for the TTL of the old answers: mailctl verify DOMAIN --watch does.",
        "RFC 2308 §5",
    )


ENTRIES = (
    *(make(area) for area in AREAS for make in (_unfinished, _failed)),
    *(_propagating(area) for area in PUBLISHED),
)
