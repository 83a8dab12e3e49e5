"""MX records: whether mail for the domain has a place to go (RFC 5321 §5.1, RFC 7505).

Promise: one finding for each host and cause: of an alias it is not said as well that it has no address.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address

from mailctl.domains.checks.catalogue import found
from mailctl.domains.checks.target import Profile, Target, Tools
from mailctl.domains.findings import Evidence, Finding, Severity, evidence
from mailctl.edges.resolver.questions import describe
from mailctl.standards import spf
from mailctl.standards.dns import Address, Answer, Mx, rdata_text
from mailctl.standards.reachable import why_not_public

MOST_HOSTS = 30  # looked at; a zone may name thousands, and each costs two questions
_SOUND = (Severity.OK, Severity.INFO)


async def check(target: Target, tools: Tools) -> list[Finding]:
    """What is to be said about the mail exchanges of one domain."""
    answer = await tools.ask(target.name, "MX")
    if not answer.known:
        return [
            found("mx.unknown", f"the exchanges are unknown: {describe(answer)}", evidence=[evidence(answer)])
        ]
    if answer.absent:
        return await _without(target, tools, answer)
    if any(not mx.host for mx in answer.exchanges()):
        return await _null(target, tools, answer)
    findings = _parked(target, answer) + _records(answer) + await _hosts(answer, tools)
    if all(finding.severity in _SOUND for finding in findings):
        names = ", ".join(sorted(mx.host for mx in answer.exchanges()))
        ok = found("mx.ok", f"mail for {target.name} goes to {names}", evidence=[evidence(answer)])
        findings.insert(0, ok)
    return findings


def _parked(target: Target, answer: Answer) -> list[Finding]:
    if target.profile is not Profile.PARKED:
        return []
    message = f"{target.name} is parked, but has mail exchanges"
    return [
        found("mx.not-null", message, evidence=[evidence(answer)], expected="0 .", fix=_null_mx(target.name))
    ]


def _null_mx(name: str) -> str:
    return f"{name}. 3600 IN MX 0 ."


async def _without(target: Target, tools: Tools, answer: Answer) -> list[Finding]:
    """No MX: senders turn to the address of the domain itself (RFC 5321 §5.1, the implicit MX)."""
    asked = await _addresses(target.name, tools)
    seen = [evidence(answer), *map(evidence, asked)]
    reached = [address for one in asked for address in one.addresses()]
    if reached:
        where = f"mail goes to the address of the domain itself, {', '.join(map(str, reached))}"
    elif all(one.absent for one in asked):
        where = "and no address: nothing can be delivered to it"
    else:
        where = "and whether it has an address is unknown"
    if target.profile is Profile.PARKED and not reached:
        message = f"{target.name} has no MX, {where}; a null MX would say so"
        return [found("mx.ok", message, evidence=seen, fix=_null_mx(target.name))]
    if target.profile is Profile.PARKED:
        message = f"{target.name} is parked and has no null MX: {where}"
        return [found("mx.not-null", message, evidence=seen, expected="0 .", fix=_null_mx(target.name))]
    hopeless = target.profile is Profile.RECEIVING and all(one.absent for one in asked)
    return [
        found(
            "mx.missing",
            f"{target.name} has no MX record: {where}",
            evidence=seen,
            expected="an MX record for each host that takes its mail, or a null MX",
            fix=f"{target.name}. 3600 IN MX 10 {target.hostname or 'mail.' + target.name}.",
            severity=Severity.ERROR if hopeless else None,
        )
    ]


async def _null(target: Target, tools: Tools, answer: Answer) -> list[Finding]:
    seen = [evidence(answer)]
    exchanges = answer.exchanges()
    if len(exchanges) > 1:
        others = ", ".join(mx.host for mx in exchanges if mx.host)
        message = f"{target.name} has a null MX beside {others or 'another one'}"
        return [found("mx.null-not-alone", message, evidence=seen, expected="a null MX alone, or none")]
    if target.profile is Profile.RECEIVING:
        message = f"{target.name} is meant to take mail, but its null MX refuses all of it"
        fix = f"{target.name}. 3600 IN MX 10 mail.{target.name}."
        return [found("mx.null-but-receives", message, evidence=seen, expected="an MX with a host", fix=fix)]
    findings = []
    if exchanges[0].preference != 0:
        message = f"the null MX of {target.name} has preference {exchanges[0].preference}"
        fix = _null_mx(target.name)
        findings.append(found("mx.null-preference", message, evidence=seen, expected="0 .", fix=fix))
    texts = await tools.ask(target.name, "TXT")
    senders = _senders(texts)
    if senders:
        message = f"{target.name} has a null MX, but its SPF record lets hosts send: {senders}"
        proof = [*seen, Evidence(f"{target.name} TXT", senders, texts.server, texts.ttl)]
        findings.append(found("mx.null-but-sends", message, evidence=proof, expected="v=spf1 -all"))
    return findings or [found("mx.null", f"{target.name} takes no mail, and says so", evidence=seen)]


def _senders(texts: Answer) -> str:
    """The SPF record if it lets anybody send; "" where it does not, or where the SPF check has more to say."""
    records = spf.select(texts.texts())
    if len(records) != 1:
        return ""
    try:
        record = spf.parse(records[0])
    except spf.SpfSyntaxError:
        return ""
    sends = bool(record.redirect) or any(mechanism.qualifier == "+" for mechanism in record.mechanisms)
    return records[0] if sends else ""


def _records(answer: Answer) -> list[Finding]:
    """What the records themselves tell."""
    findings = []
    counts = Counter(mx.host for mx in answer.exchanges())
    for host in sorted(host for host, count in counts.items() if count > 1):
        same = " | ".join(rdata_text(mx) for mx in answer.exchanges() if mx.host == host)
        message = f"{host} is named {counts[host]} times: {same}"
        findings.append(found("mx.duplicate", message, evidence=[evidence(answer)]))
    if len(counts) == 1:
        message = f"{next(iter(counts))} is the only exchange"
        findings.append(found("mx.single", message, evidence=[evidence(answer)]))
    return findings


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One host of the MX records, with what was asked about it."""

    mx: Mx
    asked: tuple[Answer, ...]

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(address for answer in self.asked for address in answer.addresses())

    @property
    def complete(self) -> bool:
        """Whether both families are known, and there is an address."""
        return bool(self.addresses) and all(answer.known for answer in self.asked)


