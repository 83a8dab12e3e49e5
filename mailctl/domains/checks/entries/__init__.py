"""The catalogue's tables, an area a module, each with its `ENTRIES`."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.checks.entries import (
    bimi,
    dane,
    dkim,
    dmarc,
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
    spf,
    tls,
    tlsrpt,
)

ALL: tuple[Entry, ...] = (
    *domain.ENTRIES,
    *dns.ENTRIES,
    *ns.ENTRIES,
    *dnssec.ENTRIES,
    *spf.ENTRIES,
    *dkim.ENTRIES,
    *dmarc.ENTRIES,
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
