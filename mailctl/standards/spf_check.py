"""Evaluate SPF (RFC 7208 §4): may this address send for that domain?

Promise: `evaluate` ends in one of the seven results of §2.6 whatever the DNS says, and asks it at most
a few hundred questions: ten terms (§4.6.4), ten names for each mx and ptr. A fault of the DNS is temperror,
never "there is none". The trace names each term that was looked at, with the answers it was judged by.
The explanation and the trace quote the DNS: make them safe before they reach a terminal.
"""

from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network

from mailctl.standards.dns import Address, Answer, Lookup, Status, rdata_text
from mailctl.standards.names import NAME_LENGTH, BadName, host_name, is_at_or_below, shown
from mailctl.standards.spf import QUALIFIERS, Mechanism, Record, SpfSyntaxError, parse, select
from mailctl.standards.spf_macro import DOMAIN_LETTERS, MacroError, Part, expand, letters_of, parts
from mailctl.standards.spf_tree import Branch, Tree, count

__all__ = ["LOOKUP_LIMIT", "VOID_LIMIT", "Branch", "Result", "Step", "Tree", "count", "evaluate"]

LOOKUP_LIMIT = 10  # §4.6.4: terms that ask the DNS
VOID_LIMIT = 2  # §4.6.4: answers that are empty
NAME_LIMIT = 10  # §4.6.4: hosts of one mx, names of one ptr
EXPLANATION_LIMIT = 1000  # characters; an SMTP reply has no room for more
TRACE_LIMIT = 1000  # steps; a record of 64 kB holds thousands of terms

