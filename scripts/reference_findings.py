"""The page of everything that `verify` can find, from the catalogue of the checks."""

from collections.abc import Iterable

from mailctl.domains.checks.catalogue import AREAS, Entry, catalogue
from mailctl.domains.checks.entries import engine, planned
from scripts.reference_text import NOTE, cell, code, table

TITLES = {
    "domain": "The domain itself",
    "dns": "The zone",
    "ns": "Name servers",
    "dnssec": "DNSSEC",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mx": "MX",
    "ptr": "PTR: names of the sending addresses",
    "dnsbl": "Block lists",
    "tls": "STARTTLS, certificates, CAA",
    "mtasts": "MTA-STS",
    "tlsrpt": "TLS-RPT",
    "dane": "DANE",
    "bimi": "BIMI",
}
_INTRO = """\
A finding has an id that never changes its meaning, a severity, the clause of the standard, what was expected, the
question that was asked and its answer (with the server and the TTL), and a fix that can be pasted or done as it stands.
`mailctl verify --json` has all of it, and `mailctl explain-check ID` prints what stands here.

`error` and `warning` rest on an answer. A question that nobody answered is `unknown`, and never "missing". `info` is
worth knowing and asks for nothing. Where a profile makes a thing graver or lighter, the finding itself says so.
"""
_PLANNED = """\
## Records that setup planned

A domain of the store is compared with the very plan that `setup` publishes, a finding for each record. Those whose
ids stand in the tables above mean the same there and here. SPF and DMARC are evaluated as a receiver would, for mail of
this host; where a record is missing or wrong, its own finding says so, and the evaluation that fails with it is left
out.

"""
_ENGINE = """\
## Of every check

"""


def findings() -> str:
    """Every id with severity, clause, what it means and why it matters."""
    common = {entry.id for entry in (*planned.ENTRIES, *engine.ENTRIES)}
    text = NOTE + "# Findings\n\n" + _INTRO
    for area in AREAS:
        mine = [
            entry
            for entry in catalogue().values()
            if entry.id.startswith(f"{area}.") and entry.id not in common
        ]
        if mine:
            text += f"\n## {TITLES[area]}\n\n" + _entries(mine)
    return text + "\n" + _PLANNED + _entries(planned.ENTRIES) + "\n" + _ENGINE + _entries(engine.ENTRIES)


def _entries(entries: Iterable[Entry]) -> str:
    return table(
        ["id", "severity", "meaning", "reference"],
        [
            [code(e.id), e.severity.value, f"**{cell(e.title)}.** {cell(e.why)}", cell(e.reference)]
            for e in entries
        ],
    )
