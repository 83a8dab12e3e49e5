"""The catalogue's tables, an area a module, each with its `ENTRIES`."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.checks.entries import (
    bimi,
    dane,
    dns,
    dnsbl,
    dnssec,
    domain,
    engine,
    mtasts,
    mx,
    ns,
    planned,
    ptr,
    tls,
    tlsrpt,
)

ALL: tuple[Entry, ...] = (
    *domain.ENTRIES,
    *dns.ENTRIES,
    *ns.ENTRIES,
    *dnssec.ENTRIES,
    *mx.ENTRIES,
    *ptr.ENTRIES,
    *dnsbl.ENTRIES,
    *tls.ENTRIES,
    *mtasts.ENTRIES,
    *tlsrpt.ENTRIES,
    *dane.ENTRIES,
    *bimi.ENTRIES,
    *planned.ENTRIES,
    *engine.ENTRIES,
)
