"""DMARC: the policy that applies to an author domain, and whether a message passes it (RFC 9989).

Promise: a DNS fault is `temperror`, never "no policy" and never "fail"; every evaluation says for each
identifier whether it is aligned, and why. Records are in dmarc_record, the tree walk in dmarc_tree, the
authorisation of report addresses in dmarc_reports; their names are importable from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import idna

from mailctl.standards.dmarc_record import (
    HISTORIC_TAGS,
    Disposition,
    DmarcSyntaxError,
    Record,
    format,  # noqa: A004 - read as dmarc.format
    is_record,
    parse,
)
from mailctl.standards.dmarc_reports import Authorisation, destination_host, report_uri_authorised
from mailctl.standards.dmarc_tree import Walk, walk
from mailctl.standards.dns import Lookup, Status

__all__ = [
    "HISTORIC_TAGS",
    "Authorisation",
    "Disposition",
    "DmarcSyntaxError",
    "Evaluation",
    "Identifier",
    "Policy",
    "Record",
    "Walk",
    "destination_host",
    "discover",
    "evaluate",
    "format",
    "is_record",
    "parse",
    "report_uri_authorised",
    "walk",
]


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy that applies to an author domain. `domain` is where its record is, "" if there is none."""

    status: Literal["found", "none", "temperror"]
    author_domain: str
    reason: str
    domain: str = ""
    source: Literal["author", "organizational", "public-suffix", ""] = ""
    record: Record | None = None
    organizational_domain: str = ""  # "" where a DNS fault hides it
    tag: Literal["p", "sp", "np", ""] = ""  # which one `requested` comes from
    requested: Disposition | None = None  # before t=y
    effective: Disposition | None = None  # after t=y
    walk: Walk | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Identifier:
    """A domain that SPF or DKIM spoke for, and whether it is aligned with the author domain."""

    method: Literal["spf", "dkim"]
    domain: str
    result: str
    alignment: Literal["aligned", "not-aligned", "unknown"]
    strict: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What DMARC says of a message (RFC 9989 §5.3). `disposition` is what the policy asks to be done."""

    result: Literal["none", "pass", "fail", "temperror", "permerror"]
    disposition: Disposition
    policy: Policy
    identifiers: tuple[Identifier, ...]
    reason: str

    @property
    def aligned_by(self) -> tuple[str, ...]:
        """The methods and domains that made it pass, as "dkim example.com"."""
        return tuple(f"{i.method} {i.domain}" for i in self.identifiers if _counts(i))


def _counts(identifier: Identifier) -> bool:
    return identifier.alignment == "aligned" and identifier.result == "pass"


def _a_labels(domain: str) -> str:
    """`domain` as it is compared (RFC 9989 §5.3.1); "" if it is no domain name."""
    domain = domain.removesuffix(".")
    try:
        name = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return ""
    printable = all("!" <= c <= "~" for c in name)
    return name if printable and len(name) <= 253 and all(0 < len(x) <= 63 for x in name.split(".")) else ""


async def discover(lookup: Lookup, author_domain: str) -> Policy:
    """The policy for mail from `author_domain` (RFC 9989 §4.10.1)."""
    author = _a_labels(author_domain)
    if not author:
        return Policy("none", author_domain, f"not a domain name: {author_domain[:80]!a}")
    tree = await walk(lookup, author)
    first = tree.steps[0]
    if first.count > 1:
        # §4.10 discards them all, and the domain has said that it wants a policy of its own: none is
        # inherited from above, as in the published evaluation suite.
        reason = f"{first.count} DMARC records at _dmarc.{author}: all are discarded (RFC 9989 §4.10)"
        return Policy("none", author, reason, walk=tree)
    if tree.fault and not first.record:
        return Policy("temperror", author, tree.fault, walk=tree)
    organizational = tree.organizational_domain
    records = dict(tree.records)
    if first.record:
        policy = Policy("found", author, "", author, "author", first.record, organizational, walk=tree)
        return _settle(policy, first.record, "p")
    if organizational in records:
        source: Literal["organizational", "public-suffix"] = "organizational"
        domain = organizational
    elif tree.public_suffix:
        source, domain = "public-suffix", tree.public_suffix
    else:
        reason = f"no DMARC record at _dmarc.{author} or above it"
        return Policy("none", author, reason, organizational_domain=organizational, walk=tree)
    policy = Policy("found", author, "", domain, source, records[domain], organizational, walk=tree)
    return await _inherit(lookup, policy, records[domain])


async def _inherit(lookup: Lookup, policy: Policy, record: Record) -> Policy:
    """The policy of a domain above the author's: sp if it exists, np if not, p in the absence of these."""
    existing: Literal["sp", "p"] = "sp" if record.subdomain_policy else "p"
    if record.nonexistent_policy is None:
        return _settle(policy, record, existing)
    # RFC 9989 §3.2.13: only NXDOMAIN means that it does not exist; behind a CNAME it speaks of the target.
    answer = await lookup(policy.author_domain, "A")
    if not answer.known:
        reason = f"{policy.author_domain} could not be looked up (np=): {answer.status.value}"
        return replace(policy, status="temperror", reason=reason)
    absent = answer.status is Status.NXDOMAIN and not answer.chain
    return _settle(policy, record, "np" if absent else existing)


