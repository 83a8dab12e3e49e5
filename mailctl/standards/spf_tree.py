"""What an SPF record costs: its includes and redirects as a tree, with the lookups counted.

Promise: `count` tells the most that an evaluation can spend (RFC 7208 §4.6.4), through nesting and with
repeats counted each time; terms behind `all`, and a redirect beside it, cost nothing. It follows at most
`NODE_LIMIT` records, whatever a zone says, and marks what it could not learn as unknown.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mailctl.standards.dns import Lookup
from mailctl.standards.spf import ASKING, Mechanism, Record, SpfSyntaxError, parse, select
from mailctl.standards.spf_macro import expand, letters_of, parts

NODE_LIMIT = 60  # a record that needs more than ten is broken already


class Branch(StrEnum):
    """What was found where a term of a record led."""

    RECORD = "record"
    MISSING = "missing"  # no SPF record there: permerror (§5.2)
    SEVERAL = "several"  # more than one: permerror (§4.5)
    BROKEN = "broken"  # breaks the grammar: permerror
    UNKNOWN = "unknown"  # the DNS did not say: temperror
    LOOP = "loop"  # a record that is being followed already: permerror in the end
    MACRO = "macro"  # depends on the message
    CUT = "cut"  # not followed: too many records


@dataclass(frozen=True, slots=True)
class Tree:
    """One record and everything that it leads to."""

    domain: str
    term: str  # what led here, as written; "" at the top
    branch: Branch
    detail: str = ""  # what is wrong, in words
    text: str = ""  # the record; "" where there is none
    record: Record | None = None
    children: tuple["Tree", ...] = ()

    @property
    def lookups(self) -> int:
        """Terms that ask the DNS, here and in everything below."""
        return len(_asking(self.record)) + sum(child.lookups for child in self.children)

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Tree"]]:
        """This record and all below it in the order of evaluation, each with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


async def count(lookup: Lookup, domain: str, *, text: str | None = None) -> Tree:
    """The tree of the SPF record of `domain`; `text` stands in for its record where that is still planned."""
    return await _Growth(lookup, domain).grow(domain, "", (), text)


def _asking(record: Record | None) -> tuple[tuple[str, str], ...]:
    """(written term, domain-spec it follows or "") for each term that costs a lookup."""
    if record is None:
        return ()
    asking = []
    for mechanism in record.mechanisms:
        if mechanism.name == "all":
            break
        if mechanism.name in ASKING:
            asking.append((mechanism.written, _followed(mechanism)))
    if record.redirect is not None:
        asking.append((f"redirect={record.redirect}", record.redirect))
    return tuple(asking)


def _followed(mechanism: Mechanism) -> str:
    return mechanism.domain if mechanism.name == "include" else ""


class _Growth:
    def __init__(self, lookup: Lookup, sender_domain: str) -> None:
        self.lookup = lookup
        self.sender_domain = sender_domain
        self.left = NODE_LIMIT

    async def grow(self, domain: str, term: str, path: tuple[str, ...], text: str | None = None) -> Tree:
        domain = domain.lower().removesuffix(".")
        if domain in path:
            return Tree(domain, term, Branch.LOOP, f"{domain} includes itself")
        if not self.left:
            return Tree(domain, term, Branch.CUT, f"more than {NODE_LIMIT} records")
        self.left -= 1
        if text is None:
            answer = await self.lookup(domain, "TXT")
            found = select(answer.texts())
            if not answer.known:
                return Tree(domain, term, Branch.UNKNOWN, f"{answer.status} {answer.detail}".rstrip())
            if len(found) != 1:
                branch = Branch.SEVERAL if found else Branch.MISSING
                return Tree(domain, term, branch, f"{domain} has {len(found) or 'no'} SPF records")
            text = found[0]
        try:
            record = parse(text)
        except SpfSyntaxError as error:
            return Tree(domain, term, Branch.BROKEN, str(error), text)
        followed = [(t, spec) for t, spec in _asking(record) if spec]
        grown = [self._follow(t, spec, domain, (*path, domain)) for t, spec in followed]
        return Tree(domain, term, Branch.RECORD, "", text, record, tuple(await asyncio.gather(*grown)))

    async def _follow(self, term: str, spec: str, domain: str, path: tuple[str, ...]) -> Tree:
        pieces = parts(spec)
        if letters_of(pieces) - {"d", "o"}:
            return Tree(spec, term, Branch.MACRO, "depends on the message")
        return await self.grow(expand(pieces, {"d": domain, "o": self.sender_domain}), term, path)
