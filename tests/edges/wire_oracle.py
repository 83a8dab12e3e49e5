"""What dnspython says a message is: the resolver's reader, written a second time upon another parser."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from mailctl.standards.dns import Answer, Host, Mx, Raw, Rdata, Status, Txt
from mailctl.standards.presentation import value_from_text


class OracleError(Exception):
    """Not a message, or not the answer."""


def oracle(data: bytes, name: str, rdtype: str) -> tuple[Answer, str, bool]:
    """The answer, the name to chase and whether it has authority; raises OracleError."""
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise OracleError from error
    asked = (dns.name.from_text(name), dns.rdatatype.from_text(rdtype), dns.rdataclass.IN)
    if not message.flags & dns.flags.QR or message.opcode() != dns.opcode.QUERY:
        raise OracleError
    bare = not message.question and message.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP)
    if not bare and [(q.name, q.rdtype, q.rdclass) for q in message.question] != [asked]:
        raise OracleError
    authentic = bool(message.flags & dns.flags.AD)
    status, records, ttl, detail, chain, chase = _outcome(message, asked[0], asked[1])
    errors = "" if bare else _errors(message)
    if detail.startswith("rcode"):
        detail = errors or detail
    answer = Answer(
        text(asked[0]), rdtype, status, records, ttl, "test", detail or errors, authentic, tuple(chain)
    )
    return answer, chase, bool(message.flags & dns.flags.AA)


_Outcome = tuple[Status, tuple[Rdata, ...], int, str, list[str], str]


def _outcome(message: Any, name: dns.name.Name, rdtype: Any) -> _Outcome:
    rcode = message.rcode()
    if rcode == dns.rcode.REFUSED:
        return Status.REFUSED, (), 0, "", [], ""
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Status.SERVFAIL, (), 0, "" if rcode == dns.rcode.SERVFAIL else f"rcode {rcode}", [], ""
    found = {(r.name, r.rdtype): r for r in message.answer if r.rdclass == dns.rdataclass.IN}
    chain: list[str] = []
    ttls: list[int] = []
    while (name, rdtype) not in found and (name, dns.rdatatype.CNAME) in found:
        alias = found[name, dns.rdatatype.CNAME]
        name = alias[0].target
        ttls.append(alias.ttl)
        if text(name) in chain or len(chain) == 16:
            return Status.SERVFAIL, (), 0, "a CNAME chain without an end", chain, ""
        chain.append(text(name))
    rrset = found.get((name, rdtype))
    if rrset is not None:
        return Status.ANSWER, tuple(map(rdata, rrset)), min([rrset.ttl, *ttls]), "", chain, ""
    soas = [r for r in message.authority if (r.rdtype, r.rdclass) == (dns.rdatatype.SOA, dns.rdataclass.IN)]
    ttls += [min(soa.ttl, soa[0].minimum) for soa in soas[:1]]
    if rcode == dns.rcode.NXDOMAIN:
        return Status.NXDOMAIN, (), min(ttls) if soas else 0, "", chain, ""
    if chain and not soas:
        return Status.NODATA, (), min(ttls), "", chain, chain[-1]
    if not soas and any(r.rdtype == dns.rdatatype.NS for r in message.authority):
        return Status.SERVFAIL, (), 0, "a referral: the server does not know and does not ask", [], ""
    return Status.NODATA, (), min(ttls) if soas else 0, "", chain, ""


def _errors(message: Any) -> str:
    words = []
    for option in message.options:
        if isinstance(option, dns.edns.EDEOption):
            code = int(option.code)
            known = dns.edns.EDECode.__members__.values()
            name = dns.edns.EDECode(code).name if code in known else "extended error"
            name = name.replace("_", " ").capitalize()
            for word in ("DNSSEC", "DNSKEY", "DS ", "RRSIGs", "NSEC3", "NSEC", "NXDOMAIN"):
                name = name.replace(word.capitalize(), word).replace(word.lower(), word)
            words.append(f"{name} ({code})" + (f": {option.text}" if option.text else ""))
    return "; ".join(words)


def rdata(record: Any) -> Rdata:
    match record.rdtype:
        case dns.rdatatype.TXT:
            return Txt(tuple(record.strings))
        case dns.rdatatype.MX:
            return Mx(record.preference, text(record.exchange))
        case dns.rdatatype.NS | dns.rdatatype.CNAME | dns.rdatatype.PTR:
            return Host(text(record.target))
        case dns.rdatatype.A:
            return IPv4Address(record.address)
        case dns.rdatatype.AAAA:
            return IPv6Address(record.address)
    return Raw(value_from_text(dns.rdatatype.to_text(record.rdtype), record.to_text()))


def text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if len(name) > 1 else ""
