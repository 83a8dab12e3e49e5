"""Whom an SPF record lets send, as networks, and the same record without lookups ("flattened").

Promise: what is flattened lets the same addresses pass as the DNS says now; a term whose meaning depends on the
message, that is not all passing, or that the DNS did not answer for, stays as it is written. At most `QUESTIONS`
questions are asked, whatever a zone says.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from mailctl.standards.dns import Address, Lookup, Record
from mailctl.standards.spf import Mechanism
from mailctl.standards.spf import Record as SpfRecord
from mailctl.standards.spf_macro import expand, letters_of, parts
from mailctl.standards.spf_tree import Branch, Tree

Network = IPv4Network | IPv6Network
QUESTIONS = 120  # ten terms with ten hosts each, and then some
TERMS = 300  # of one record
HOSTS = 10  # RFC 7208 §4.6.4: of one mx
RECORD_BYTES = 450  # RFC 7208 §3.4
PARTS = 9  # records that a flattened one may be divided into: each is a lookup again


@dataclass(frozen=True, slots=True)
class Grant:
    """What one term lets through. `networks` is empty where that cannot be said without a message."""

    domain: str  # whose record the term stands in
    term: str
    qualifier: str
    networks: tuple[Network, ...] = ()
    note: str = ""  # why there are no networks, or not all of them
    path: tuple[str, ...] = ()  # the includes and redirects that lead to it
    broken: bool = False  # what the term leads to cannot be evaluated

    @property
    def exact(self) -> bool:
        """Whether `networks` says everything."""
        return not self.note


@dataclass(frozen=True, slots=True)
class Flat:
    """A flattened record: its text, and what had to stay as it was."""

    text: str
    kept: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.kept


async def grants(lookup: Lookup, tree: Tree) -> tuple[Grant, ...]:
    """What each term of `tree` lets through or turns away, in the order of evaluation."""
    return tuple(await _Gatherer(lookup, tree.domain).of(tree, ()))


def flatten(tree: Tree, granted: Iterable[Grant]) -> Flat:
    """The record of `tree` with networks in place of terms that ask; `granted` is what `grants` gave.

    A flattened record has to be made again whenever somebody whom it includes moves.
    """
    if tree.record is None:
        return Flat("", ())
    by_term = dict[str, list[Grant]]()
    for grant in granted:
        by_term.setdefault(grant.path[0] if grant.path else grant.term, []).append(grant)
    terms, kept, run = list[str](), list[str](), list[Network]()
    for mechanism in _reached(tree.record):
        own = by_term.get(mechanism.written, [])
        if mechanism.qualifier == "+" and own and all(g.exact and g.qualifier == "+" for g in own):
            run += [network for grant in own for network in grant.networks]
            continue
        if mechanism.qualifier != "+":  # what is turned away here must not be let through before it
            terms += _terms(run)
            run = []
        terms.append(mechanism.written)
        kept += [mechanism.written] if mechanism.network is None else []
    redirect = by_term.get(f"redirect={tree.record.redirect}", [])
    ending = _ending(tree)
    if redirect and all(g.exact and g.qualifier == "+" for g in redirect):
        run += [network for grant in redirect for network in grant.networks]
    elif tree.record.redirect is not None:
        ending = f"redirect={tree.record.redirect}"
        kept.append(ending)
    return Flat(" ".join(["v=spf1", *terms, *_terms(run), *filter(None, [ending])]), tuple(kept))


def divided(domain: str, flat: Flat, ttl: int = 3600) -> tuple[Record, ...]:
    """The records to publish: one at `domain`, or one that includes `_spf1.domain` and so on where it is longer
    than 450 bytes. () where even that would not do."""
    if len(flat.text) <= RECORD_BYTES:
        return (Record(domain, "TXT", flat.text, ttl),)
    terms = flat.text.split(" ")[1:]
    networks = [t for t in terms if t.startswith(("ip4:", "ip6:"))]
    rest = [t for t in terms if t not in networks]
    if any(t[:1] in "-~?" for t in rest[:-1]):
        return ()  # the order carries meaning: a person has to divide it
    chunks = list(_chunks(networks, RECORD_BYTES - len("v=spf1  -all")))
    if len(chunks) > PARTS:
        return ()
    names = [f"_spf{number}.{domain}" for number in range(1, len(chunks) + 1)]
    first = " ".join(["v=spf1", *(f"include:{name}" for name in names), *rest])
    below = [
        Record(name, "TXT", f"v=spf1 {' '.join(chunk)} -all", ttl)
        for name, chunk in zip(names, chunks, strict=True)
    ]
    return (Record(domain, "TXT", first, ttl), *below)


def _chunks(terms: list[str], size: int) -> Iterator[list[str]]:
    chunk: list[str] = []
    for term in terms:
        if chunk and len(" ".join([*chunk, term])) > size:
            yield chunk
            chunk = []
        chunk.append(term)
    if chunk:
        yield chunk


def _ending(tree: Tree) -> str:
    if tree.record is not None and tree.record.all is not None:
        return tree.record.all.written
    redirect = next((child for child in tree.children if child.term.startswith("redirect=")), None)
    return _ending(redirect) if redirect else ""


def _terms(run: list[Network]) -> list[str]:
    """ip4 and ip6 terms for networks, neighbours joined."""
    v4 = collapse_addresses(n for n in run if isinstance(n, IPv4Network))
    v6 = collapse_addresses(n for n in run if isinstance(n, IPv6Network))
    return [_term(network) for networks in (v4, v6) for network in networks]


def _term(network: Network) -> str:
    host = network.prefixlen == network.max_prefixlen
    return f"ip{network.version}:{network.network_address if host else network}"


def _reached(record: SpfRecord) -> Iterator[Mechanism]:
    """The terms before `all`: nothing behind it is looked at (RFC 7208 §5.1)."""
    for mechanism in record.mechanisms:
        if mechanism.name == "all":
            return
        yield mechanism


class _Gatherer:
    """Asks what the terms of a tree mean."""

    def __init__(self, lookup: Lookup, sender_domain: str) -> None:
        self._lookup = lookup
        self._sender_domain = sender_domain
        self._left = QUESTIONS

    async def of(self, tree: Tree, path: tuple[str, ...]) -> list[Grant]:
        if tree.record is None:
            note = tree.detail or tree.branch.value
            broken = tree.branch is not Branch.MACRO
            return [Grant(tree.domain, tree.term, "+", (), note, path, broken)] if tree.term else []
        children = {child.term: child for child in tree.children}
        terms = tuple(_reached(tree.record))
        jobs = [self._term(m, tree, children, path) for m in terms[:TERMS]]
        found = [grant for grants in await asyncio.gather(*jobs) for grant in grants]
        if len(terms) > TERMS:
            note = f"and {len(terms) - TERMS} more terms"
            found.append(Grant(tree.domain, terms[TERMS].written, "+", note=note, path=path))
        if everything := tree.record.all:
            note = "every address" if everything.qualifier == "+" else ""
            found += [Grant(tree.domain, everything.written, "+", note=note, path=path)] if note else []
        elif tree.record.redirect is not None:
            term = f"redirect={tree.record.redirect}"
            found += await self.of(children[term], (*path, term))
        return found

    async def _term(
        self, mechanism: Mechanism, tree: Tree, children: dict[str, Tree], path: tuple[str, ...]
    ) -> list[Grant]:
        grant = Grant(tree.domain, mechanism.written, mechanism.qualifier, path=path)
        if mechanism.network is not None:
            return [replace(grant, networks=(mechanism.network.network,))]
        if mechanism.name == "include":
            return await self._include(grant, children[mechanism.written])
        if mechanism.name in ("exists", "ptr"):
            return [replace(grant, note="depends on the message")]
        pieces = parts(mechanism.domain)
        if letters_of(pieces) - {"d", "o"}:
            return [replace(grant, note="depends on the message")]
        name = expand(pieces, {"d": tree.domain, "o": self._sender_domain}) or tree.domain
        return [await self._addresses(grant, mechanism, name)]

    async def _include(self, grant: Grant, child: Tree) -> list[Grant]:
        if child.branch is not Branch.RECORD:
            note = child.detail or child.branch.value
            return [replace(grant, note=note, broken=child.branch is not Branch.MACRO)]
        inner = await self.of(child, (*grant.path, grant.term))
        if grant.qualifier == "+" and all(one.qualifier == "+" for one in inner):
            # One that passes nobody still has to be known as such, else it would be kept.
            return inner or [grant]
        if grant.qualifier == "+":
            return [*inner, replace(grant, note="it also turns addresses away, in an order that counts")]
        return [replace(grant, note="it does not let pass")]

    async def _addresses(self, grant: Grant, mechanism: Mechanism, name: str) -> Grant:
        """The networks of an a or mx term."""
        names, problem = [name], ""
        if mechanism.name == "mx":
            names, problem = await self._exchanges(name)
        found = await asyncio.gather(*(self._of_host(host) for host in names))
        networks = tuple(
            ip_network(
                (address, mechanism.prefix4 if address.version == 4 else mechanism.prefix6), strict=False
            )
            for addresses, _ in found
            for address in addresses
        )
        notes = [problem, *(note for _, note in found)]
        return replace(grant, networks=networks, note=next(filter(None, notes), ""))

    async def _exchanges(self, name: str) -> tuple[list[str], str]:
        if not self._spend():
            return [], f"more than {QUESTIONS} questions"
        answer = await self._lookup(name, "MX")
        hosts = list(dict.fromkeys(mx.host for mx in answer.exchanges() if mx.host))
        if len(hosts) > HOSTS:
            return [], f"{len(hosts)} exchanges, {HOSTS} are allowed"
        return hosts, "" if answer.known else f"{name} MX: {answer.status.value}"

    async def _of_host(self, host: str) -> tuple[list[Address], str]:
        if not self._spend(2):
            return [], f"more than {QUESTIONS} questions"
        answers = await asyncio.gather(self._lookup(host, "A"), self._lookup(host, "AAAA"))
        addresses = [address for answer in answers for address in answer.addresses()]
        unknown = next((answer for answer in answers if not answer.known), None)
        return addresses, f"{host} {unknown.rdtype}: {unknown.status.value}" if unknown else ""

    def _spend(self, questions: int = 1) -> bool:
        self._left -= questions
        return self._left >= 0
