"""Findings on DKIM: the keys that receivers verify signatures with (RFC 6376 §3.6)."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

_UNUSABLE = "Every signature made with this selector fails, and DMARC has to do without it."

ENTRIES = (
    Entry(
        "dkim.ok",
        Severity.OK,
        "The DKIM keys can be used",
        "Each selector that was looked at publishes one sound key.",
        reference="RFC 6376 §3.6",
    ),
    Entry(
        "dkim.unknown",
        Severity.UNKNOWN,
        "A DKIM key could not be looked up",
        "A server did not answer, or led in a circle of CNAMEs. Receivers who meet the same get a temperror. It is not "
        "evidence that the key is missing.",
        "Try again later or with another resolver (--nameserver); if it stays so, ask whoever keeps that zone.",
        "RFC 6376 §6.1.2",
    ),
    Entry(
        "dkim.none-found",
        Severity.UNKNOWN,
        "No selector is known",
        "DKIM keys stand below selectors that only the signer knows. None was named, and none of those that are common "
        "has a key: the domain may sign with another one, or not at all.",
        "Name the selector: --selector S, or selectors in the inventory. It is s= in the DKIM-Signature of a message.",
        "RFC 6376 §3.1",
    ),
    Entry(
        "dkim.not-needed",
        Severity.OK,
        "No DKIM key is needed, and none was found",
        "A domain that sends no mail signs none.",
        reference="RFC 6376 §3.1",
    ),
    Entry(
        "dkim.parked-key",
        Severity.WARNING,
        "A parked domain has a DKIM key",
        "Whoever holds the private key can sign as the domain and passes DMARC, whatever its policy is.",
        "Remove the record, or revoke the key: an empty p=.",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.missing",
        Severity.ERROR,
        "There is no key at the selector",
        "The DNS answered, and there is nothing. " + _UNUSABLE,
        "Publish the key's TXT record, or sign with a selector that has one.",
        "RFC 6376 §3.6.2",
    ),
    Entry(
        "dkim.wrong-place",
        Severity.ERROR,
        "The key is at the wrong name",
        "Receivers ask at SELECTOR._domainkey.DOMAIN. A web form that appends the zone to a name that already has it "
        "puts the record where nobody asks. " + _UNUSABLE,
        "Move the record: most forms want the name without the zone.",
        "RFC 6376 §3.6.2.1",
    ),
    Entry(
        "dkim.cname-dangling",
        Severity.ERROR,
        "The selector is an alias of a name without a key",
        "The CNAME leads to a name at which the DNS has no TXT record: a provider has taken its key away, or the "
        "target has a slip. Whoever comes to own the target can sign as the domain. (For a guessed selector "
        "this is information: some providers publish the second target when they first rotate.)",
        "Remove the CNAME, or have the provider publish the key.",
        "RFC 6376 §3.6.2",
    ),
    Entry(
        "dkim.multiple-records",
        Severity.ERROR,
        "There are several TXT records at the selector",
        "What receivers do then is undefined: some take the first that they get, in an order that changes, and others "
        "none. A key that was cut in two and published as two records looks like this.",
        "Publish one TXT record; a key that is longer than 255 bytes is one record of several strings.",
        "RFC 6376 §3.6.2.2",
    ),
    Entry(
        "dkim.revoked",
        Severity.ERROR,
        "The key is revoked",
        "An empty p= says that the key must not be used any more. " + _UNUSABLE,
        "Sign with another selector, or publish the key again.",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.version-wrong",
        Severity.ERROR,
        "The record is of no version of DKIM",
        "v= must be the first tag if it is there at all, and be DKIM1 in capitals; other records must be ignored. "
        + _UNUSABLE,
        "Begin the record with v=DKIM1;",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.malformed",
        Severity.ERROR,
        "The record holds no key that can be read",
        "It is no list of tags, has no p=, or p= is not the base64 form of a key of the kind that k= names (RSA: "
        "SubjectPublicKeyInfo in DER; Ed25519: 32 bytes and nothing around them). " + _UNUSABLE,
        "Publish the record again, as the signing software prints it.",
        "RFC 6376 §3.6.1, RFC 8463 §4",
    ),
    Entry(
        "dkim.truncated",
        Severity.ERROR,
        "The key was cut short",
        "The key says how long it is, and some of it is not there: a web form took only the first 255 characters, or "
        "only the first of several strings. " + _UNUSABLE,
        "Publish the whole key as one TXT record of several strings, each of at most 255 bytes.",
        "RFC 6376 §3.6.2.2",
    ),
    Entry(
        "dkim.stray-characters",
        Severity.ERROR,
        "Quotation marks or backslashes are part of the record",
        "They belong to the way zone files are written, and a web form took them as they are; so they ended up in the "
        "key. " + _UNUSABLE,
        "Publish the record without them.",
        "RFC 6376 §3.6.2.2",
    ),
    Entry(
        "dkim.blanks-in-key",
        Severity.INFO,
        "There are blanks inside the key",
        "The standard lets verifiers skip them, and nearly all do. They come of strings that were put together with a "
        "space.",
        "Publish p= without blanks.",
        "RFC 6376 §3.2",
    ),
    Entry(
        "dkim.unknown-key-type",
        Severity.ERROR,
        "The key is of a kind that does not exist",
        "k= may be rsa or ed25519, in small letters; receivers ignore a record with another one. "
        + _UNUSABLE,
        "Write k=rsa or k=ed25519, as the key is.",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.key-too-short",
        Severity.ERROR,
        "The RSA key has less than 1,024 bits",
        "Receivers must not accept it. 512 bits are factored within hours for the price of a meal: while the record "
        "is there, anybody can sign as the domain at receivers that do not check.",
        "Make a key of 2,048 bits at a new selector, and remove this record.",
        "RFC 8301 §3.2",
    ),
    Entry(
        "dkim.key-weak",
        Severity.WARNING,
        "The RSA key has less than 2,048 bits",
        "Receivers still accept it; signers should use 2,048 bits or more. 1,024 bits are within reach of those who "
        "have much to gain, and audits object.",
        "Rotate to a key of 2,048 bits at a new selector.",
        "RFC 8301 §3.2",
    ),
    Entry(
        "dkim.key-too-long",
        Severity.WARNING,
        "The RSA key has more than 4,096 bits",
        "Receivers have to support 1,024 to 4,096 bits; some fail on more, and its record does not fit a datagram.",
        "Use 2,048 bits.",
        "RFC 8301 §3.2",
    ),
    Entry(
        "dkim.hash-only-sha1",
        Severity.ERROR,
        "The key allows SHA-1 alone",
        "h=sha1 forbids every other hash, and receivers must not accept SHA-1. " + _UNUSABLE,
        "Remove h=, or write h=sha256.",
        "RFC 8301 §3.1",
    ),
    Entry(
        "dkim.hash-unknown",
        Severity.ERROR,
        "The key allows no hash that is in use",
        "h= lists what signatures may use, and sha256 is not in it. " + _UNUSABLE,
        "Remove h=, or write h=sha256.",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.service-not-email",
        Severity.ERROR,
        "The key is not for e-mail",
        "s= lists the services that the key may be used for, and neither email nor * is in it. " + _UNUSABLE,
        "Remove s=, or write s=email.",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.testing",
        Severity.WARNING,
        "The key is in test mode",
        "t=y says that DKIM is only being tried: receivers treat signed mail as if it were not signed, so nothing is "
        "gained while it stays.",
        "Remove t=y.",
        "RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.strict-subdomain",
        Severity.INFO,
        "The key is for the domain itself, not for subdomains",
        "t=s makes a signature fail whose i= names a subdomain of d=.",
        reference="RFC 6376 §3.6.1",
    ),
    Entry(
        "dkim.ed25519-only",
        Severity.INFO,
        "All keys are Ed25519",
        "Many receivers do not verify Ed25519 yet, and ignore such signatures. Mail should be signed with RSA as well.",
        "Add an RSA key of 2,048 bits at another selector, and sign with both.",
        "RFC 8463 §5",
    ),
)
