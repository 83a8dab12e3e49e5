"""Findings on DNSSEC."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "dnssec.ok",
        Severity.OK,
        "The domain is secured by DNSSEC",
        "A validating resolver, over a path that is trusted, found the chain of signatures whole.",
        reference="RFC 4035 §4.3",
    ),
    Entry(
        "dnssec.unsigned",
        Severity.INFO,
        "The domain is not signed",
        "Without DNSSEC, DANE does not work, and whoever controls the network can forge SPF, DKIM and MX records.",
        "Turn on signing at the DNS provider, then give the DS record to the registrar.",
        "RFC 4035 §4.3",
    ),
    Entry(
        "dnssec.island",
        Severity.INFO,
        "The zone is signed, but its parent does not say so",
        "The parent has no DS record, so nobody checks the signatures: the zone counts as unsigned.",
        reference="RFC 4035 §5.2",
    ),
    Entry(
        "dnssec.not-proven",
        Severity.INFO,
        "The domain is signed; whether it validates was not established",
        "The parent has a DS record, but the resolver's word that all is well counts only where the way to it is "
        "trusted.",
        "Ask a validating resolver on this host (--nameserver 127.0.0.1 --trust-ad).",
        "RFC 6840 §5.8",
    ),
    Entry(
        "dnssec.bogus",
        Severity.ERROR,
        "The domain fails DNSSEC validation",
        "Validating resolvers, Google's and Cloudflare's among them, answer SERVFAIL, so for a large part of the "
        "Internet the domain is not there. Asked not to check, the same resolver answers: the server is not dead.",
        "Sign the zone again (signatures expire), or take the DS record out at the registrar until that is done.",
        "RFC 4035 §4.3",
    ),
    Entry(
        "dnssec.no-key",
        Severity.ERROR,
        "The parent's DS records match no key of the zone",
        "Validating resolvers answer SERVFAIL for everything in the zone.",
        "Give the DS of the zone's present key to the registrar, or have the DS removed.",
        "RFC 4035 §5.2",
    ),
    Entry(
        "dnssec.unknown",
        Severity.UNKNOWN,
        "Whether the domain is signed could not be looked up",
        "The DNS did not say whether the parent has a DS record. It is not evidence of a fault.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 4035 §4.3",
    ),
)
