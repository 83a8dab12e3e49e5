"""Findings on DANE: TLSA records of the mail hosts."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "dane.ok",
        Severity.OK,
        "DANE is in order",
        "Every mail host has TLSA records that senders use.",
        reference="RFC 7672 §3",
    ),
    Entry(
        "dane.not-needed",
        Severity.OK,
        "The domain takes no mail, so it needs no DANE",
        "DANE protects mail on its way to a domain's hosts.",
        reference="RFC 7672 §1",
    ),
    Entry(
        "dane.unknown",
        Severity.UNKNOWN,
        "DANE could not be looked at",
        "A server did not answer, or the answer failed validation. Mind that senders who use DANE defer mail for as "
        "long as the TLSA question of a signed mail host fails.",
        "Try again later or with another resolver (--nameserver); ask each of the zone's servers for the TLSA record.",
        "RFC 7672 §2.1.2",
    ),
    Entry(
        "dane.missing",
        Severity.INFO,
        "The mail hosts have no TLSA records",
        "With DANE, senders verify the certificate of a mail host against the signed DNS, and do not fall back to "
        "clear text. It needs DNSSEC at the domain and at the mail hosts.",
        "Publish a TLSA record 3 1 1 at _25._tcp of each mail host, once its zone is signed.",
        "RFC 7672 §2.2",
    ),
    Entry(
        "dane.partial",
        Severity.WARNING,
        "Some mail hosts have TLSA records and others have none",
        "Whoever is on the way keeps senders from the protected hosts, and they take one of the others.",
        "Publish TLSA records for every mail host.",
        "RFC 7672 §2.2.1",
    ),
    Entry(
        "dane.record-invalid",
        Severity.ERROR,
        "A TLSA record cannot be used",
        "Its selector, its matching type or the length of its data is none that exists. Where no usable record is "
        "left, senders have to use TLS and cannot verify anything: the domain believes itself protected, and is not.",
        "Publish the record again: 3 1 1 and the SHA-256 of the public key.",
        "RFC 6698 §2.1",
    ),
    Entry(
        "dane.usage",
        Severity.ERROR,
        "A TLSA record has a usage that mail does not use",
        "Senders treat usages 0 and 1 (PKIX-TA, PKIX-EE) as unusable: they have no list of authorities in common. "
        "Where no other record is there, nothing is verified.",
        "Publish usage 3 (DANE-EE), or 2 (DANE-TA).",
        "RFC 7672 §3.1.3",
    ),
    Entry(
        "dane.dangling-cname",
        Severity.WARNING,
        "The TLSA name is an alias of a name without a record",
        "Somebody else was to keep the record, and has none there: the host is not protected.",
        "Have it published at the target, or delete the CNAME.",
        "RFC 7672 §2.2.3",
    ),
    Entry(
        "dane.insecure",
        Severity.WARNING,
        "There are TLSA records that nobody will use",
        "Senders use them only if the MX record, the host's addresses and the TLSA record are all signed and validate. "
        "A trusted validating resolver does not say so of them.",
        "Sign the zones of the domain and of its mail hosts (DNSSEC), or delete the TLSA records.",
        "RFC 7672 §2.2",
    ),
    Entry(
        "dane.not-validated",
        Severity.INFO,
        "Whether the TLSA records are secure is not known here",
        "They count only where DNSSEC validates, and no resolver that is trusted to validate was asked.",
        "Ask a validating resolver on this machine, with --nameserver and --trust-ad.",
        "RFC 7672 §2.2",
    ),
    Entry(
        "dane.mismatch",
        Severity.ERROR,
        "The certificate of a mail host matches none of its TLSA records",
        "Senders who use DANE do not deliver: mail from them waits, and bounces. It is what comes of a certificate "
        "that was renewed with a new key.",
        "Publish the TLSA record of the new key beside the old one before the certificate changes.",
        "RFC 7672 §3.2, RFC 7671 §8.1",
    ),
)
