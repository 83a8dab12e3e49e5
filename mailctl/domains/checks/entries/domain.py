"""Findings on the domain as such."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "domain.ok",
        Severity.OK,
        "The domain exists",
        "The DNS answers for the name, so everything else can be looked at.",
        reference="RFC 1034 §3.1",
    ),
    Entry(
        "domain.does-not-exist",
        Severity.ERROR,
        "The domain does not exist",
        "The DNS answers NXDOMAIN: there is neither this name nor any below it. Receivers refuse mail from a domain "
        "that does not exist, and nothing can be delivered to it. Every other check would only repeat this.",
        "Check the spelling. If the name is right, register or renew the domain, or create its zone.",
        "RFC 8020 §2",
    ),
    Entry(
        "domain.unknown",
        Severity.UNKNOWN,
        "Nothing could be learned about the domain",
        "The DNS did not answer for the very name of the domain (a fault of the server, a refusal, or silence), so "
        "nothing is known: the records may be right or wrong. It is not evidence that anything is missing.",
        "Try again later or with another resolver (--nameserver); if it stays so, ask whoever keeps the zone.",
        "RFC 9520 §2",
    ),
    Entry(
        "domain.leads-nowhere",
        Severity.ERROR,
        "The domain is an alias of a name that does not exist",
        "The name is a CNAME, and what it points at is gone: for mail it is as good as not there. Whoever comes to "
        "own the target decides over the mail of this domain.",
        "Delete the CNAME, or point it at a name that exists.",
        "RFC 6604 §3",
    ),
)
