"""Where an SPF record leads: its includes and redirects, what they cost, and whom they let in (RFC 7208 §4.6.4, §5.2).

Promise: one finding for each domain that is led to and each thing wrong with it, however often it is included.
"""

from dataclasses import replace

from mailctl.domains.checks import spf_record
from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.checks.spf_record import named
from mailctl.domains.checks.target import Tools
from mailctl.domains.export import zone_fragment
from mailctl.domains.findings import Evidence, Finding, Severity, evidence
from mailctl.standards import spf, spf_flatten
from mailctl.standards.dns import Answer
from mailctl.standards.spf_check import LOOKUP_LIMIT
from mailctl.standards.spf_macro import letters_of, parts
from mailctl.standards.spf_tree import Branch, Tree, count

_FLATTENED = 200  # terms of a record that somebody may have written, and may want flattened
NEAR_LIMIT = 9  # lookups from which there is hardly room for one more provider
_BRANCHES = {
    Branch.MISSING: "spf.include-missing",
    Branch.SEVERAL: "spf.include-multiple-records",
    Branch.BROKEN: "spf.include-broken",
    Branch.LOOP: "spf.include-loop",
    Branch.UNKNOWN: "spf.unknown",
}


async def follow(tools: Tools, tree: Tree, answer: Answer, text: str, record: spf.Record) -> list[Finding]:
    """Everything that the tree of a record shows; `answer` and `text` are the record at its root."""
    findings = await _followed(tools, tree)
    findings += _careless(tree)
    findings += await _costs(tools, tree, answer)
    return findings + await _always_there(tools, answer, text, record)


async def _followed(tools: Tools, tree: Tree) -> list[Finding]:
    """A finding for each include or redirect that goes wrong, once for each domain."""
    findings, seen = [], set[tuple[Branch, str]]()
    for _, node in tree.walk():
        id_ = _BRANCHES.get(node.branch)
        if not node.term or id_ is None or (node.branch, node.domain) in seen:
            continue
        seen.add((node.branch, node.domain))
        answer = await tools.ask(node.domain, "TXT")
        message = f"{named([node.term])}: {node.detail[:300]}"
        own = node.term in tree.text.split(" ")
        fix = _without_term(tree, node.term) if own and node.branch is not Branch.UNKNOWN else ""
        finding = found(id_, message, evidence=[evidence(answer)], fix=fix)
        findings.append(replace(finding, elsewhere=not own))
    return findings


def _without_term(tree: Tree, term: str) -> str:
    if tree.record is None:
        return ""
    terms = [t for t in tree.record.terms if t.written == term]
    return txt_line(tree.domain, spf_record.without(tree.text, terms))


def _careless(tree: Tree) -> list[Finding]:
    """Includes and redirects that pass everybody, and those that use ptr."""
    findings = []
    for child in tree.children:
        if (why := _passes_all(child)) and _lets_through(tree, child):
            message = f"{named([child.term])} lets every address send: {why}"
            fix = _without_term(tree, child.term)
            seen = [Evidence(f"{child.domain} TXT", child.text[:1000])]
            findings.append(found("spf.include-passes-all", message, evidence=seen, fix=fix))
    slow = {n.domain: n.text for depth, n in tree.walk() if depth and n.record and _uses_ptr(n.record)}
    if slow:
        message = f"records that others keep use ptr: {named(list(slow))}"
        seen = [Evidence(f"{domain} TXT", text[:1000]) for domain, text in slow.items()]
        finding = found("spf.ptr", message, evidence=seen, severity=Severity.INFO)
        findings.append(replace(finding, elsewhere=True))
    return findings


def _uses_ptr(record: spf.Record) -> bool:
    return any(m.name == "ptr" for m in spf_record.reached(record))


def _lets_through(tree: Tree, child: Tree) -> bool:
    """Whether a pass of the child is a pass of its parent."""
    if child.term.startswith("redirect=") or tree.record is None:
        return True
    return any(m.written == child.term and m.qualifier == "+" for m in tree.record.mechanisms)


def _passes_all(tree: Tree) -> str:
    """Why a record lets everybody pass, or ""."""
    if tree.record is None:
        return ""
    for mechanism in spf_record.reached(tree.record):
        if spf_record.is_whole_internet(mechanism):
            return f"{tree.domain} has {mechanism.written}"
    if tree.record.all is not None and tree.record.all.qualifier == "+":
        return f"{tree.domain} has {tree.record.all.written}"
    for child in tree.children:
        if (why := _passes_all(child)) and _lets_through(tree, child):
            return why
    return ""


async def _costs(tools: Tools, tree: Tree, answer: Answer) -> list[Finding]:
    spent = tree.lookups
    if spent < NEAR_LIMIT:
        return []
    costs = _cost_of_terms(tree)
    message = f"the record needs {spent} DNS lookups, {LOOKUP_LIMIT} are allowed: {costs}"
    seen, expected = [evidence(answer)], f"at most {LOOKUP_LIMIT} lookups"
    if spent <= LOOKUP_LIMIT:
        return [found("spf.lookups-near-limit", message, evidence=seen, expected=expected)]
    fix = await _flattened(tools, tree)
    return [found("spf.too-many-lookups", message, evidence=seen, expected=expected, fix=fix)]


def _cost_of_terms(tree: Tree) -> str:
    """The dearest terms of the record: "include:_spf.google.com 4, mx 1"."""
    costs = {child.term: 1 + child.lookups for child in tree.children}
    terms = spf_record.reached(tree.record) if tree.record else ()
    costs |= {m.written: 1 for m in terms if m.name in spf.ASKING and m.written not in costs}
    dearest = sorted(costs, key=lambda term: -costs[term])
    return named([f"{term[:50]} {costs[term]}" for term in dearest])


async def _flattened(tools: Tools, tree: Tree) -> str:
    """The record without lookups, to be pasted; "" where that cannot be had."""
    if tree.record is None or len(tree.record.terms) > _FLATTENED:
        return ""
    flat = spf_flatten.flatten(tree, await spf_flatten.grants(tools.dns, tree))
    records = spf_flatten.divided(tree.domain, flat)
    left = await count(tools.dns, tree.domain, text=flat.text)
    if not records or left.lookups + len(records) - 1 > LOOKUP_LIMIT:
        return ""
    return zone_fragment(records).rstrip()


async def _always_there(tools: Tools, answer: Answer, text: str, record: spf.Record) -> list[Finding]:
    """exists: of a name without macros, which is there for every sender alike (RFC 7208 §5.7)."""
    fixed = [
        m
        for m in spf_record.reached(record)
        if m.name == "exists" and m.qualifier == "+" and not letters_of(parts(m.domain))
    ]
    findings = []
    for mechanism in fixed[:LOOKUP_LIMIT]:
        there = await tools.ask(mechanism.domain.removesuffix("."), "A")
        if there.addresses():
            message = f"{named([mechanism.written])} matches for every sender"
            fix = txt_line(answer.name, spf_record.without(text, [mechanism]))
            findings.append(found("spf.exists-passes-all", message, evidence=[evidence(there)], fix=fix))
    return findings
