"""The page of the records that are planned, from `mailctl.domains`."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from mailctl.domains import zone_plan
from mailctl.domains.desired import ELSEWHERE, DomainKey, MailDomain, Wanted, wanted
from mailctl.standards.dns import Answer, Status
from scripts.reference_text import NOTE, cell, code, table

HOME = MailDomain(
    "shop.example",
    "mail.shop.example",
    (IPv4Address("192.0.2.10"),),
    (IPv6Address("2001:db8::10"),),
    (
        DomainKey("mc20260101-rsa", "rsa", "v=DKIM1; k=rsa; p=…"),
        DomainKey("mc20260101-ed", "ed25519", "v=DKIM1; k=ed25519; p=…"),
    ),
    dmarc_policy="none",
    receives_mail=True,
)
_DELEGATED = replace(
    HOME,
    name="client.example",
    keys=(DomainKey("mc1", "rsa", "v=DKIM1; k=rsa; p=…"),),
    delegation_zone="keys.agency.example",
    receives_mail=False,
    hostname="mail.agency.example",
)
_ACTIONS = {
    zone_plan.Action.CREATE: "There is nothing of the kind: it is added.",
    zone_plan.Action.CHANGE: "There is a value of ours, or an SPF or DMARC record, that has to differ: it is edited.",
    zone_plan.Action.DELETE: "The record of a retired DKIM key: it is taken out (`mailctl dkim retire`).",
    zone_plan.Action.KEEP: "As it should be.",
    zone_plan.Action.FOREIGN: "A value that others put at the same name and type: left alone.",
    zone_plan.Action.CONFLICT: "A person has to decide: two SPF records, one that cannot be read, a CNAME in the way.",
    zone_plan.Action.UNKNOWN: "The DNS did not answer. Nothing is planned on a guess, and nothing is changed (exit 3).",
}


def dns_records() -> str:
    """What a domain's zone should say, and what becomes of what is there."""
    text = NOTE + "# DNS records\n\n" + _RECORDS_INTRO
    text += "\n## A domain whose host lies in it\n\n"
    text += (
        "`shop.example`, sent by `mail.shop.example`; the MX of the domain itself only with `--receive`.\n\n"
    )
    text += _record_table(HOME)
    text += "\n## A domain that delegates its keys\n\n"
    text += (
        "`client.example` with `--delegate`, sent by `mail.agency.example`; `dkim.delegation_zone` is"
        " `keys.agency.example`. One of the two names holds the key that signs, the other the next one.\n\n"
    )
    text += _record_table(_DELEGATED)
    text += "\n## What becomes of what is there\n\n"
    text += table(["action", "when"], [[code(action.value), _ACTIONS[action]] for action in zone_plan.Action])
    return text + _RECORDS_RULES


_RECORDS_INTRO = """\
`mailctl setup`, `mailctl dns plan` and `mailctl verify` work from one list. What it asks for depends on the domain,
on its host's name, and on what the zone says already. TXT values longer than 255 bytes are split into strings as
RFC 1035 asks; the TTL is `dns.ttl`.
"""
_RECORDS_RULES = """
- **SPF** is edited: the addresses are put in front of the first `include` or `all`, unless a network in the record
  holds them already; everything else stays as it is. A new record ends in `~all`; those of the return path and of the
  host's name, which nobody else uses, in `-all`. A plan whose record would cost more than 10 lookups is refused.
- **DMARC**: a record that is there keeps its policy where that is stronger; weakening it has to be asked for with
  `--dmarc`, and is dangerous. `dmarc.report_address` is added to its `rua`.
- **Dangerous** changes need `--force`: an MX that takes the domain's mail away, another value at a DKIM selector, a
  host name or return path that leads elsewhere, a weaker DMARC policy.
- A record **in a zone that others keep** (a PTR; the host's address where its name lies in another domain) is shown
  and never written. `verify` reports it; `setup` does not fail for it.
"""


def _record_table(domain: MailDomain) -> str:
    empty = {
        question: Answer(*question, Status.NXDOMAIN, (), 0, "") for question in zone_plan.questions(domain)
    }
    plan = zone_plan.plan_zone(domain, empty)
    values = {(c.name, c.rdtype): " ".join(c.after) for c in plan.changes}
    rows = [[code(w.name), w.rdtype, code(values[w.name, w.rdtype]), cell(w.why)] for w in wanted(domain)]
    return table(
        ["name", "type", "value", "why"],
        [[*row[:3], f"{row[3]}{_whose(w)}"] for row, w in zip(rows, wanted(domain), strict=True)],
    )


def _whose(wish: Wanted) -> str:
    return " (in a zone that others keep)" if wish.zone == ELSEWHERE else ""
