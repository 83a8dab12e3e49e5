"""Findings on SPF: who may send for the domain (RFC 7208)."""

from mailctl.domains.checks.catalogue import Entry
from mailctl.domains.findings import Severity

_PERMERROR = (
    "Receivers then get a permerror: SPF gives no pass to anybody, whatever else the record says, and DMARC has "
    "to do without it."
)

ENTRIES = (
    Entry(
        "spf.ok",
        Severity.OK,
        "The SPF record is sound",
        "It can be evaluated within the limits, and it does not let everybody send.",
        reference="RFC 7208 §4",
    ),
    Entry(
        "spf.unknown",
        Severity.UNKNOWN,
        "SPF could not be looked at in full",
        "A server did not answer for the record, or for one that it includes. Receivers who meet the same get a "
        "temperror and try again later. It is not evidence that anything is missing.",
        "Try again later or with another resolver (--nameserver); if it stays so, ask whoever keeps that zone.",
        "RFC 7208 §2.6.6",
    ),
    Entry(
        "spf.missing",
        Severity.ERROR,
        "There is no SPF record",
        "Receivers cannot tell the domain's own servers from anybody else's. Gmail, Yahoo and Outlook refuse or junk "
        "mail without SPF. A domain that sends no mail says so with v=spf1 -all (a warning where it only receives).",
        "Publish a TXT record that lists the hosts that send, and ends in ~all or -all.",
        "RFC 7208 §3",
    ),
    Entry(
        "spf.not-recognised",
        Severity.ERROR,
        "A TXT record is meant to be SPF and is none",
        "An SPF record starts with exactly v=spf1, followed by a space or the end; capitals do not matter. Anything "
        "else (a quotation mark, a space before it, another version) is not looked at: the domain has no SPF.",
        "Publish the record as the finding shows it.",
        "RFC 7208 §4.5",
    ),
    Entry(
        "spf.wrong-place",
        Severity.ERROR,
        "The SPF record is at the wrong name",
        "Receivers ask for the TXT records of the domain itself. A web form that appends the zone to a name that "
        "already has it puts the record where nobody asks.",
        "Move the record to the domain itself (most forms want @ as the name).",
        "RFC 7208 §4.4",
    ),
    Entry(
        "spf.multiple-records",
        Severity.ERROR,
        "There is more than one SPF record",
        "A domain has one record or none; no receiver chooses among several. " + _PERMERROR,
        "Replace them by one record that lists everything.",
        "RFC 7208 §4.5",
    ),
    Entry(
        "spf.joined-without-space",
        Severity.ERROR,
        "The strings of the record join without a space",
        "A TXT record is a sequence of strings, and SPF joins them with nothing in between: what ends in ~all and goes "
        "on with ip4: reads ~allip4:. The record is broken, or means something else than was meant.",
        "Put a space at the end of each string but the last.",
        "RFC 7208 §3.3",
    ),
    Entry(
        "spf.syntax",
        Severity.ERROR,
        "The SPF record breaks the grammar",
        "A receiver reads the whole record before it evaluates any of it: an error anywhere, also behind all, makes "
        "all of it useless. " + _PERMERROR,
        "Mend each term that the message names.",
        "RFC 7208 §4.6",
    ),
    Entry(
        "spf.plus-all",
        Severity.ERROR,
        "+all lets the whole world send",
        "Every address passes: anybody can send mail as this domain that passes SPF, and with it DMARC.",
        "End the record in ~all or -all.",
        "RFC 7208 §5.1",
    ),
    Entry(
        "spf.bare-all",
        Severity.ERROR,
        "all without a sign means +all",
        "A term without a qualifier is one that passes, so this record lets the whole world send as the domain.",
        "Write ~all or -all.",
        "RFC 7208 §4.6.2",
    ),
    Entry(
        "spf.neutral-all",
        Severity.WARNING,
        "?all says nothing about everybody else",
        "Neutral is treated as if there were no SPF record: the record turns nobody away, and its owner gains little.",
        "End the record in ~all, or in -all.",
        "RFC 7208 §8.2",
    ),
    Entry(
        "spf.no-all",
        Severity.WARNING,
        "The record has no end",
        "Where no term matches and there is neither all nor redirect, the result is neutral, as with ?all: nobody is "
        "turned away.",
        "End the record in ~all or -all.",
        "RFC 7208 §4.7",
    ),
    Entry(
        "spf.terms-after-all",
        Severity.WARNING,
        "Terms behind all are never looked at",
        "all matches everything, so whoever is listed behind it is not authorised.",
        "Move all to the end of the record.",
        "RFC 7208 §5.1",
    ),
    Entry(
        "spf.redirect-beside-all",
        Severity.WARNING,
        "redirect has no effect beside all",
        "A redirect is followed only where no term matches, and all always does: whomever the other record lets send "
        "is not authorised.",
        "Remove the one that is not meant.",
        "RFC 7208 §6.1",
    ),
    Entry(
        "spf.ptr",
        Severity.WARNING,
        "The record uses ptr",
        "ptr is slow, depends on whoever runs the reverse zone of a stranger, and should not be published; large "
        "receivers skip it. In a record that others keep this is only information.",
        "List the addresses (ip4:, ip6:) or host names (a:) instead.",
        "RFC 7208 §5.5",
    ),
    Entry(
        "spf.whole-internet",
        Severity.ERROR,
        "A network as large as the Internet may send",
        "A network of less than /8 (IPv4) or /16 (IPv6) belongs to nobody alone: whoever sits in it can send as this "
        "domain and passes SPF and DMARC. A slip in a prefix length (/0 for /32) does this.",
        "Write the prefix length that was meant.",
        "RFC 7208 §5.6",
    ),
    Entry(
        "spf.wide-network",
        Severity.WARNING,
        "A very large network may send",
        "An IPv4 network from /8 to /15, or an IPv6 network from /16 to /31, has strangers in it unless the "
        "domain's owner is among the largest networks of the world; each of them can send as this domain.",
        "List only the networks that mail leaves from.",
        "RFC 7208 §5.6",
    ),
    Entry(
        "spf.exists-passes-all",
        Severity.ERROR,
        "exists of a fixed name lets everybody pass",
        "exists matches when the name has an address. A name without a macro has one or has none, for every sender "
        "alike: this one has, so the whole world passes.",
        "Use a macro such as exists:%{i}.…, or name the hosts by a: or ip4:.",
        "RFC 7208 §5.7",
    ),
    Entry(
        "spf.private-network",
        Severity.INFO,
        "A private network is listed",
        "Mail never arrives at a receiver from a private or loopback address, so the term has no effect.",
        "Remove it.",
        "RFC 7208 §5.6",
    ),
    Entry(
        "spf.host-bits",
        Severity.INFO,
        "A network is written with the address of a host",
        "That is legal, and means the whole network around the host; it is worth a look whether the host alone was "
        "meant.",
        reference="RFC 7208 §5.6",
    ),
    Entry(
        "spf.equals-for-colon",
        Severity.WARNING,
        "A term is written with = in place of :",
        "name=value is a modifier, and an unknown modifier is ignored without a word: whoever is named there is not "
        "authorised.",
        "Write a colon.",
        "RFC 7208 §6",
    ),
    Entry(
        "spf.unknown-modifier",
        Severity.INFO,
        "The record has a modifier that no standard defines for evaluation",
        "Receivers ignore it. ra=, rp= and rr= (RFC 6652) ask for reports that hardly anybody sends.",
        "Remove it, unless something of yours reads it.",
        "RFC 7208 §6",
    ),
    Entry(
        "spf.repeated-term",
        Severity.INFO,
        "A term stands in the record more than once",
        "The second one can never match, and costs its lookups again.",
        "Remove the repetition.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.record-too-long",
        Severity.WARNING,
        "The SPF record is longer than 450 bytes",
        "A record should fit into a DNS answer of 512 bytes together with everything else at the name; beyond 450 the "
        "answer needs EDNS or TCP, which some firewalls and old resolvers do not let through. Receivers behind them "
        "get a temperror. (An error above 8,192 bytes, which is not looked into.)",
        "Divide the record: include:_spf1.DOMAIN and so on (each costs a lookup), or remove what is no longer used.",
        "RFC 7208 §3.4",
    ),
    Entry(
        "spf.answer-needs-tcp",
        Severity.INFO,
        "All TXT records together do not fit into a datagram",
        "Receivers who ask for SPF get every TXT record of the name. Above 1,232 bytes the answer is cut off, and has "
        "to be asked for again by TCP.",
        "Remove verification records that are no longer needed.",
        "RFC 7208 §3.4",
    ),
    Entry(
        "spf.include-missing",
        Severity.ERROR,
        "An include or redirect leads to a domain without an SPF record",
        "The DNS says that there is no SPF record at the name: a provider that was given up, or a slip of the pen. "
        + _PERMERROR,
        "Remove the term, or correct the name.",
        "RFC 7208 §5.2",
    ),
    Entry(
        "spf.include-multiple-records",
        Severity.ERROR,
        "An include or redirect leads to a domain with several SPF records",
        "The fault is in the zone of the other domain, and yet it is this one whose mail suffers. "
        + _PERMERROR,
        "Tell whoever keeps that domain; until then list its addresses by ip4: and ip6:.",
        "RFC 7208 §4.5",
    ),
    Entry(
        "spf.include-broken",
        Severity.ERROR,
        "An include or redirect leads to a broken SPF record",
        "The fault is in the zone of the other domain, and yet it is this one whose mail suffers. "
        + _PERMERROR,
        "Tell whoever keeps that domain; until then list its addresses by ip4: and ip6:.",
        "RFC 7208 §5.2",
    ),
    Entry(
        "spf.include-loop",
        Severity.ERROR,
        "The record includes itself",
        "Following it never ends, so receivers stop at ten lookups. " + _PERMERROR,
        "Remove the term that leads back.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.include-passes-all",
        Severity.ERROR,
        "An include or redirect lets the whole world send",
        "The other record passes every address, or nearly so, and an include takes that over: anybody can send as this "
        "domain.",
        "Remove the term, and tell whoever keeps that record.",
        "RFC 7208 §5.2",
    ),
    Entry(
        "spf.too-many-lookups",
        Severity.ERROR,
        "The record needs more than ten DNS lookups",
        "include, a, mx, ptr, exists and redirect each cost one, everywhere below the record, and again each time "
        "they are repeated. At the eleventh receivers give up, for every address that is not found before. "
        + _PERMERROR,
        "Remove what is no longer used, or put networks in place of names (flattening), and again when they change.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.lookups-near-limit",
        Severity.INFO,
        "The record needs nearly all of its ten DNS lookups",
        "Ten are allowed. One more include, or one more inside a provider's record, breaks it for all receivers.",
        "Make room before the next provider is added.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.too-many-void-lookups",
        Severity.ERROR,
        "More than two lookups of the record come back empty",
        "Names that do not exist, or have no such record, are counted to stop attacks; exists counts too. At the third "
        "receivers give up. " + _PERMERROR,
        "Remove the terms whose names are gone.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.void-lookup",
        Severity.INFO,
        "A term of the record leads to nothing",
        "The name has no such record, so the term lets nobody send; a third one makes the record fail. Whoever comes "
        "to own a name that is free could send as the domain.",
        "Remove the term.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.void-lookups-ipv6",
        Severity.INFO,
        "Over IPv6 more than two lookups come back empty",
        "For a client with an IPv6 address receivers ask for AAAA, and names that have only A count as empty. Such a "
        "client gets a permerror where its address stands behind them in the record.",
        "If mail leaves over IPv6, put ip6: terms first.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.mx-too-many-hosts",
        Severity.ERROR,
        "mx leads to more than ten hosts",
        "Receivers look at ten exchanges at most. " + _PERMERROR,
        "List the hosts that send by a: or ip4: instead of mx.",
        "RFC 7208 §4.6.4",
    ),
    Entry(
        "spf.helo-none",
        Severity.INFO,
        "The HELO name has no SPF record",
        "Bounces have no sender, so receivers evaluate SPF for the name in HELO. Without a record they get none, which "
        "is weaker than a pass.",
        reference="RFC 7208 §2.3",
    ),
    Entry(
        "spf.helo-does-not-pass",
        Severity.ERROR,
        "The HELO name's own SPF record does not let the host send",
        "Some receivers check HELO first and refuse on fail; bounces, which have no sender, depend on it alone.",
        "Put the address into the SPF record of the HELO name.",
        "RFC 7208 §2.3",
    ),
    Entry(
        "spf.parked-sends",
        Severity.ERROR,
        "A parked domain lets somebody send",
        "A domain that sends no mail should turn everybody away; it is a favourite of forgers otherwise. Less than "
        "-all at the end is a warning.",
        "Publish exactly v=spf1 -all.",
        "RFC 7208 §10.1.2",
    ),
)
