"""Findings on the name servers of the zone that holds the domain."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "ns.ok",
        Severity.OK,
        "The zone has several name servers",
        "While one is down, the others answer.",
        reference="RFC 2182 §5",
    ),
    Entry(
        "ns.unknown",
        Severity.UNKNOWN,
        "The name servers could not be looked up, or one of them did not answer",
        "Silence may be the server's or the network's between it and here. It is not evidence that it is broken.",
        "Try again later or from another network.",
        "RFC 1034 §4.1",
    ),
    Entry(
        "ns.missing",
        Severity.WARNING,
        "The zone names no name servers",
        "The top of a zone must hold the NS records of its servers; without them resolvers have only the parent's "
        "word for where the zone is, and some do without the zone.",
        reference="RFC 1034 §4.2.1",
    ),
    Entry(
        "ns.single",
        Severity.WARNING,
        "The zone has one name server",
        "While it is down, the domain has no mail: receivers cannot look up SPF, DKIM and DMARC, senders cannot "
        "find the MX.",
        "Add a second name server in another network; every registrar and DNS provider has one.",
        "RFC 2182 §5",
    ),
    Entry(
        "ns.same-address",
        Severity.INFO,
        "All name servers have the same address",
        "They are one server under several names: while it is down, none of them answers.",
        reference="RFC 2182 §3.1",
    ),
    Entry(
        "ns.unresolvable",
        Severity.ERROR,
        "A name server has no address",
        "Resolvers cannot ask a server that they cannot find; each that tries loses time, and some give up.",
        reference="RFC 1912 §2.8",
    ),
    Entry(
        "ns.is-cname",
        Severity.WARNING,
        "A name server is an alias",
        "The name in an NS record must have an address of its own; some resolvers do not follow the alias.",
        reference="RFC 2181 §10.3",
    ),
    Entry(
        "ns.lame",
        Severity.ERROR,
        "A name server does not hold the zone",
        "It is named in the zone's NS records, but refuses, fails, or answers without authority: lookups that come "
        "to it are slow or fail, now and then, for some receivers.",
        "Set the zone up on this server, or take it out of the NS records and of the delegation at the registrar.",
        "RFC 1912 §2.8",
    ),
    Entry(
        "ns.disagree",
        Severity.ERROR,
        "The name servers answer differently about mail",
        "What a receiver sees depends on the server it happens to ask: signatures pass and fail by chance.",
        "Make the servers transfer the zone again, or change the records at all of them.",
        "RFC 1034 §4.3.5",
    ),
    Entry(
        "ns.propagating",
        Severity.INFO,
        "The name servers hold different versions of the zone",
        "A change is on its way from one server to the others. If it stays so, zone transfers do not work.",
        "Wait for the refresh time of the SOA; then look at the transfers.",
        "RFC 1034 §4.3.5",
    ),
)