_SHOWN_RECORDS = 10
_SAID_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at: a record that was fetched (`term` is "TXT"), or one of its terms."""

    depth: int  # 0 in the domain's own record, one more for each include or redirect
    domain: str  # whose record it is
    term: str  # as written
    outcome: str  # record, none; match, no match; temperror, permerror
    detail: str  # why, in words
    answers: tuple[Answer, ...] = ()  # what the DNS said to it

    def __str__(self) -> str:
        return f"{self.domain}: {self.term}: {self.outcome} ({self.detail})"


@dataclass(frozen=True, slots=True)
class Result:
    """What check_host() came to."""

    result: str  # none neutral pass fail softfail temperror permerror
    domain: str  # whose policy was asked: of the sender, or of HELO where the sender is empty
    mechanism: str  # the term that decided, as written; "default" where none matched, "" on none and errors
    explanation: str  # §6.2, only on fail; "" where none is published
    lookups: int  # terms that asked the DNS
    void_lookups: int
    trace: tuple[Step, ...]
    problem: str  # why it is none, temperror or permerror


async def evaluate(
    lookup: Lookup,
    *,
    ip: Address | str,
    helo: str,
    mail_from: str,
    receiver: str = "unknown",
    now: int = 0,
) -> Result:
    """check_host() for a connection from `ip` that said `helo` and MAIL FROM `mail_from` ("" is the null
    sender, which stands for postmaster@helo, §2.4).

    `receiver` and `now` (seconds since 1970) serve only the macros %{r} and %{t} of explanations.
    """
    local, _, domain = mail_from.rpartition("@")
    domain = _ascii(domain or helo)
    check = _Check(lookup, ip_address(str(ip)), helo, local or "postmaster", domain, receiver, now)
    try:
        verdict = await check.host(domain, 0)
    except _Stop as stop:
        verdict = _Verdict(stop.result, domain, problem=stop.problem)
    explanation = await check.explanation(verdict) if verdict.result == "fail" else ""
    return Result(
        verdict.result,
        domain,
        verdict.mechanism,
        explanation,
        check.lookups,
        check.void_lookups,
        tuple(check.trace),
        verdict.problem,
    )


@dataclass(frozen=True, slots=True)
class _Verdict:
    result: str
    domain: str
    mechanism: str = ""
    record: Record | None = None
    problem: str = ""


class _Stop(Exception):
    def __init__(self, result: str, problem: str) -> None:
        super().__init__(problem)
        self.result = result
        self.problem = problem


class _Check:
    """One evaluation: its subject, its counters and its trace."""

    def __init__(
        self, lookup: Lookup, ip: Address, helo: str, local: str, sender_domain: str, receiver: str, now: int
    ) -> None:
        # §5: an IPv4 address that came mapped into IPv6 is an IPv4 address.
        self.ip = ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
        self.lookup = lookup
        self.lookups = 0
        self.void_lookups = 0
        self.trace: list[Step] = []
        self._asked: list[Answer] = []
        self._explaining = False
        self._valid_names: tuple[str, ...] | None = None
        self._values = {
            "s": f"{local}@{sender_domain}",
            "l": local,
            "o": sender_domain,
            "i": _dotted(self.ip),
            "v": "in-addr" if self.ip.version == 4 else "ip6",
            "h": helo,
            "c": str(self.ip),
            "r": receiver,
            "t": str(now),
        }

    async def host(self, domain: str, depth: int) -> _Verdict:
        """§4.3–§4.7 for one domain; `_Stop` ends the whole evaluation."""
        if not _can_be_asked(domain):
            return _Verdict("none", domain, problem=f"{shown(domain)} is not a domain name")
        text, problem = await self._fetch(domain, depth)
        if text is None:
            return _Verdict("none", domain, problem=problem)
        try:
            record = parse(text)
        except SpfSyntaxError as error:
            raise _Stop("permerror", f"the SPF record of {domain} is broken: {error}") from None
        for mechanism in record.mechanisms:
            if await self._judge(mechanism, domain, depth):
                return _Verdict(QUALIFIERS[mechanism.qualifier], domain, mechanism.written, record)
        if record.redirect is None:
            return _Verdict("neutral", domain, "default", record)  # §4.7
        self._spend("redirect=")
        detail = "followed, as no mechanism matched"
        self._add(Step(depth, domain, f"redirect={record.redirect}", "match", detail))
        verdict = await self.host(await self._target(record.redirect, domain), depth + 1)
        if verdict.result == "none":  # §6.1
            raise _Stop("permerror", f"the redirect of {domain} leads nowhere: {verdict.problem}")
        return verdict

    async def explanation(self, verdict: _Verdict) -> str:
        """§6.2: the text that exp= leads to, or "" where anything is wrong with it."""
        spec = verdict.record.explanation if verdict.record else None
        if spec is None:
            return ""
        self._explaining = True  # §4.6.4: nothing counts any more
        target = await self._target(spec, verdict.domain)
        if not _can_be_asked(target):
            return ""
        texts = (await self._ask(target, "TXT")).texts()
        if len(texts) != 1 or len(texts[0]) > EXPLANATION_LIMIT:
            return ""
        try:
            pieces = parts(texts[0], spaces=True)
        except MacroError:
            return ""
        return expand(pieces, await self._values_for(pieces, verdict.domain))[:EXPLANATION_LIMIT]

    async def _fetch(self, domain: str, depth: int) -> tuple[str | None, str]:
        """The text of the domain's SPF record (§4.4, §4.5), or None and why there is none."""
        answer = await self._ask(domain, "TXT")
        found = select(answer.texts())
        if not answer.known:
            outcome, detail = "temperror", f"whether it has an SPF record is not known: {_said(answer)}"
        elif len(found) > 1:
            outcome, detail = "permerror", f"{domain} has {len(found)} SPF records and may have one"
        elif found:
            outcome, detail = "record", found[0]
        else:
            outcome, detail = "none", f"{domain} has no SPF record ({_said(answer)})"
        self._add(Step(depth, domain, "TXT", outcome, detail, (answer,)))
        if outcome.endswith("error"):
            raise _Stop(outcome, detail)
        return (found[0], "") if found else (None, detail)

    async def _judge(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        """Whether a mechanism matches, with its step in the trace before those of what it includes."""
        step = Step(depth, domain, mechanism.written, "no match", "")
        index = self._add(step)
        outer, self._asked = self._asked, []
        try:
            matched, detail = await self._matches(mechanism, domain, depth)
            step = replace(step, outcome="match" if matched else "no match", detail=detail)
        except _Stop as stop:
            step = replace(step, outcome=stop.result, detail=stop.problem)
            raise
        finally:
            if index is not None:
                self.trace[index] = replace(step, answers=tuple(self._asked))
            self._asked = outer
        return matched

    async def _matches(self, mechanism: Mechanism, domain: str, depth: int) -> tuple[bool, str]:
        """§5: whether it matches, and why in words."""
        if mechanism.name == "all":
            return True, "it always matches"
        if mechanism.network is not None:
            network = mechanism.network.network
            inside = self.ip.version == network.version and self.ip in network
            return inside, f"{self.ip} is {'' if inside else 'not '}in {network}"
        self._spend(mechanism.written)
        target = await self._target(mechanism.domain, domain)
        match mechanism.name:
            case "include":
                return await self._include(target, depth)
            case "ptr":
                names = await self._validated_names()
                matched = any(is_at_or_below(name, target.lower()) for name in names)
                return matched, f"names of {self.ip} that lead back to it: {', '.join(names) or 'none'}"
            case "a":
                matched = await self._is_address_of(target, mechanism)
            case "mx":
                matched = await self._mx(target, mechanism)
            case _:  # exists, §5.7: always A, whatever the connection is
                matched = bool((await self._ask_counted(target, "A")).addresses())
        said = ", ".join(map(_said, self._asked))
        return matched, said or f"{shown(target)} is not a name that can be looked up"

    async def _include(self, target: str, depth: int) -> tuple[bool, str]:
        verdict = await self.host(target, depth + 1)
        if verdict.result == "none":  # §5.2
            raise _Stop("permerror", f"the include leads nowhere: {verdict.problem}")
        return verdict.result == "pass", f"{target} says {verdict.result} by {verdict.mechanism}"

    async def _mx(self, target: str, mechanism: Mechanism) -> bool:
        exchanges = (await self._ask_counted(target, "MX")).exchanges()
        if len(exchanges) > NAME_LIMIT:  # §4.6.4
            problem = f"{target} has {len(exchanges)} MX records; SPF looks at {NAME_LIMIT} at most"
            raise _Stop("permerror", problem)
        for host in dict.fromkeys(mx.host for mx in sorted(exchanges, key=lambda mx: mx.preference)):
            if await self._is_address_of(host, mechanism):
                return True
        return False

    async def _is_address_of(self, name: str, mechanism: Mechanism) -> bool:
        answer = await self._ask_counted(name, self._address_type)
        prefix = mechanism.prefix4 if self.ip.version == 4 else mechanism.prefix6
        return any(
            address.version == self.ip.version and self.ip in ip_network((address, prefix), strict=False)
            for address in answer.addresses()
        )

    async def _validated_names(self) -> tuple[str, ...]:
        """§5.5: the names of the address that lead back to it. Faults only leave names out."""
        if self._valid_names is None:
            answer = await self._ask(self.ip.reverse_pointer, "PTR")
            if answer.known and not self._explaining:
                self._count_void(answer)
            valid = []
            for name in answer.hosts()[:NAME_LIMIT]:
                if _can_be_asked(name) and self.ip in (await self._ask(name, self._address_type)).addresses():
                    valid.append(name.lower().removesuffix("."))
            self._valid_names = tuple(valid)
        return self._valid_names

    @property
    def _address_type(self) -> str:
        return "A" if self.ip.version == 4 else "AAAA"

    async def _ask(self, name: str, rdtype: str) -> Answer:
        answer = await self.lookup(name.removesuffix(".").lower(), rdtype)
        self._asked.append(answer)
        return answer

    async def _ask_counted(self, name: str, rdtype: str) -> Answer:
        """Ask for a mechanism: a fault is temperror (§2.6.6), and void answers are counted (§4.6.4).

        Each answer counts, as receivers do it, and not each term, as the text can be read: what passes
        here passes there. A name that cannot be asked for is one that does not exist (§4.8).
        """
        if not _can_be_asked(name):
            return Answer(name, rdtype, Status.NXDOMAIN)
        answer = await self._ask(name, rdtype)
        if not answer.known:
            raise _Stop("temperror", f"the DNS did not answer: {_said(answer)}")
        self._count_void(answer)
        return answer

    def _count_void(self, answer: Answer) -> None:
        if not answer.records:
            self.void_lookups += 1
            if self.void_lookups > VOID_LIMIT:
                raise _Stop("permerror", f"more than {VOID_LIMIT} lookups came back empty: {_said(answer)}")

    def _spend(self, term: str) -> None:
        if self.lookups >= LOOKUP_LIMIT:
            problem = f"{shown(term)} would be lookup {LOOKUP_LIMIT + 1}; {LOOKUP_LIMIT} are allowed"
            raise _Stop("permerror", problem)
        self.lookups += 1

    async def _target(self, spec: str, domain: str) -> str:
        """§4.8: the name that a domain-spec means, cut on the left to what the DNS takes (§7.3)."""
        if not spec:
            return domain
        pieces = parts(spec, letters=DOMAIN_LETTERS)
        values = await self._values_for(pieces, domain)
        name = expand(pieces, values, last=NAME_LENGTH + 1).removesuffix(".")
        while len(name) > NAME_LENGTH and "." in name:
            name = name[-NAME_LENGTH - 1 :].partition(".")[2]
        return name

    async def _values_for(self, pieces: tuple[Part, ...], domain: str) -> dict[str, str]:
        values = self._values | {"d": domain}
        if "p" in letters_of(pieces):
            values["p"] = await self._validated_name(domain)
        return values

    async def _validated_name(self, domain: str) -> str:
        """§7.3 %{p}: the domain itself, else a name below it, else any, else "unknown"."""
        if self._valid_names is None and not self._explaining:
            self._spend("%{p}")
        names = await self._validated_names()
        domain = domain.lower()
        below = [name for name in names if is_at_or_below(name, domain)]
        return next((n for n in (domain, *below) if n in below), next(iter(names), "unknown"))

    def _add(self, step: Step) -> int | None:
        if len(self.trace) >= TRACE_LIMIT:
            return None
        self.trace.append(step)
        return len(self.trace) - 1


def _said(answer: Answer) -> str:
    """One answer for a reader: "mail.shop.example A 192.0.2.1", "shop.example MX nxdomain"."""
    texts = [rdata_text(record) for record in answer.records[:_SHOWN_RECORDS]]
    said = ", ".join(texts) or " ".join(filter(None, (answer.status, answer.detail)))
    return f"{answer.name} {answer.rdtype} {said[:_SAID_LENGTH]}"


def _can_be_asked(name: str) -> bool:
    """§4.3: a name of two or more labels that fits into a query. What macros make need not look like a
    host name; a backslash would be an escape to those who speak to the DNS."""
    labels = name.removesuffix(".").split(".")
    fits = len(name) <= NAME_LENGTH + 1 and all(0 < len(label) <= 63 for label in labels)
    return fits and len(labels) > 1 and name.isascii() and name.isprintable() and not set(name) & set("[]\\")


def _ascii(domain: str) -> str:
    """RFC 8616 §4: names in A-labels; what is no name stays as it is, and ends in none."""
    try:
        return domain if domain.isascii() else host_name(domain)
    except BadName:
        return domain


def _dotted(ip: Address) -> str:
    """§7.3 %{i}: dots between the parts, also in IPv6, where the parts are nibbles."""
    return str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", "").upper())
