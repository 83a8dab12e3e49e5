"""Findings on block lists."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "dnsbl.ok",
        Severity.OK,
        "No block list that was asked lists the sending addresses",
        "Each list passed its own test entries first, so its silence means something.",
        reference="RFC 5782 §2",
    ),
    Entry(
        "dnsbl.listed",
        Severity.ERROR,
        "A sending address is on a block list",
        "Receivers that use the list refuse or junk mail from this address.",
        "Find and stop the cause first (see the list's reason), then ask the list for removal.",
        "RFC 5782 §2.1",
    ),
    Entry(
        "dnsbl.unknown",
        Severity.UNKNOWN,
        "A block list could not be asked",
        "It did not answer, refused to (127.255.255.x is a refusal and not a listing; lists do so to public "
        "resolvers), or failed its test entries: a list that lists everything, or nothing, says nothing.",
        "Ask through a resolver of your own (--nameserver); leave out a list that has closed.",
        "RFC 5782 §5",
    ),
    Entry(
        "dnsbl.no-ipv6",
        Severity.INFO,
        "A block list does not cover IPv6",
        "It passes its test entries for IPv4 but not for IPv6, so IPv6 addresses were not looked up in it.",
        reference="RFC 5782 §2.4",
    ),
)
