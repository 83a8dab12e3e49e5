"""Findings on DMARC: what receivers are asked to do with mail that does not pass (RFC 9989)."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

_NO_REPORTS = "The domain's owner believes to be told about forgeries and misconfigured senders, and is not."

ENTRIES = (
    Entry(
        "dmarc.ok",
        Severity.OK,
        "A DMARC policy is in force",
        "Receivers find one record, and can act on it.",
        reference="RFC 9989 §4.10.1",
    ),
    Entry(
        "dmarc.unknown",
        Severity.UNKNOWN,
        "The DMARC policy could not be looked up in full",
        "A server did not answer on the way to the policy, or about an address for reports. It is not evidence that "
        "anything is missing.",
        "Try again later or with another resolver (--nameserver); if it stays so, ask whoever keeps that zone.",
        "RFC 9989 §4.10",
    ),
    Entry(
        "dmarc.missing",
        Severity.ERROR,
        "There is no DMARC record",
        "Neither the domain nor one above it has a policy: anybody can put it into the From of a message, and "
        "receivers have nothing to go by. Gmail, Yahoo and Outlook require a record, at least p=none, of bulk "
        "senders. (A warning where the domain only receives.)",
        "Publish v=DMARC1; p=none with rua= to learn who sends, and tighten it then.",
        "RFC 9989 §4.5",
    ),
    Entry(
        "dmarc.not-recognised",
        Severity.ERROR,
        "A record is meant to be DMARC and is none",
        "A record begins with v=DMARC1, DMARC1 in capitals, and a semicolon; any other is ignored as if it were not "
        "there (v=dmarc1, a quotation mark in front, a missing semicolon).",
        "Publish the record as the finding shows it.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.wrong-place",
        Severity.ERROR,
        "The DMARC record is at the wrong name",
        "Receivers ask at _dmarc.DOMAIN and nowhere else. (A warning where there is another record at the right name.)",
        "Move the record to _dmarc.DOMAIN.",
        "RFC 9989 §4.5",
    ),
    Entry(
        "dmarc.cname-dangling",
        Severity.ERROR,
        "_dmarc is an alias of a name without a record",
        "The CNAME leads to a name at which the DNS has no TXT record: the service that kept the policy has taken it "
        "away. Whoever comes to own the target decides over the policy.",
        "Remove the CNAME and publish a record, or have the service publish it.",
        "RFC 9989 §4.5",
    ),
    Entry(
        "dmarc.multiple-records",
        Severity.ERROR,
        "There is more than one DMARC record",
        "Receivers discard all of them: the domain has no policy.",
        "Keep one record.",
        "RFC 9989 §4.10",
    ),
    Entry(
        "dmarc.invalid-policy",
        Severity.ERROR,
        "A policy is none of none, quarantine and reject",
        "A record whose p, sp or np cannot be read acts as p=none if it has a valid rua, and as no record at all if "
        "not: what was meant to protect the domain does not.",
        "Write none, quarantine or reject, and a semicolon behind it.",
        "RFC 9989 §4.10.1",
    ),
    Entry(
        "dmarc.no-effect",
        Severity.ERROR,
        "The record has neither a policy nor an address for reports",
        "Without p and without a valid rua receivers do not apply DMARC at all.",
        "Add p=, and rua=mailto:… to learn who sends.",
        "RFC 9989 §4.10.1",
    ),
    Entry(
        "dmarc.policy-missing",
        Severity.INFO,
        "The record has no p",
        "That is legal and means p=none; receivers that still follow RFC 7489 may ignore the record.",
        "Write the policy that is meant.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.policy-none",
        Severity.INFO,
        "The policy is none",
        "Forged mail is delivered as any other. It is how everybody begins, and all that the rules for bulk senders "
        "ask for, so it is no fault; but it protects nobody, and BIMI and PCI DSS audits want more.",
        "When the reports show that all that is yours passes: p=quarantine, then p=reject.",
        "RFC 9989 §5.3.6",
    ),
    Entry(
        "dmarc.testing",
        Severity.INFO,
        "The policy is in test mode",
        "t=y asks receivers to apply the policy one level below: quarantine for reject, none for quarantine.",
        "Remove t=y when the reports show nothing unexpected.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.subdomain-weaker",
        Severity.WARNING,
        "Subdomains are protected less than the domain",
        "Forgers take a subdomain then, and one that does not exist will do (sp, np). Readers look at the whole name "
        "hardly ever.",
        "Remove sp and np, or make them as strict as p.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.invalid-tag",
        Severity.WARNING,
        "A tag cannot be read",
        "Receivers ignore it and take its default, which is not what was meant.",
        "Mend the tag.",
        "RFC 9989 §4.8",
    ),
    Entry(
        "dmarc.tag-misspelt",
        Severity.WARNING,
        "A tag has a name that is nearly that of a known one",
        "Tag names are in small letters; unknown tags are ignored without a word, so what was meant has no effect.",
        "Correct the name.",
        "RFC 9989 §4.8",
    ),
    Entry(
        "dmarc.unknown-tag",
        Severity.INFO,
        "The record has a tag that no standard defines",
        "Receivers ignore it.",
        "Remove it, unless something of yours reads it.",
        "RFC 9989 §4.8",
    ),
    Entry(
        "dmarc.historic-tag",
        Severity.INFO,
        "The record has a tag that RFC 9989 no longer has",
        "pct, rf, ri, and a size behind a report address, are ignored since 2026. (A warning where pct holds a policy "
        "back: receivers that follow RFC 9989 apply it to all mail; t=y is what came in its place.)",
        "Remove it.",
        "RFC 9989 Appendix C.5",
    ),
    Entry(
        "dmarc.psd-misuse",
        Severity.ERROR,
        "psd=y at a domain that is no public suffix",
        "It says that others register names below this domain. Receivers then take each subdomain for an organisation "
        "of its own: DKIM and SPF of the domain no longer align with its subdomains, nor the other way round.",
        "Remove psd=y.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.no-rua",
        Severity.INFO,
        "No aggregate reports are asked for",
        "Nobody learns who sends as the domain, nor what a stricter policy would hit.",
        "Add rua=mailto:… of a mailbox that a program reads.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.rua-syntax",
        Severity.ERROR,
        "An address for reports cannot be read",
        "Report addresses are URIs: mailto:reports@example.com, several with a comma between them. "
        + _NO_REPORTS,
        "Write mailto: in front of the address.",
        "RFC 9989 §4.6",
    ),
    Entry(
        "dmarc.rua-not-mailto",
        Severity.WARNING,
        "Reports are asked for by another way than mail",
        "Only mailto: has to be supported, and hardly anybody sends reports by another scheme.",
        "Use a mailto: URI.",
        "RFC 9989 §4.7",
    ),
    Entry(
        "dmarc.rua-not-authorised",
        Severity.ERROR,
        "The domain that shall get reports does not agree to it",
        "Reports go to another organisation only where it says so by a record of its own; else receivers do not send "
        "them there. " + _NO_REPORTS,
        "Have the other domain publish the record that the finding shows, or use an address of your own.",
        "RFC 9990 §4",
    ),
    Entry(
        "dmarc.rua-domain-no-mail",
        Severity.ERROR,
        "The domain that shall get reports takes no mail",
        "It does not exist, has a null MX, or has neither an MX nor an address. " + _NO_REPORTS,
        "Correct the address, or give its domain an MX record.",
        "RFC 9990 §3",
    ),
    Entry(
        "dmarc.ruf-not-authorised",
        Severity.INFO,
        "The domain that shall get failure reports does not agree to it",
        "As with rua; but hardly any receiver sends failure reports, since they have people's mail in them.",
        "Have the other domain publish the record that the finding shows, or remove ruf.",
        "RFC 9991 §4",
    ),
    Entry(
        "dmarc.one-leg",
        Severity.INFO,
        "Only one of SPF and DKIM is aligned",
        "DMARC passes by one of them alone; if that one breaks (SPF does whenever mail is forwarded), it fails.",
        "Align the other one too.",
        "RFC 9989 §4.4",
    ),
    Entry(
        "dmarc.parked-not-reject",
        Severity.ERROR,
        "A parked domain does not ask for its mail to be rejected",
        "Nothing that comes in the name of a domain that sends no mail is genuine. Anything but p=reject invites "
        "forgers (a warning at quarantine).",
        "Publish v=DMARC1; p=reject.",
        "RFC 9989 §4.7",
    ),
)
