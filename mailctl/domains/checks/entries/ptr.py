"""Findings on the names of sending addresses."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "ptr.ok",
        Severity.OK,
        "The sending address has a name that leads back to it",
        "Forward-confirmed reverse DNS is what receivers ask of a mail server first.",
        reference="RFC 1912 §2.1",
    ),
    Entry(
        "ptr.unknown",
        Severity.UNKNOWN,
        "The name of a sending address could not be looked up",
        "The DNS did not say. It is not evidence that the PTR record is missing.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 1912 §2.1",
    ),
    Entry(
        "ptr.missing",
        Severity.ERROR,
        "A sending address has no PTR record",
        "Gmail, Yahoo and Outlook refuse or junk mail from addresses without a name; so do many Postfix servers.",
        reference="RFC 1912 §2.1",
    ),
    Entry(
        "ptr.not-confirmed",
        Severity.ERROR,
        "The name of a sending address does not lead back to it",
        "Anybody can write any name into their own reverse zone, so receivers look the name up again and believe it "
        "only if the address is among the answers.",
        reference="RFC 8601 §2.7.3",
    ),
    Entry(
        "ptr.several",
        Severity.INFO,
        "A sending address has several PTR records",
        "It is allowed, but receivers look at one of them, or at the first few; each should lead back.",
        "Keep the one that is the host's own name.",
        "RFC 2181 §10.2",
    ),
    Entry(
        "ptr.generic",
        Severity.WARNING,
        "The name of a sending address is made of its numbers",
        "Names such as 192-0-2-1.isp.example are what providers give to customers' lines; many receivers take mail "
        "from them for that of an infected computer.",
        reference="RFC 5321 §4.1.4",
    ),
    Entry(
        "ptr.helo-missing",
        Severity.ERROR,
        "The HELO name has no address",
        "The name that the host greets with must exist: receivers refuse an unknown HELO name "
        "(Postfix: reject_unknown_helo_hostname).",
        reference="RFC 5321 §2.3.5",
    ),
    Entry(
        "ptr.helo-elsewhere",
        Severity.WARNING,
        "The HELO name leads to another address",
        "Receivers may not refuse mail for it, but filters count it against the sender.",
        reference="RFC 5321 §4.1.4",
    ),
)
