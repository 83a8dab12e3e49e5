"""Findings on the shape of the zone at the domain's name."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "dns.ok",
        Severity.OK,
        "The domain's name is not an alias",
        "Its records are its own.",
        reference="RFC 1034 §3.6.2",
    ),
    Entry(
        "dns.unknown",
        Severity.UNKNOWN,
        "The shape of the zone could not be looked up",
        "The DNS did not say whether the name is an alias. It is not evidence that anything is wrong.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 1034 §3.6.2",
    ),
    Entry(
        "dns.cname-at-apex",
        Severity.ERROR,
        "There is a CNAME at the top of the zone",
        "A zone's top holds SOA and NS, and a CNAME allows nothing beside it. What resolvers make of both differs: "
        "now the MX and TXT records of the domain are seen, now those of the target.",
        "Put the target's addresses there, or use what the provider offers instead (ALIAS, ANAME, flattening).",
        "RFC 2181 §10.1",
    ),
    Entry(
        "dns.cname-beside-others",
        Severity.ERROR,
        "A CNAME stands beside other records",
        "A CNAME allows nothing beside it: resolvers that saw the CNAME first do not see the others.",
        "Delete the CNAME, or the other records of this name.",
        "RFC 2181 §10.1",
    ),
    Entry(
        "dns.alias",
        Severity.INFO,
        "The domain's name is an alias",
        "MX and TXT records are those of the target: whoever keeps that zone decides over the mail of this domain.",
        reference="RFC 1034 §3.6.2",
    ),
    Entry(
        "dns.wildcard-txt",
        Severity.INFO,
        "Every name below the domain has a TXT record",
        "A wildcard answers for names that nobody made. Where a DKIM key or a policy is missing, software reads the "
        "wildcard's text in its place and calls it broken, not missing.",
        "Give the wildcard's text to the names that need it.",
        "RFC 4592 §2.1.1",
    ),
)
