"""Records in the languages that people publish them with: BIND, a table, JSON, octoDNS, Terraform.

Promise: pure text, sorted, the same for the same records; what a zone parser reads from `zone_fragment`
are these records and no others. Every value is quoted for its language, so none can break out of it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from mailctl.standards.dns import Record, split_txt
from mailctl.standards.presentation import quote, zone_text

Group = tuple[str, str, tuple[Record, ...]]  # a name, a type, and the RRset


def zone_fragment(records: Iterable[Record]) -> str:
    """Lines for a BIND zone file (RFC 1035 §5.1), names absolute, so that they fit any $ORIGIN."""
    held = _unique(records)
    width = max((len(record.name) for record in held), default=0) + 1
    return "".join(f"{r.name + '.':<{width}} {r.ttl} IN {r.rdtype} {zone_text(r)}\n" for r in held)


def rows(records: Iterable[Record]) -> tuple[tuple[str, str, str, str], ...]:
    """Cells for a table: name, type, TTL in seconds, value as providers' web forms take it."""
    return tuple((r.name, r.rdtype, str(r.ttl), r.value) for r in _unique(records))


def objects(records: Iterable[Record]) -> list[dict[str, Any]]:
    """What becomes JSON: an object a record; `data` is its zone-file form."""
    return [
        {"name": r.name, "type": r.rdtype, "ttl": r.ttl, "value": r.value, "data": zone_text(r)}
        for r in _unique(records)
    ]


def octodns(records: Iterable[Record], zone: str) -> str:
    """A file for octoDNS's YamlProvider: config/ZONE.yaml (docs/records.md of octodns/octodns)."""
    groups = sorted(_rrsets(records), key=lambda group: (_natural(_relative(group[0], zone)), group[1]))
    lines = ["---"]
    for name, rrsets in groupby(groups, key=lambda group: _relative(group[0], zone)):
        lines.append(f"{json.dumps(name)}:")
        for _, rdtype, rrset in rrsets:
            lines += [f"  - ttl: {rrset[0].ttl}", f"    type: {rdtype}", *_octodns_values(rdtype, rrset)]
    return "\n".join(lines) + "\n"


def _octodns_values(rdtype: str, rrset: tuple[Record, ...]) -> Iterator[str]:
    # JSON's strings are YAML's double-quoted ones (YAML 1.2 §1.3).
    if rdtype in ("CNAME", "DNAME", "PTR") and len(rrset) == 1:
        yield f"    value: {json.dumps(zone_text(rrset[0]))}"
        return
    yield "    values:"
    for record in rrset:
        if rdtype == "MX":
            preference, exchange = zone_text(record).split()
            yield f"      - exchange: {json.dumps(exchange)}"
            yield f"        preference: {preference}"
        elif rdtype == "TXT":
            # octoDNS keeps TXT unsplit, and refuses a semicolon that is not escaped.
            yield f"      - {json.dumps(record.value.replace(';', chr(92) + ';'))}"
        else:
            yield f"      - {json.dumps(zone_text(record))}"


def terraform(records: Iterable[Record], zone: str) -> str:
    """Resources of the provider hashicorp/dns, which speaks RFC 2136 to any server.

    Types that it does not know are left as comments, in zone-file form.
    """
    labels: set[str] = set()
    return "\n".join(_resource(group, zone, labels) for group in _rrsets(records))


_RESOURCES = {
    "A": "dns_a_record_set",
    "AAAA": "dns_aaaa_record_set",
    "CNAME": "dns_cname_record",
    "MX": "dns_mx_record_set",
    "NS": "dns_ns_record_set",
    "PTR": "dns_ptr_record",
    "TXT": "dns_txt_record_set",
}
_LISTS = {"A": "addresses", "AAAA": "addresses", "NS": "nameservers", "TXT": "txt"}


def _resource(group: Group, zone: str, labels: set[str]) -> str:
    name, rdtype, rrset = group
    if rdtype not in _RESOURCES:
        return "".join(f"# not in hashicorp/dns: {line}\n" for line in zone_fragment(rrset).splitlines())
    lines = [
        f'resource "{_RESOURCES[rdtype]}" "{_label(name, rdtype, labels)}" {{',
        f"  zone = {_hcl(zone + '.')}",
    ]
    if name != zone:
        lines.append(f"  name = {_hcl(_relative(name, zone))}")
    lines += [f"  ttl  = {rrset[0].ttl}", *_arguments(rdtype, rrset), "}"]
    return "\n".join(lines) + "\n"


def _arguments(rdtype: str, rrset: tuple[Record, ...]) -> Iterator[str]:
    if rdtype in ("CNAME", "PTR"):
        yield f"  {rdtype.lower()} = {_hcl(zone_text(rrset[0]))}"
    elif rdtype == "MX":
        for record in rrset:
            preference, exchange = zone_text(record).split()
            yield f"  mx {{\n    preference = {preference}\n    exchange   = {_hcl(exchange)}\n  }}"
    else:
        values = [_unsplit(r) if rdtype == "TXT" else zone_text(r) for r in rrset]
        yield f"  {_LISTS[rdtype]} = [\n" + "".join(f"    {_hcl(value)},\n" for value in values) + "  ]"


def _unsplit(record: Record) -> str:
    """TXT data escaped but in one piece: hashicorp/dns puts the quotes, and its parser splits."""
    return "".join(quote(part)[1:-1] for part in split_txt(record.value))


def _hcl(text: str) -> str:
    """A quoted template without templates: ${ and %{ are doubled (HCL native syntax, "Template Literals")."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


def _label(name: str, rdtype: str, taken: set[str]) -> str:
    """A Terraform name for a resource, unique in its file."""
    base = label = re.sub(r"[^a-z0-9_-]", "_", f"{name.replace('*', 'wildcard')}_{rdtype}".lower())
    if not re.match(r"[a-z_]", base):
        base = label = f"_{base}"
    number = 2
    while label in taken:
        label, number = f"{base}_{number}", number + 1
    taken.add(label)
    return label


def _unique(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(sorted(set(records)))


def _rrsets(records: Iterable[Record]) -> Iterator[Group]:
    for (name, rdtype), rrset in groupby(_unique(records), key=lambda r: (r.name, r.rdtype)):
        yield name, rdtype, tuple(rrset)


def _relative(name: str, zone: str) -> str:
    """`name` below `zone`, "" for the apex; octoDNS and Terraform want it so."""
    return "" if name == zone else name.removesuffix(f".{zone}")


def _natural(name: str) -> list[tuple[int, str]]:
    """octoDNS wants its keys in natural order: s2 before s10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
