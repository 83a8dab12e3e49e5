"""How trees, traces, policies and verdicts look, as plain data and as lines of Rich markup that read without colour.

Promise: pure; every value from outside goes through `terminal.safe`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from mailctl.domains.authentication import Authentication
from mailctl.domains.export import zone_fragment
from mailctl.domains.saved_message import Arrival
from mailctl.standards import dmarc
from mailctl.standards.dns import Record
from mailctl.standards.spf import QUALIFIERS
from mailctl.standards.spf_check import LOOKUP_LIMIT, Result
from mailctl.standards.spf_flatten import Flat, Grant
from mailctl.standards.spf_tree import Branch, Tree
from mailctl.terminal import safe

_FINE = (Branch.RECORD, Branch.MACRO)
SHOWN = 100  # characters of a record in a line; --json has all of it
NETWORKS = 8  # of one term in a line


def _cut(text: str) -> str:
    return safe(text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# spf tree


def tree_facts(tree: Tree) -> dict[str, Any]:
    """An include tree as plain data."""
    return {
        "domain": tree.domain,
        "term": tree.term,
        "status": tree.branch.value,
        "detail": tree.detail,
        "record": tree.text,
        "lookups": tree.lookups,
        "children": [tree_facts(child) for child in tree.children],
    }


def spf_facts(tree: Tree, grants: Sequence[Grant], flat: Flat, records: Sequence[Record]) -> dict[str, Any]:
    """Everything that `spf tree` found out."""
    return {
        "domain": tree.domain,
        "lookups": tree.lookups,
        "limit": LOOKUP_LIMIT,
        "tree": tree_facts(tree),
        "authorised": [
            {
                "term": grant.term,
                "domain": grant.domain,
                "qualifier": grant.qualifier,
                "path": list(grant.path),
                "networks": [str(network) for network in grant.networks],
                "note": grant.note,
                "broken": grant.broken,
            }
            for grant in grants
        ],
        "flattened": flat.text,
        "not_flattened": list(flat.kept),
        "flattened_records": [{"name": r.name, "type": r.rdtype, "value": r.value} for r in records],
    }


def spf_lines(tree: Tree, grants: Sequence[Grant], flat: Flat, records: Sequence[Record]) -> Iterator[str]:
    """The same for people."""
    yield from _branch(tree, "", "")
    style = "bold red" if tree.lookups > LOOKUP_LIMIT else "green"
    yield f"[{style}]{tree.lookups} of {LOOKUP_LIMIT} lookups[/]"
    if tree.record is None:
        return
    yield "[bold]Who may send[/]"
    for grant in grants:
        yield _grant(grant)
    if not grants:
        yield "  [dim]nobody[/]"
    yield "[bold]Flattened[/] [dim](to be made again whenever somebody in it moves)[/]"
    if flat.kept:
        yield f"  [dim]stays as it is: {safe(', '.join(flat.kept))}[/]"
    for line in zone_fragment(records).splitlines() or [flat.text]:
        yield f"  {safe(line)}"


def _branch(tree: Tree, lead: str, below: str) -> Iterator[str]:
    """One record of the tree and all below it, with the lines that connect them."""
    fine = tree.branch in _FINE
    what = (
        _cut(tree.text)
        if fine and tree.text
        else f"[bold red]{tree.branch.value}[/] {safe(tree.detail[:300])}"
    )
    if tree.branch is Branch.MACRO:
        what = f"[dim]{safe(tree.detail)}[/]"
    cost = f" [dim]{_count(tree.lookups, 'lookup')}[/]" if tree.record and tree.lookups else ""
    yield f"{lead}[bold]{safe(tree.term or tree.domain)}[/]{cost}  {what}"
    for number, child in enumerate(tree.children, 1):
        last = number == len(tree.children)
        yield from _branch(child, f"{below}{'└─ ' if last else '├─ '}", f"{below}{'   ' if last else '│  '}")


def _grant(grant: Grant) -> str:
    words = "[bold red]error[/]   " if grant.broken else f"{QUALIFIERS[grant.qualifier]:8}"
    named = [str(n).removesuffix(f"/{n.max_prefixlen}") for n in grant.networks[:NETWORKS]]
    more = f" and {len(grant.networks) - NETWORKS} more" if len(grant.networks) > NETWORKS else ""
    note = f" [dim]({safe(grant.note[:200])})[/]" if grant.note else ""
    where = f" [dim]in {safe(grant.domain)}[/]" if grant.path else ""
    return f"  {words} {safe(grant.term[:SHOWN])}{where}  {safe(', '.join(named))}{more}{note}"


# spf test


def result_facts(result: Result) -> dict[str, Any]:
    """An evaluation with its trace."""
    return {
        "result": result.result,
        "domain": result.domain,
        "mechanism": result.mechanism,
        "explanation": result.explanation,
        "problem": result.problem,
        "lookups": result.lookups,
        "void_lookups": result.void_lookups,
        "trace": [
            {"depth": s.depth, "domain": s.domain, "term": s.term, "outcome": s.outcome, "detail": s.detail}
            for s in result.trace
        ],
    }


def result_lines(result: Result) -> Iterator[str]:
    """The same for people: each term in the order it was looked at, then the result."""
    for step in result.trace:
        style = {"match": "green", "no match": "dim", "record": "bold"}.get(step.outcome, "bold red")
        indent = "  " * (step.depth + 1)
        term = f"{safe(step.domain)} TXT" if step.term == "TXT" else safe(step.term[:SHOWN])
        yield f"{indent}{term}: [{style}]{step.outcome}[/] {_cut(step.detail)}"
    style = "bold green" if result.result == "pass" else "bold red"
    why = result.problem or f"decided by {result.mechanism}"
    yield f"[{style}]{result.result}[/] {safe(why[:300])}"
    yield f"[dim]{_count(result.lookups, 'lookup')}, {result.void_lookups} empty[/]"
    if result.explanation:
        yield f"the domain says: {safe(result.explanation)}"


# dmarc policy


def policy_facts(policy: dmarc.Policy, text: str) -> dict[str, Any]:
    """A discovered policy; `text` is the record that it comes from."""
    record = policy.record
    return {
        "name": policy.author_domain,
        "status": policy.status,
        "reason": policy.reason,
        "found_at": f"_dmarc.{policy.domain}" if policy.domain else "",
        "source": policy.source,
        "organizational_domain": policy.organizational_domain,
        "record": text,
        "tags": _tag_facts(record) if record else {},
        "problems": list(record.problems) if record else [],
        "tag": policy.tag,
        "requested": policy.requested,
        "effective": policy.effective,
        "walk": [
            {"name": f"_dmarc.{s.domain}", "records": s.count, "fault": s.fault}
            for s in (policy.walk.steps if policy.walk else ())
        ],
    }


def _tag_facts(record: dmarc.Record) -> dict[str, Any]:
    return {
        "p": record.policy,
        "sp": record.subdomain_policy,
        "np": record.nonexistent_policy,
        "adkim": record.dkim_alignment,
        "aspf": record.spf_alignment,
        "psd": record.psd,
        "t": "y" if record.testing else "n",
        "rua": list(record.report_uris),
        "ruf": list(record.failure_uris),
    }


def policy_lines(policy: dmarc.Policy, text: str) -> Iterator[str]:
    """The same for people: the walk, the record, the policy and what each tag does here."""
    yield "[bold]The tree walk[/]"
    for step in policy.walk.steps if policy.walk else ():
        said = step.fault or {0: "no record", 1: "a record"}.get(
            step.count, f"{step.count} records: discarded"
        )
        used = " [green]used[/]" if step.domain == policy.domain else ""
        yield f"  _dmarc.{safe(step.domain)}: {safe(said)}{used}"
    yield f"[bold]Organizational domain[/] {safe(policy.organizational_domain or 'not known')}"
    if text:
        yield f"[bold]Record[/] {_cut(text)}"
        yield from (f"  {line}" for line in _tag_lines(policy))
    style = "green" if policy.status == "found" else "bold red"
    effective = policy.effective.value if policy.effective else policy.status
    yield f"[bold]Policy for {safe(policy.author_domain)}[/] [{style}]{effective}[/] {safe(policy.reason)}"


def _tag_lines(policy: dmarc.Policy) -> Iterator[str]:
    """What each tag of the record means for this very name."""
    record = policy.record
    if record is None:
        return
    above = policy.source != "author"
    for tag, value, role in (
        ("p", record.policy, "for what has no sp or np" if above else "for the domain itself"),
        ("sp", record.subdomain_policy, "for subdomains that exist"),
        ("np", record.nonexistent_policy, "for subdomains that do not exist"),
    ):
        chosen = " [green]applies here[/]" if policy.tag == tag else ""
        yield f"{tag}={value.value if value else '-':10} [dim]{role}[/]{chosen}"
    if record.testing:
        yield "t=y          [dim]each policy is applied one level below[/]"
    if record.psd != "u":
        meaning = "a public suffix" if record.psd == "y" else "an organizational domain"
        yield f"psd={record.psd}        [dim]{safe(policy.domain)} is {meaning}[/]"
    for name, strict in (("adkim", record.dkim_alignment), ("aspf", record.spf_alignment)):
        words = "the very same domain" if strict == "s" else "the same organizational domain"
        yield f"{name}={strict}".ljust(12) + f" [dim]aligned means {words}[/]"
    for problem in record.problems:
        yield f"[bold red]wrong[/] {safe(problem[:300])}"


# auth check


def message_facts(name: str, came: Arrival, outcome: Authentication) -> dict[str, Any]:
    """What a receiver makes of a saved message."""
    return {
        "message": name,
        "client": str(came.envelope.client) if came.envelope.client else None,
        "helo": came.envelope.helo,
        "mail_from": came.envelope.mail_from,
        "sources": list(came.sources),
        "verdicts": [
            {"method": v.method, "result": v.result, "identity": v.identity, "reason": v.reason}
            for v in outcome.verdicts
        ],
        "disposition": outcome.disposition,
        "authentication_results": outcome.header,
    }


def message_lines(name: str, came: Arrival, outcome: Authentication) -> Iterator[str]:
    """The same for people."""
    envelope = came.envelope
    yield f"[bold]{safe(name)}[/]"
    client = str(envelope.client) if envelope.client else "not known"
    yield f"  from {client} as {safe(envelope.helo or '(no HELO)')}, MAIL FROM <{safe(envelope.mail_from)}>"
    yield f"  [dim]{safe('; '.join(came.sources))}[/]"
    for verdict in outcome.verdicts:
        style = "green" if verdict.result == "pass" else "bold red"
        yield f"  [{style}]{verdict.method}={verdict.result}[/] {safe(verdict.identity)}"
        yield f"      [dim]{safe(verdict.reason[:1000])}[/]"
    yield f"  [dim]Authentication-Results: {safe(outcome.header)}[/]"
    if outcome.results("dmarc") != ("pass",):
        yield f"  the policy asks for: {outcome.disposition}"
