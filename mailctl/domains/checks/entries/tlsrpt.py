"""Findings on TLS-RPT: where reports on failed TLS connections go."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "tlsrpt.ok",
        Severity.OK,
        "TLS-RPT is in order",
        "There is one record, and reports have somewhere to go.",
        reference="RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.not-needed",
        Severity.OK,
        "The domain takes no mail, so it needs no TLS-RPT",
        "The reports are on connections to a domain's mail hosts.",
        reference="RFC 8460 §1",
    ),
    Entry(
        "tlsrpt.unknown",
        Severity.UNKNOWN,
        "TLS-RPT could not be looked up",
        "A server did not answer. It is not evidence that anything is missing or wrong.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.missing",
        Severity.INFO,
        "The domain has no TLS-RPT",
        "Nobody tells you when senders fail to reach your mail hosts over TLS, or when MTA-STS or DANE stop mail.",
        'Publish "v=TLSRPTv1; rua=mailto:tls-reports@DOMAIN" at _smtp._tls.',
        "RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.several-records",
        Severity.ERROR,
        "There are several TLS-RPT records",
        "With more than one, senders must assume that there is none, and send no reports.",
        "Leave one record at _smtp._tls; rua= may hold several addresses.",
        "RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.record-invalid",
        Severity.ERROR,
        "The TLS-RPT record is not valid",
        "It has to begin with v=TLSRPTv1; exactly so, and to have a rua= of mailto: and https: URIs. Without that no "
        "reports come.",
        'Publish "v=TLSRPTv1; rua=mailto:tls-reports@DOMAIN".',
        "RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.record-misplaced",
        Severity.ERROR,
        "The TLS-RPT record is at the wrong name",
        "Senders look for it at _smtp._tls.DOMAIN and nowhere else: no reports come.",
        "Move the record to _smtp._tls.",
        "RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.dangling-cname",
        Severity.ERROR,
        "The TLS-RPT record is an alias of a name without a record",
        "Somebody else was to keep the record, and has none there: no reports come.",
        "Have it published at the target, or delete the CNAME.",
        "RFC 8460 §3",
    ),
    Entry(
        "tlsrpt.destination-unreachable",
        Severity.WARNING,
        "Reports have nowhere to go",
        "The domain of a report address takes no mail, or the host of a report URI does not exist.",
        "Name an address in rua= that exists.",
        "RFC 8460 §3",
    ),
)
