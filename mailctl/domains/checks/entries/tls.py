"""Findings on TLS: STARTTLS and certificates of the mail hosts (looked at on request), and CAA."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

_STRICT = (
    "Senders without a policy deliver all the same; those that follow MTA-STS in mode enforce do not: then it is an "
    "error."
)

ENTRIES = (
    Entry(
        "tls.ok",
        Severity.OK,
        "TLS is in order",
        "What was looked at is sound: CAA, and with --connect the mail hosts' STARTTLS and certificates.",
        reference="RFC 3207 §4",
    ),
    Entry(
        "tls.unknown",
        Severity.UNKNOWN,
        "What there is on TLS could not be looked up",
        "A name server did not answer. It is not evidence that anything is missing or wrong.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 8659 §3",
    ),
    Entry(
        "tls.unreachable",
        Severity.UNKNOWN,
        "A mail host could not be looked at",
        "It did not answer on port 25, or turned us away. Many networks do not let port 25 out, and many hosts turn "
        "away addresses that do not send mail, so it is not evidence against the host.",
        "Try again from a host that may send mail.",
        "RFC 5321 §2.3.5",
    ),
    Entry(
        "tls.not-contacted",
        Severity.INFO,
        "A mail host was not contacted",
        "It has only addresses that the Internet cannot reach.",
        "--allow-private contacts them, for laboratories.",
        "RFC 6890 §2",
    ),
    Entry(
        "tls.starttls-missing",
        Severity.ERROR,
        "A mail host does not offer STARTTLS",
        "Everything sent to it is readable on the way, and senders that insist on TLS do not deliver.",
        "Postfix: postconf -e smtpd_tls_security_level=may, with smtpd_tls_chain_files.",
        "RFC 3207 §4",
    ),
    Entry(
        "tls.handshake-failed",
        Severity.ERROR,
        "A mail host offers STARTTLS, and the handshake fails",
        "Some senders try again in clear text, and others give up.",
        "Look at the host's log for the reason; often the key and the certificate do not belong together.",
        "RFC 3207 §4",
    ),
    Entry(
        "tls.certificate-name",
        Severity.WARNING,
        "The certificate of a mail host is for another name",
        "It has to hold the name that the MX record names. " + _STRICT,
        "Get a certificate with the host's name in subjectAltName.",
        "RFC 8461 §4.2, RFC 9525 §6.3",
    ),
    Entry(
        "tls.certificate-expired",
        Severity.WARNING,
        "The certificate of a mail host is out of date",
        "It has ended, or has not begun. " + _STRICT,
        "Renew it, and reload the mail server: it may still hold the old one.",
        "RFC 8461 §4.2",
    ),
    Entry(
        "tls.certificate-untrusted",
        Severity.WARNING,
        "The certificate of a mail host is from no authority that is trusted",
        "It is self-signed, from an authority of one's own, or sent without the certificates in between. "
        + _STRICT,
        "Get a certificate from a public authority, and have the server send the whole chain.",
        "RFC 8461 §4.2",
    ),
    Entry(
        "tls.expires-soon",
        Severity.WARNING,
        "The certificate of a mail host ends within two weeks",
        "Most are renewed a month before. One that was not was probably forgotten.",
        "Renew it, and look why it was not renewed by itself.",
        "RFC 8461 §4.2",
    ),
    Entry(
        "tls.old-protocol",
        Severity.WARNING,
        "A mail host speaks no newer protocol than TLS 1.1",
        "TLS 1.0 and 1.1 must not be used any more; many senders have turned them off, and fall back to clear text.",
        "Allow TLS 1.2 and 1.3. Postfix: smtpd_tls_protocols = >=TLSv1.2",
        "RFC 8996 §4",
    ),
    Entry(
        "tls.caa-missing",
        Severity.INFO,
        "The domain has no CAA record",
        "Any authority may issue certificates for it. CAA names those that may.",
        'DOMAIN. IN CAA 0 issue "letsencrypt.org"',
        "RFC 8659 §3",
    ),
    Entry(
        "tls.caa-invalid",
        Severity.ERROR,
        "A CAA record is not valid",
        "An authority must not issue when it meets a critical property that it does not know, or an issuer that it "
        "cannot read: the next renewal fails.",
        'DOMAIN. IN CAA 0 issue "letsencrypt.org"',
        "RFC 8659 §4",
    ),
)
