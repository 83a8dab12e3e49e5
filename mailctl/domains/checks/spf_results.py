"""What receivers come to when they evaluate an SPF record: for nobody's address, and for our own (RFC 7208 §4).

Promise: the limits are found by running into them, as a receiver would; where a record is broken anyway, that it
lets nobody pass is not said again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.pasted import txt_line
from mailctl.domains.checks.spf_record import named
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Evidence, Finding, evidence
from mailctl.standards import spf_edit
from mailctl.standards.dns import Address, Answer, Status
from mailctl.standards.spf_check import NAME_LIMIT, VOID_LIMIT, Result, evaluate
from mailctl.standards.spf_tree import Branch, Tree

# Nobody sends from these (RFC 1112 §4, RFC 6666), so an evaluation for them goes through the whole record.
NOBODY = (ip_address("240.0.0.1"), ip_address("100::1"))


async def limits(tools: Tools, tree: Tree) -> list[Finding]:
    """What an evaluation for an address that no term matches runs into."""
    results = await asyncio.gather(*(_evaluate(tools, address, tree.domain) for address in NOBODY))
    return _limits(results, tree)


async def _evaluate(tools: Tools, address: Address, domain: str, helo: str = "") -> Result:
    sender = f"postmaster@{domain}" if domain else ""
    return await evaluate(tools.dns, ip=address, helo=helo or domain, mail_from=sender)


def _limits(results: Sequence[Result], tree: Tree) -> list[Finding]:
    plain, v6 = results
    findings = []
    crowds = {
        a.name: a for result in results for a in _asked(result, "MX") if len(a.exchanges()) > NAME_LIMIT
    }
    for crowd in crowds.values():
        message = f"{crowd.name} has {len(crowd.exchanges())} MX records, and SPF looks at {NAME_LIMIT}"
        findings.append(found("spf.mx-too-many-hosts", message, evidence=[evidence(crowd)]))
    empty = _void(plain)
    if len(empty) > VOID_LIMIT:
        message = f"lookups that come back empty: {named([f'{a.name} {a.rdtype}' for a in empty])}"
        expected = f"at most {VOID_LIMIT}"
        findings.append(
            found("spf.too-many-void-lookups", message, evidence=map(evidence, empty), expected=expected)
        )
    elif len(_void(v6)) > VOID_LIMIT:
        message = f"for a client with IPv6: {named([f'{a.name} {a.rdtype}' for a in _void(v6)])}"
        findings.append(found("spf.void-lookups-ipv6", message, evidence=map(evidence, _void(v6))))
    else:
        findings += _dead_terms(plain, v6)
    if not any(node.branch is Branch.UNKNOWN for _, node in tree.walk()):
        findings += _unknown(results)
    return findings


def _unknown(results: Sequence[Result]) -> list[Finding]:
    """One finding for what nobody answered on the way through the record."""
    problem = next((result.problem for result in results if result.result == "temperror"), "")
    silent = {(a.name, a.rdtype): a for r in results for step in r.trace for a in step.answers if not a.known}
    return [found("spf.unknown", problem, evidence=map(evidence, silent.values()))] if problem else []


def _asked(result: Result, *types: str) -> Iterator[Answer]:
    for step in result.trace:
        yield from (answer for answer in step.answers if answer.rdtype in types)


def _void(result: Result) -> list[Answer]:
    """The answers that count as void (§4.6.4), save those on the reverse name of an address that nobody has."""
    return [answer for answer in _asked(result, "A", "AAAA", "MX") if answer.absent]


def _dead_terms(plain: Result, v6: Result) -> list[Finding]:
    """Names of fixed terms that have neither A nor AAAA, or no MX."""
    gone = {(a.name, a.rdtype) for result in (plain, v6) for a in _void(result)}
    fixed = {step.term for step in plain.trace if "%" not in step.term}
    dead: dict[str, Answer] = {}
    for step in plain.trace:
        for answer in step.answers if step.term in fixed else ():
            twin = (answer.name, "AAAA" if answer.rdtype == "A" else answer.rdtype)
            # exists asks for A alone, whatever the client has (§5.7).
            only_a = "exists:" in step.term.lower()
            if (answer.name, answer.rdtype) in gone and (only_a or twin in gone):
                dead[step.term] = answer
    if not dead:
        return []
    words = named([f"{term} ({answer.name} {_said(answer)})" for term, answer in dead.items()])
    return [found("spf.void-lookup", f"nothing is there: {words}", evidence=map(evidence, dead.values()))]


def _said(answer: Answer) -> str:
    return "does not exist" if answer.status is Status.NXDOMAIN else f"has no {answer.rdtype}"


async def sending(target: Target, tools: Tools, text: str, *, sound: bool) -> tuple[list[str], list[Finding]]:
    """The addresses that pass, in words, and a finding for each that does not; both identities (§2.3, §2.4).

    Where the record itself is at fault, a permerror or temperror says nothing new.
    """
    passing, findings = [], list[Finding]()
    results = await asyncio.gather(
        *(_evaluate(tools, ip, target.name, target.hostname) for ip in target.sending_ips)
    )
    for address, result in zip(target.sending_ips, results, strict=True):
        if result.result == "pass":
            passing.append(f"{address} passes by {result.mechanism[:80]}")
        elif result.result not in ("permerror", "temperror") or sound:
            findings.append(_does_not_pass(target, text, address, result))
    if target.hostname and target.hostname != target.name and target.sending_ips:
        findings += await _helo(target, tools)
    return passing, findings


def _does_not_pass(target: Target, text: str, address: Address, result: Result) -> Finding:
    why = result.problem or f"decided by {result.mechanism[:80]}"
    seen = [
        Evidence(f"check_host({address}, {target.name}, postmaster@{target.name})", f"{result.result}: {why}")
    ]
    if result.result == "temperror":
        return found("spf.unknown", f"mail from {address}: {why}", evidence=seen)
    return found(
        "spf.address-does-not-pass",
        f"mail from {address} as {target.name} gets spf={result.result} ({why})",
        evidence=seen,
        expected="pass",
        fix=txt_line(target.name, spf_edit.authorise(text, [address])),
    )


async def _helo(target: Target, tools: Tools) -> list[Finding]:
    """The null sender of bounces, which stands for postmaster@HELO (§2.4)."""
    results = await asyncio.gather(*(_evaluate(tools, ip, "", target.hostname) for ip in target.sending_ips))
    findings, silent = [], list[Evidence]()
    for address, result in zip(target.sending_ips, results, strict=True):
        why = result.problem or f"decided by {result.mechanism[:80]}"
        seen = Evidence(f"check_host({address}, {target.hostname}, <>)", f"{result.result}: {why}")
        message = f"a bounce from {address} as {target.hostname} gets spf={result.result} ({why})"
        if result.result == "temperror":
            findings.append(found("spf.unknown", message, evidence=[seen]))
        elif result.result == "none":
            silent.append(seen)
        elif result.result != "pass":
            findings.append(found("spf.helo-does-not-pass", message, evidence=[seen], expected="pass"))
    if silent:
        message = f"the HELO name {target.hostname} has no SPF record"
        fix = txt_line(target.hostname, spf_edit.authorise(None, target.sending_ips, default="-all"))
        findings.append(found("spf.helo-none", message, evidence=silent, fix=fix))
    return findings
