"""Findings on BIMI: the logo beside a message."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

# Sections by their titles: their numbers change from one draft to the next.
_DRAFT = "draft-brand-indicators-for-message-identification"

ENTRIES = (
    Entry(
        "bimi.ok",
        Severity.OK,
        "BIMI is in order",
        "There is one record, and the DMARC policy lets it count.",
        reference=f"{_DRAFT}, Assertion Record Definition",
    ),
    Entry(
        "bimi.not-needed",
        Severity.OK,
        "The domain sends no mail, so it needs no logo",
        "BIMI shows a logo beside mail from a domain.",
        reference=f"{_DRAFT}, Introduction",
    ),
    Entry(
        "bimi.unknown",
        Severity.UNKNOWN,
        "BIMI could not be looked up",
        "A server did not answer. It is not evidence that anything is missing or wrong.",
        "Try again later or with another resolver (--nameserver).",
        f"{_DRAFT}, Assertion Record Discovery",
    ),
    Entry(
        "bimi.missing",
        Severity.INFO,
        "The domain has no BIMI record",
        "Mailboxes show no logo of the sender. It changes nothing about delivery.",
        reference=f"{_DRAFT}, Assertion Record Definition",
    ),
    Entry(
        "bimi.several-records",
        Severity.ERROR,
        "There are several BIMI records",
        "With more than one, none counts.",
        "Leave one record at default._bimi.",
        f"{_DRAFT}, Assertion Record Discovery",
    ),
    Entry(
        "bimi.record-invalid",
        Severity.ERROR,
        "The BIMI record is not valid",
        "It has to begin with v=BIMI1; and to have l= with an https: URI of the logo, or an empty one that declines.",
        'Publish "v=BIMI1; l=https://DOMAIN/logo.svg; a=https://DOMAIN/mark.pem".',
        f"{_DRAFT}, Assertion Record Definition",
    ),
    Entry(
        "bimi.not-svg",
        Severity.ERROR,
        "The logo is not an SVG file",
        "A location that ends in the name of another image format makes the record fail; only SVG Tiny PS is shown.",
        "Convert the logo to SVG Tiny PS, and name it .svg.",
        f"{_DRAFT}, Supported Image Formats",
    ),
    Entry(
        "bimi.no-certificate",
        Severity.INFO,
        "The BIMI record names no mark certificate",
        "Gmail and Apple show a logo only with a certificate (a=) that proves whose it is; a few others do without.",
        reference=f"{_DRAFT}, Assertion Record Definition",
    ),
    Entry(
        "bimi.declined",
        Severity.INFO,
        "The domain declines to have a logo shown",
        "An empty l= says so, and stops the search at the organizational domain.",
        reference=f"{_DRAFT}, Declination to Publish",
    ),
    Entry(
        "bimi.dmarc-not-enforcing",
        Severity.ERROR,
        "The DMARC policy does not let BIMI count",
        "A logo is shown only beside mail from a domain whose DMARC policy is quarantine or reject, for all mail and "
        "for the subdomains too; the same holds for the organizational domain above it. With p=none anybody could send "
        "with the logo.",
        "Move the DMARC policy to p=quarantine or p=reject, without t=y and without sp=none.",
        f"{_DRAFT}, Authentication Requirements",
    ),
)