def _settle(policy: Policy, record: Record, tag: Literal["p", "sp", "np"]) -> Policy:
    """`policy` with what `tag` asks for, or with what §4.10.1 makes of a record without valid policies."""
    where = f"the record at _dmarc.{policy.domain}"
    if not record.whole:
        wrong = "=, ".join(record.invalid) or "p"
        if not record.report_uris:
            reason = (
                f"{where} has no valid {wrong}= and no valid rua=: DMARC is not applied (RFC 9989 §4.10.1)"
            )
            return replace(policy, status="none", reason=reason)
        reason = f"{where} has no valid {wrong}=: it acts as p=none (RFC 9989 §4.10.1)"
        return replace(policy, tag="p", requested=Disposition.NONE, effective=Disposition.NONE, reason=reason)
    asked = {"p": record.policy, "sp": record.subdomain_policy, "np": record.nonexistent_policy}[tag]
    assert asked is not None  # the record is whole, and the callers name a tag that is there
    effective = asked.lowered if record.testing else asked
    reason = f"{where} says {tag}={asked}" + (f", lowered to {effective} by t=y" if record.testing else "")
    return replace(policy, tag=tag, requested=asked, effective=effective, reason=reason)


async def evaluate(
    lookup: Lookup,
    author_domain: str,
    spf: tuple[str, str] | None,
    dkim: Sequence[tuple[str, str]],
) -> Evaluation:
    """Whether a message From `author_domain` passes (RFC 9989 §5.3).

    `spf` is the domain of MAIL FROM and its SPF result (never that of HELO, §4.4.2), None if it was not
    checked; `dkim` holds d= and the result of each signature.
    """
    policy = await discover(lookup, author_domain)
    if policy.status == "temperror":
        return Evaluation("temperror", Disposition.NONE, policy, (), policy.reason)
    if policy.status == "none":
        return Evaluation("none", Disposition.NONE, policy, (), policy.reason)
    record, effective = policy.record, policy.effective
    assert record is not None  # that is what "found" means
    assert effective is not None
    aligner = _Aligner(lookup, policy)
    found = [] if spf is None else [await aligner.identifier("spf", *spf, record.spf_alignment == "s")]
    for domain, result in dkim:
        found.append(await aligner.identifier("dkim", domain, result, record.dkim_alignment == "s"))
    reasons = "; ".join(f"{i.method}={i.result} {i.domain or '(no domain)'}: {i.reason}" for i in found)
    identifiers = tuple(found)
    if any(_counts(i) for i in identifiers):
        return Evaluation("pass", Disposition.NONE, policy, identifiers, reasons)
    # RFC 9989 §5.3.6: what the DNS kept from us might have been the pass.
    if any(_might_count(i) for i in identifiers):
        return Evaluation("temperror", Disposition.NONE, policy, identifiers, reasons)
    reason = reasons or "neither SPF nor DKIM gave an identifier"
    return Evaluation("fail", effective, policy, identifiers, reason)


def _might_count(identifier: Identifier) -> bool:
    return identifier.result in ("pass", "temperror") and identifier.alignment != "not-aligned"


class _Aligner:
    """Compares identifiers with one author domain, walking each name once (RFC 9989 §4.10.2)."""

    def __init__(self, lookup: Lookup, policy: Policy) -> None:
        self._lookup = lookup
        self._author = policy.author_domain
        self._organization = policy.organizational_domain
        self._fault = policy.walk.fault if policy.walk else ""
        self._walks: dict[str, Walk] = {}

    async def identifier(
        self, method: Literal["spf", "dkim"], domain: str, result: str, strict: bool
    ) -> Identifier:
        name = _a_labels(domain)
        if result not in ("pass", "temperror"):
            return Identifier(method, domain, result, "not-aligned", strict, "only a pass can be aligned")
        if name == self._author:
            reason = f"identical with the author domain {self._author}"
            return Identifier(method, name, result, "aligned", strict, reason)
        if strict:
            tag = "aspf" if method == "spf" else "adkim"
            reason = f"not identical with {self._author}, as {tag}=s asks"
            return Identifier(method, domain, result, "not-aligned", strict, reason)
        alignment, reason = await self._relaxed(name)
        return Identifier(method, name or domain, result, alignment, strict, reason)

    async def _relaxed(self, name: str) -> tuple[Literal["aligned", "not-aligned", "unknown"], str]:
        organization = self._organization
        if not organization:
            return "unknown", self._fault
        # An organizational domain is the name or above it: others need no questions to strangers' servers.
        if not f".{name}".endswith(f".{organization}"):
            return "not-aligned", f"not of the author's organizational domain {organization}"
        if name not in self._walks:
            self._walks[name] = await walk(self._lookup, name)
        own = self._walks[name].organizational_domain
        if not own:
            return "unknown", self._walks[name].fault
        if own == organization:
            return "aligned", f"of the author's organizational domain {organization}"
        return "not-aligned", f"its organizational domain is {own}, the author's is {organization}"
