"""Every finding that `verify` can make: what it means, why it matters, what to do. The one place for ids.

Promise: an id is never given another meaning; a finding whose id is not here cannot be made. `explain-check` and the
page of all checks in the documentation are printed from this table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from mailctl.domains.findings import Evidence, Finding, Severity

AREAS = (
    "domain", "dns", "ns", "dnssec", "spf", "dkim", "dmarc", "mx", "ptr", "dnsbl", "tls", "mtasts", "tlsrpt",
    "dane", "bimi",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of finding. `fix` is general advice; a finding carries the one that can be pasted."""

    id: str
    severity: Severity
    title: str
    why: str
    fix: str = ""
    reference: str = ""


@cache
def catalogue() -> dict[str, Entry]:
    """All entries by id, from the tables of the areas."""
    from mailctl.domains.checks import entries

    return {entry.id: entry for entry in entries.ALL}


def found(
    id_: str,
    message: str,
    *,
    evidence: Iterable[Evidence] = (),
    expected: str = "",
    fix: str = "",
    severity: Severity | None = None,
) -> Finding:
    """A finding of the catalogue; KeyError for an id that is not in it.

    `severity` overrides the entry's where a profile makes the same thing graver or lighter.
    """
    entry = catalogue()[id_]
    return Finding(
        id=id_,
        severity=severity or entry.severity,
        message=message,
        reference=entry.reference,
        expected=expected,
        evidence=tuple(evidence),
        fix=fix or entry.fix,
    )
