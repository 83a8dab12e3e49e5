"""Findings on where mail for the domain goes."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

ENTRIES = (
    Entry(
        "mx.ok",
        Severity.OK,
        "Mail for the domain has a place to go",
        "Each exchange is a host name of its own with an address that the Internet can reach.",
        reference="RFC 5321 §5.1",
    ),
    Entry(
        "mx.unknown",
        Severity.UNKNOWN,
        "The mail exchanges could not be looked up",
        "The DNS did not say which hosts take the mail, or where they are. It is not evidence that they are missing.",
        "Try again later or with another resolver (--nameserver).",
        "RFC 5321 §5.1",
    ),
    Entry(
        "mx.missing",
        Severity.WARNING,
        "There is no MX record",
        "Senders then try the address of the domain itself, which mostly is a web server: answers and bounces are "
        "lost there. Without an address either, mail to the domain cannot be delivered, and many receivers refuse "
        "mail from it (Postfix: reject_unknown_sender_domain). A domain that takes no mail says so with a null MX.",
        reference="RFC 5321 §5.1",
    ),
    Entry(
        "mx.null",
        Severity.OK,
        "The domain takes no mail, and says so",
        "A null MX lets senders fail at once instead of trying for days.",
        reference="RFC 7505 §3",
    ),
    Entry(
        "mx.null-not-alone",
        Severity.ERROR,
        "A null MX stands beside other MX records",
        "The null MX says that the domain takes no mail, the others say where it goes. What senders do then "
        "differs; some give up at once.",
        "Delete the null MX if the domain takes mail, and all the others if it does not.",
        "RFC 7505 §3",
    ),
    Entry(
        "mx.null-preference",
        Severity.WARNING,
        "A null MX with a preference other than 0",
        "The standard defines the null MX with preference 0; software may not know another one for what it is, "
        "and try to deliver to the root of the DNS.",
        reference="RFC 7505 §3",
    ),
    Entry(
        "mx.null-but-sends",
        Severity.WARNING,
        "The domain takes no mail, but SPF lets it send",
        "A domain that cannot be answered should not send: receivers may refuse mail from it (550 5.7.27).",
        "Publish a real MX if the domain sends mail, and v=spf1 -all if it does not.",
        "RFC 7505 §4.2",
    ),
    Entry(
        "mx.null-but-receives",
        Severity.ERROR,
        "The domain is meant to take mail, but publishes a null MX",
        "Every sender gives up at once: no mail arrives.",
        reference="RFC 7505 §3",
    ),
    Entry(
        "mx.not-null",
        Severity.WARNING,
        "A parked domain takes mail",
        "A domain that is not used for mail should say so with a null MX: else typing errors and backscatter are "
        "delivered somewhere, or tried for days.",
        reference="RFC 7505 §3",
    ),
    Entry(
        "mx.is-cname",
        Severity.ERROR,
        "A mail exchange is an alias",
        "The standards want the name in an MX record to have an address of its own. Some servers do not follow the "
        "alias, and one whose own name is only the alias's target may not know the mail as its own.",
        reference="RFC 2181 §10.3",
    ),
    Entry(
        "mx.is-address",
        Severity.ERROR,
        "A mail exchange is an IP address",
        "An MX record holds a host name. An address there is read as a name, which does not exist.",
        reference="RFC 1035 §3.3.9",
    ),
    Entry(
        "mx.duplicate",
        Severity.WARNING,
        "A mail exchange is named twice",
        "The second record adds nothing: the host is tried again when it just failed. Mostly another host was meant.",
        "Delete one of the records.",
        "RFC 5321 §5.1",
    ),
    Entry(
        "mx.too-many",
        Severity.WARNING,
        "There are more mail exchanges than anybody tries",
        "Senders try a few hosts and give up; SPF allows ten. So many records do not fit a datagram either, and were "
        "not all looked at.",
        "Name a handful of hosts; one name can have several addresses.",
        "RFC 5321 §5.1",
    ),
    Entry(
        "mx.private",
        Severity.ERROR,
        "A mail exchange has an address that the Internet cannot reach",
        "Private, loopback and reserved addresses mean something else on each sender's network, or nothing. Senders "
        "wait for them, or reach their own host. Addresses for documentation are not reported: laboratories use them.",
        reference="RFC 6890 §2",
    ),
    Entry(
        "mx.unresolvable",
        Severity.ERROR,
        "A mail exchange has no address",
        "The host in the MX record does not exist, or has neither A nor AAAA: nothing can be delivered to it.",
        reference="RFC 5321 §5.1",
    ),
    Entry(
        "mx.single",
        Severity.INFO,
        "There is one mail exchange",
        "While it is down, mail waits at the senders, most of them for days. That is enough for many domains.",
        reference="RFC 5321 §4.5.4.1",
    ),
    Entry(
        "mx.no-ipv6",
        Severity.INFO,
        "No mail exchange has an IPv6 address",
        "Senders with IPv6 alone cannot deliver. There are few of them.",
        reference="RFC 5321 §5.2",
    ),
    Entry(
        "mx.no-ipv4",
        Severity.WARNING,
        "No mail exchange has an IPv4 address",
        "Many senders still have IPv4 alone and cannot deliver.",
        "Give one exchange an A record.",
        "RFC 5321 §5.2",
    ),
)
