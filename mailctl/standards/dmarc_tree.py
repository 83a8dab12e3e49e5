"""The DNS tree walk and the organizational domain (RFC 9989 §4.10, §4.10.2).

Promise: at most eight questions a walk, in the order of the RFC; a DNS fault ends the walk and is told, since
a record that nobody could see may be the one that counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mailctl.standards.dmarc_record import Record, is_record, parse
from mailctl.standards.dns import Lookup

_SHORTENED: Final = 7  # labels that are left of a name with eight or more (RFC 9989 §4.10, step 4)


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a walk. `count` is how many DMARC records were there: several are all discarded."""

    domain: str
    record: Record | None
    count: int
    fault: str = ""  # what the DNS did instead of answering


@dataclass(frozen=True, slots=True)
class Walk:
    """The steps from a domain upwards; the last one may be a fault."""

    domain: str
    steps: tuple[Step, ...]

    @property
    def fault(self) -> str:
        return self.steps[-1].fault

    @property
    def records(self) -> tuple[tuple[str, Record], ...]:
        """The domains with a record, from the longest name to the shortest."""
        return tuple((step.domain, step.record) for step in self.steps if step.record)

    @property
    def public_suffix(self) -> str:
        """The domain above the start that says psd=y, or ""."""
        return next((d for d, record in self.records if record.psd == "y" and d != self.domain), "")

    @property
    def organizational_domain(self) -> str:
        """RFC 9989 §4.10.2; "" where a fault hides it."""
        for domain, record in self.records:
            if record.psd == "n":
                return domain
            if record.psd == "y" and domain != self.domain:
                labels = self.domain.split(".")
                return ".".join(labels[-(domain.count(".") + 2) :])  # one label below
        if self.fault:
            return ""
        return self.records[-1][0] if self.records else self.domain


def targets(domain: str) -> Iterator[str]:
    """The names a walk asks for, the domain itself first; no more than eight."""
    yield domain
    labels = domain.split(".")
    rest = labels[1:] if len(labels) <= _SHORTENED else labels[-_SHORTENED:]
    for i in range(len(rest)):
        yield ".".join(rest[i:])


async def walk(lookup: Lookup, domain: str) -> Walk:
    """Asks for the records of `domain` (lower case A-labels) and of the domains above it."""
    steps: list[Step] = []
    for target in targets(domain):
        step = await ask(lookup, target)
        steps.append(step)
        if step.fault or (step.record and step.record.psd != "u"):
            break
    return Walk(domain, tuple(steps))


async def ask(lookup: Lookup, domain: str) -> Step:
    """The one record at `_dmarc.domain`, if there is one (RFC 9989 §4.10, steps 1 and 2)."""
    name = f"_dmarc.{domain}"
    if len(name) > 253:
        return Step(domain, None, 0)  # no such name can exist (RFC 1035 §2.3.4)
    answer = await lookup(name, "TXT")
    if not answer.known:
        return Step(domain, None, 0, f"{name} could not be looked up: {answer.status.value}")
    texts = [text for text in answer.texts() if is_record(text)]
    return Step(domain, parse(texts[0]) if len(texts) == 1 else None, len(texts))
