"""The catalogue's tables, an area a module, each with its `ENTRIES`."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.checks.entries import dns, dnsbl, dnssec, domain, engine, mx, ns, planned, ptr

ALL: tuple[Entry, ...] = (
    *domain.ENTRIES,
    *dns.ENTRIES,
    *ns.ENTRIES,
    *dnssec.ENTRIES,
    *mx.ENTRIES,
    *ptr.ENTRIES,
    *dnsbl.ENTRIES,
    *planned.ENTRIES,
    *engine.ENTRIES,
)