async def _hosts(answer: Answer, tools: Tools) -> list[Finding]:
    """What is to be said about each exchange, in the order of preference."""
    by_host = {mx.host: mx for mx in sorted(answer.exchanges(), key=lambda mx: (-mx.preference, mx.host))}
    ordered = sorted(by_host.values(), key=lambda mx: (mx.preference, mx.host))
    findings = _too_many(answer, len(ordered))
    ordered = ordered[:MOST_HOSTS]
    named = [mx for mx in ordered if _literal(mx.host) is None]
    exchanges = await asyncio.gather(*(_look(mx, tools) for mx in named))
    findings += [_is_address(mx, answer) for mx in ordered if mx not in named]
    for exchange in exchanges:
        findings += _host(answer.name, exchange, tools)
    return findings + _families(exchanges)


def _too_many(answer: Answer, count: int) -> list[Finding]:
    if count <= MOST_HOSTS:
        return []
    message = f"{answer.name} names {count} exchanges; the first {MOST_HOSTS} were looked at"
    seen = Evidence(f"{answer.name} MX", f"{count} hosts", answer.server, answer.ttl)
    return [found("mx.too-many", message, evidence=[seen])]


async def _look(mx: Mx, tools: Tools) -> _Exchange:
    return _Exchange(mx, await _addresses(mx.host, tools))


async def _addresses(name: str, tools: Tools) -> tuple[Answer, ...]:
    return tuple(await asyncio.gather(tools.ask(name, "A"), tools.ask(name, "AAAA")))


def _literal(host: str) -> Address | None:
    """The address that somebody wrote for a host name: 192.0.2.1, [192.0.2.1] or 2001:db8::1."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _is_address(mx: Mx, answer: Answer) -> Finding:
    return found(
        "mx.is-address",
        f"the exchange {mx.host} is an address, not a host name",
        evidence=[evidence(answer)],
        expected="a host name that has this address",
        fix=f"mail.{answer.name}. 3600 IN A {mx.host}\n{answer.name}. 3600 IN MX {mx.preference} mail.{answer.name}."
        if ":" not in mx.host
        else "",
    )


def _host(domain: str, exchange: _Exchange, tools: Tools) -> list[Finding]:
    """The findings on one host; at most one of alias, unknown and without address."""
    host, seen = exchange.mx.host, [evidence(answer) for answer in exchange.asked]
    chain = next((answer.chain for answer in exchange.asked if answer.chain), ())
    if chain:
        nothing = "" if exchange.addresses else ", which has no address"
        nothing = nothing if all(answer.known for answer in exchange.asked) else ""
        return [
            found(
                "mx.is-cname",
                f"{host} is an alias of {chain[-1]}{nothing}",
                evidence=seen,
                expected=f"an MX that names {chain[-1]}, or addresses at {host}",
                fix=f"{domain}. 3600 IN MX {exchange.mx.preference} {chain[-1]}.",
            )
        ]
    if not exchange.addresses:
        return [_homeless(domain, exchange, seen)]
    private = [f"{a} is {why}" for a in exchange.addresses if (why := _unreachable(a))]
    if private and not tools.allow_private:
        message = f"{host} cannot be reached from the Internet: {', '.join(private)}"
        return [found("mx.private", message, evidence=seen, expected="public addresses")]
    unknown = [answer for answer in exchange.asked if not answer.known]
    return [found("mx.unknown", describe(answer), evidence=[evidence(answer)]) for answer in unknown]


def _homeless(domain: str, exchange: _Exchange, seen: list[Evidence]) -> Finding:
    host = exchange.mx.host
    unknown = [answer for answer in exchange.asked if not answer.known]
    if unknown:
        return found(
            "mx.unknown", f"the addresses of {host} are unknown: {describe(unknown[0])}", evidence=seen
        )
    doubled = f".{domain}.{domain}"
    hint = "; the final dot was forgotten in the zone file" if f".{host}".endswith(doubled) else ""
    status = exchange.asked[0].status.value.upper()
    return found(
        "mx.unresolvable",
        f"{host} has neither A nor AAAA ({status}){hint}",
        evidence=seen,
        expected="at least one A record",
        fix=f"{host}. 3600 IN A ADDRESS  (or take {host} out of the MX records)",
    )


def _unreachable(address: Address) -> str:
    """Why senders cannot reach it; documentation addresses pass, since laboratories live on them."""
    words = why_not_public(address)
    return "" if words.startswith("documentation") else words


def _families(exchanges: list[_Exchange]) -> list[Finding]:
    """Which of IPv4 and IPv6 no exchange has; nothing where that is not fully known."""
    if not exchanges or not all(exchange.complete for exchange in exchanges):
        return []
    versions = {address.version for exchange in exchanges for address in exchange.addresses}
    seen = [evidence(answer) for exchange in exchanges for answer in exchange.asked if answer.absent]
    if 6 not in versions:
        return [found("mx.no-ipv6", "no exchange has an AAAA record", evidence=seen)]
    if 4 not in versions:
        return [found("mx.no-ipv4", "no exchange has an A record", evidence=seen)]
    return []
