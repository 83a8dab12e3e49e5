"""Findings on MTA-STS: the record, the policy file and the host that serves it."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

_NO_POLICY = (
    "Senders then behave as if there were no policy, so that anybody on the way can have mail delivered in clear "
    "text; those that still hold an older policy go on with that one until it ends."
)

ENTRIES = (
    Entry(
        "mtasts.ok",
        Severity.OK,
        "MTA-STS is in order",
        "There is one record, and a policy behind it that covers every mail host. Whether the id changed when the "
        "policy did takes two looks: --baseline compares them.",
        reference="RFC 8461 §3",
    ),
    Entry(
        "mtasts.id-not-changed",
        Severity.WARNING,
        "The policy changed and its id did not",
        "Senders fetch a policy again only when the id in the record is another one: until max_age has passed they go "
        "by the old policy, and may refuse mail hosts that are new in it. Told by --baseline alone.",
        "Give the record at _mta-sts another id, such as the time of the change.",
        "RFC 8461 §3.1",
    ),
    Entry(
        "mtasts.not-needed",
        Severity.OK,
        "The domain takes no mail, so it needs no MTA-STS",
        "MTA-STS protects mail on its way to a domain's hosts.",
        reference="RFC 8461 §1",
    ),
    Entry(
        "mtasts.unknown",
        Severity.UNKNOWN,
        "MTA-STS could not be looked at",
        "A name server or the policy host did not answer. It is not evidence that anything is missing or wrong.",
        "Try again later, from another network or with another resolver (--nameserver).",
        "RFC 8461 §3",
    ),
    Entry(
        "mtasts.missing",
        Severity.INFO,
        "The domain has no MTA-STS",
        "Senders use TLS where it is offered, and give it up where somebody on the way takes the offer out. MTA-STS "
        "tells them not to; Gmail, Outlook and others obey.",
        "Serve a policy in mode testing at https://mta-sts.DOMAIN/.well-known/mta-sts.txt, then publish the record.",
        "RFC 8461 §3.1",
    ),
    Entry(
        "mtasts.record-invalid",
        Severity.ERROR,
        "The MTA-STS record is not valid",
        "A record that does not begin with v=STSv1; exactly so, or has no id of 1 to 32 letters and digits, does not "
        "count. " + _NO_POLICY,
        'Publish "v=STSv1; id=20261101T000000".',
        "RFC 8461 §3.1",
    ),
    Entry(
        "mtasts.several-records",
        Severity.ERROR,
        "There are several MTA-STS records",
        "With more than one, senders must assume that there is none. " + _NO_POLICY,
        "Leave one record at _mta-sts.",
        "RFC 8461 §3.1",
    ),
    Entry(
        "mtasts.dangling-cname",
        Severity.ERROR,
        "The MTA-STS record is an alias of a name without a record",
        "Somebody else was to keep the record, and has none there. " + _NO_POLICY,
        "Have it published at the target, or delete the CNAME.",
        "RFC 8461 §8.2",
    ),
    Entry(
        "mtasts.record-missing",
        Severity.WARNING,
        "There is a policy, but no record that announces it",
        "Senders fetch a policy only after they have found the TXT record, so nobody reads this one.",
        'Publish "v=STSv1; id=…" at _mta-sts.',
        "RFC 8461 §3.1",
    ),
    Entry(
        "mtasts.record-misplaced",
        Severity.ERROR,
        "The MTA-STS record is at the wrong name",
        "Senders look for it at _mta-sts.DOMAIN and nowhere else. " + _NO_POLICY,
        "Move the record to _mta-sts.",
        "RFC 8461 §3.1",
    ),
    Entry(
        "mtasts.policy-unchecked",
        Severity.INFO,
        "The MTA-STS policy was not fetched",
        "The record is in order; this run contacts no hosts.",
        reference="RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.policy-host-missing",
        Severity.ERROR,
        "The policy host does not exist",
        "The record announces a policy, and mta-sts.DOMAIN, where senders look for it, has no address. "
        + _NO_POLICY,
        "Publish an address, or a CNAME to who serves the policy; or delete the record.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.private-address",
        Severity.ERROR,
        "The policy host has an address that the Internet cannot reach",
        "No sender can fetch the policy from there; it was not contacted. " + _NO_POLICY,
        "Publish a public address; --allow-private is for laboratories.",
        "RFC 6890 §2",
    ),
    Entry(
        "mtasts.policy-unreachable",
        Severity.ERROR,
        "The policy host does not serve HTTPS",
        "It refused the connection, failed the handshake, or broke off. " + _NO_POLICY,
        "Serve the policy on port 443 with a web server.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.certificate",
        Severity.ERROR,
        "The certificate of the policy host is not good",
        "It has to be for mta-sts.DOMAIN, in date, and from an authority that senders trust; no exceptions. "
        + _NO_POLICY,
        "Get a certificate for mta-sts.DOMAIN, and see to it that it is renewed.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.redirect",
        Severity.ERROR,
        "The policy host redirects",
        "Senders must not follow redirects when they fetch a policy. " + _NO_POLICY,
        "Serve the file at its own address.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.policy-missing",
        Severity.ERROR,
        "There is no policy at the policy host",
        "The record announces a policy, and the web server says that there is no such file. " + _NO_POLICY,
        "Put it at /.well-known/mta-sts.txt, or delete the record.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.policy-status",
        Severity.ERROR,
        "The policy host answers with an error",
        "Only an answer with status 200 is a policy. " + _NO_POLICY,
        "Make the web server answer with 200.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.content-type",
        Severity.ERROR,
        "The policy is not served as text/plain",
        "It has to be, and senders should refuse anything else: a page that a visitor could have put there is not a "
        "policy. With those that refuse it, there is none.",
        "Set the type of the file to text/plain in the web server.",
        "RFC 8461 §3.2",
    ),
    Entry(
        "mtasts.policy-too-large",
        Severity.ERROR,
        "The policy is larger than 64 kB",
        "Senders stop reading there, and have no policy then. " + _NO_POLICY,
        "A policy has a few lines; look at what is served there.",
        "RFC 8461 §3.3",
    ),
    Entry(
        "mtasts.policy-version",
        Severity.ERROR,
        "The policy has no valid version",
        "version: STSv1 makes a file a policy; without it what is served may be anything. " + _NO_POLICY,
        "Write version: STSv1 into the first line.",
        "RFC 8461 §3.2",
    ),
    Entry(
        "mtasts.policy-mode",
        Severity.ERROR,
        "The policy has no valid mode",
        "mode has to be enforce, testing or none, in small letters. " + _NO_POLICY,
        "Write mode: testing, and mode: enforce when the reports are clean.",
        "RFC 8461 §3.2",
    ),
    Entry(
        "mtasts.policy-mx",
        Severity.ERROR,
        "The mx lines of the policy are missing or not valid",
        'Each has to be a host name, or "*." and a domain, where the asterisk stands for one label. Without one that '
        "fits, in mode enforce, no mail is delivered.",
        "Write one mx: line for each mail host.",
        "RFC 8461 §3.2",
    ),
    Entry(
        "mtasts.policy-max-age",
        Severity.ERROR,
        "The policy has no valid max_age",
        "It has to be a number of seconds up to 31557600, a year. " + _NO_POLICY,
        "Write max_age: 604800, a week, or more.",
        "RFC 8461 §3.2",
    ),
    Entry(
        "mtasts.policy-syntax",
        Severity.WARNING,
        "The policy has lines that are no field",
        "Senders differ in whether they pass over such a line or throw the policy away; of a repeated field the first "
        "counts.",
        "Remove the lines; there are no comments in a policy.",
        "RFC 8461 §3.2",
    ),
    Entry(
        "mtasts.mx-not-covered",
        Severity.ERROR,
        "A mail host is not in the policy",
        "In mode enforce senders do not deliver to a host that no mx line allows: mail is lost where it is the only "
        "one that can be reached. In mode testing they report it.",
        "Add an mx: line for the host, then give the record a new id.",
        "RFC 8461 §4.1",
    ),
    Entry(
        "mtasts.max-age-short",
        Severity.WARNING,
        "The policy lives for less than a day",
        "Senders keep a policy for max_age seconds. Whoever can hold off DNS answers for that long gets rid of it, "
        "and mail between two sends a day or more apart is not protected at all; weeks are usual.",
        "Write max_age: 604800, a week, or more.",
        "RFC 8461 §10.2",
    ),
    Entry(
        "mtasts.mode-testing",
        Severity.INFO,
        "The policy is in mode testing",
        "Senders report what would have failed (TLS-RPT), and deliver all the same.",
        "Set mode: enforce when the reports are clean, and give the record a new id.",
        "RFC 8461 §5",
    ),
    Entry(
        "mtasts.mode-none",
        Severity.INFO,
        "The policy is in mode none",
        "It takes back an earlier policy; nothing is asked of senders.",
        reference="RFC 8461 §8.3",
    ),
)
