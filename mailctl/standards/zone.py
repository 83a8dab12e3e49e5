"""What an authoritative server answers from its zones (RFC 1034 §4.3.2, RFC 4592, RFC 2308).

Promise: NXDOMAIN only where nothing exists at or below the name, so an empty non-terminal is NODATA; a
wildcard stands for names that do not exist, never for one that does; a CNAME is followed through every zone
held here. Delegation inside a zone is not modelled: an NS RRset below the apex is plain data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mailctl.standards.dns import Record, RRsetChange, Status, rrset

NEGATIVE_TTL = 60  # the SOA minimum of a synthesised SOA, seconds
CHAIN_LIMIT = 16  # CNAMEs in a row; BIND and unbound stop at 16 and 11


@dataclass(frozen=True, slots=True)
class Found:
    """`records` are the CNAMEs on the way, then the RRset asked for, each under the name it answers."""

    status: Status
    records: tuple[Record, ...] = ()
    zone: str | None = None  # where the last name was sought; None: outside every zone
    chain: tuple[str, ...] = ()
    detail: str = ""

    @property
    def rrset(self) -> tuple[Record, ...]:
        """The RRset that was asked for, without the CNAMEs that led to it."""
        return self.records[len(self.chain) :] if self.status is Status.ANSWER else ()


class Zones:
    """Records under the zones they belong to, ready to be asked."""

    def __init__(
        self, records: Iterable[Record], zones: Sequence[str], *, address: str = "127.0.0.1"
    ) -> None:
        self.names = tuple(zone.rstrip(".").lower() for zone in zones)
        self._apexes = frozenset(self.names)
        self._rrsets: dict[str, dict[str, list[Record]]] = {}
        self._inner: set[str] = set()  # names with something below them: empty non-terminals among them
        for record in records:
            self._add(record)
        for zone in self.names:
            self._complete(zone, address)

    def _add(self, record: Record) -> None:
        name = record.name.rstrip(".").lower()
        rrset = self._rrsets.setdefault(name, {}).setdefault(record.rdtype.upper(), [])
        if record not in rrset:
            rrset.append(record)
        while name:
            name = parent(name)
            self._inner.add(name)

    def _complete(self, zone: str, address: str) -> None:
        """Give a zone the SOA and NS that every zone has (RFC 1034 §4.2.1) where the records hold none."""
        present = self._rrsets.get(zone, {})
        server = f"mailctl-ns.{zone}".rstrip(".")
        if "SOA" not in present:
            timers = f"1 3600 600 86400 {NEGATIVE_TTL}"
            self._add(Record(zone, "SOA", f"{server} hostmaster.{zone}".rstrip(".") + f" {timers}"))
        if "NS" not in present:
            self._add(Record(zone, "NS", server))
            self._add(Record(server, "AAAA" if ":" in address else "A", address))

    def zone_of(self, name: str) -> str | None:
        """The innermost of our zones that holds `name`."""
        while name not in self._apexes:
            if not name:
                return None
            name = parent(name)
        return name

    def soa(self, zone: str) -> Record:
        return self._rrsets[zone]["SOA"][0]

    def find(self, name: str, rdtype: str) -> Found:
        """Answer one question; REFUSED for a name outside every zone (RFC 8499 "lame")."""
        name, rdtype = name.rstrip(".").lower(), rdtype.upper()
        records: list[Record] = []
        chain: list[str] = []
        while True:
            zone = self.zone_of(name)
            if zone is None:
                # Only the first name is ours to refuse; further on, the asker follows the chain elsewhere.
                return Found(Status.ANSWER if chain else Status.REFUSED, tuple(records), None, tuple(chain))
            node = self._node(name, zone)
            if node is None:
                return Found(Status.NXDOMAIN, tuple(records), zone, tuple(chain))
            if rdtype in node:
                rrset = (replace(record, name=name) for record in node[rdtype])
                return Found(Status.ANSWER, (*records, *rrset), zone, tuple(chain))
            if "CNAME" not in node:
                return Found(Status.NODATA, tuple(records), zone, tuple(chain))
            alias = replace(node["CNAME"][0], name=name)
            name = alias.value.rstrip(".").lower()
            if name in chain or len(chain) == CHAIN_LIMIT:
                return Found(Status.SERVFAIL, (), zone, tuple(chain), "a CNAME chain without an end")
            records.append(alias)
            chain.append(name)

    def _node(self, name: str, zone: str) -> Mapping[str, list[Record]] | None:
        if name in self._rrsets:
            return self._rrsets[name]
        if name in self._inner:
            return {}
        while name != zone:  # RFC 4592 §3.3.1: the wildcard of the closest encloser, and of no other
            name = parent(name)
            if name in self._rrsets or name in self._inner or name == zone:
                return self._rrsets.get(f"*.{name}" if name else "*")
        return None


def parent(name: str) -> str:
    return name.partition(".")[2]


def is_within(name: str, zone: str) -> bool:
    """Whether `name` is the zone's apex or below it; everything is within the root, ""."""
    return not zone or name == zone or name.endswith("." + zone)


def stale(records: Iterable[Record], changes: Iterable[RRsetChange]) -> tuple[str, ...]:
    """Each RRset that is not as its change saw it, in words. A TTL may differ (RFC 2136 §2.4.2)."""
    held = tuple(records)
    reasons = []
    for change in changes:
        now = {record.value for record in rrset(held, change.name, change.rdtype)}
        seen = {record.value for record in change.before}
        if now != seen:
            reasons.append(f"{change.name} {change.rdtype}: planned from {_shown(seen)}, now {_shown(now)}")
    return tuple(reasons)


def _shown(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in sorted(values)) or "nothing"
