"""Domains with something wrong in hosts and zones: MX, PTR, block lists, name servers, DNSSEC, the very name."""

import base64
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata

from mailctl.domains.checks.target import Profile
from mailctl.standards.dns import Status
from tests.zoo.kinds import HOSTS, MX, Animal, animal

SILENT: dict[str, Any] = {
    "dmarc": "v=DMARC1; p=reject",
    "key": None,
    "profile": Profile.PARKED,
}  # sends nothing, takes nothing
KEY = f"257 3 13 {base64.b64encode(bytes(range(64))).decode()}"
OTHER_KEY = f"257 3 13 {base64.b64encode(bytes(range(1, 65))).decode()}"
LOCAL = ("ns1 A 127.0.0.1", "ns2 A 127.0.0.2", *HOSTS[2:])  # two servers that can be asked themselves


def ds(name: str, key: str) -> str:
    """The DS record of a key."""
    rdata = dns.rdata.from_text("IN", "DNSKEY", key)
    return dns.dnssec.make_ds(dns.name.from_text(name), rdata, "SHA256").to_text()


def asked_directly(label: str, found: str | tuple[str, ...], **options: Any) -> Animal:
    return animal(label, found, hosts=LOCAL, tools={"authoritative": True}, **options)


MAIL = (
    animal(
        "mx-none", "mx.missing warning", mx=(), spf="v=spf1 ip4:192.0.2.10 -all", dmarc="v=DMARC1; p=reject"
    ),
    animal(
        "mx-none-but-address",
        "mx.missing warning",
        mx=(),
        spf="v=spf1 ip4:192.0.2.10 -all",
        more=["^ A 192.0.2.80"],
    ),
    animal(
        "mx-none-receives",
        "mx.missing error",
        mx=(),
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=reject",
        profile=Profile.RECEIVING,
    ),
    animal(
        "mx-null-and-more",
        "mx.null-not-alone error",
        mx=("0 .", "10 mx1.^"),
        spf="v=spf1 ip4:192.0.2.10 -all",
        dmarc="v=DMARC1; p=reject",
    ),
    animal(
        "mx-null-preference",
        "mx.null-preference warning",
        mx=("10 .",),
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=reject",
    ),
    animal(
        "mx-null-sends",
        "mx.null-but-sends warning",
        mx=("0 .",),
        spf="v=spf1 ip4:192.0.2.10 -all",
        dmarc="v=DMARC1; p=reject",
    ),
    animal(
        "mx-null-receives",
        "mx.null-but-receives error",
        mx=("0 .",),
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=reject",
        profile=Profile.RECEIVING,
    ),
    animal("mx-parked", "mx.not-null warning", spf="v=spf1 -all", **SILENT),
    animal("mx-alias", "mx.is-cname error", mx=(*MX, "30 mx3.^"), more=["mx3 CNAME mx1.^"]),
    animal("mx-alias-of-nothing", "mx.is-cname error", mx=(*MX, "30 mx3.^"), more=["mx3 CNAME gone.example"]),
    animal("mx-address", "mx.is-address error", mx=(*MX, "30 192.0.2.30")),
    animal("mx-twice", "mx.duplicate warning", mx=(*MX, "30 mx1.^")),
    animal("mx-private", "mx.private error", mx=(*MX, "30 mx3.^"), more=["mx3 A 10.0.0.25"]),
    animal("mx-loopback", "mx.private error", mx=(*MX, "30 mx3.^"), more=["mx3 A 127.0.0.1"]),
    animal(
        "mx-crowd",
        "mx.too-many warning",
        mx=[f"10 m{n}.^" for n in range(60)],
        hosts=[*HOSTS[:2], *(f"m{n} A 198.51.100.{n + 60}" for n in range(60))],
        spf="v=spf1 ip4:192.0.2.10 -all",
    ),
    animal("mx-gone", "mx.unresolvable error", mx=(*MX, "30 mx3.^")),
    animal(
        "mx-many-gone",
        ["mx.unresolvable error"] * 10,
        mx=[*MX, *(f"30 g{n}.^" for n in range(12))],
        spf="v=spf1 ip4:192.0.2.10 -all",
    ),
    animal("mx-doubled", "mx.unresolvable error", mx=(*MX, "30 mx1.^.^")),
    animal(
        "mx-no-ipv4",
        "mx.no-ipv4 warning",
        mx=("10 mx1.^", "20 mx2.^"),
        hosts=(*HOSTS[:2], "mx1 AAAA 2001:db8::10", "mx2 AAAA 2001:db8::11"),
        spf="v=spf1 mx -all",
    ),
    animal(
        "mx-servfail",
        "mx.unknown unknown",
        spf="v=spf1 ip4:192.0.2.10 -all",
        dmarc="v=DMARC1; p=reject",
        faults={"^ MX": Status.SERVFAIL},
    ),
    animal(
        "mx-host-silent",
        "mx.unknown unknown",
        mx=(*MX, "30 mx3.^"),
        spf="v=spf1 ip4:192.0.2.10 -all",
        more=["mx3 A 192.0.2.30"],
        faults={"mx3": Status.TIMEOUT},
    ),
    animal("mx-single", (), "mx.single info", mx=MX[:1]),
    animal("mx-no-ipv6", (), "mx.no-ipv6 info", hosts=[*HOSTS[:3], HOSTS[4]]),
)


def sender(
    label: str,
    number: int,
    found: str | tuple[str, ...],
    noted: str | tuple[str, ...] = (),
    *,
    more: tuple[str, ...] = (),
    hostname: str = "",
    **options: Any,
) -> Animal:
    """A domain that sends from 203.0.113.`number`."""
    target = {"sending_ips": (f"203.0.113.{number}",), "hostname": hostname}
    lines = [line.replace("REVERSE", f"{number}.113.0.203.in-addr.arpa.") for line in more]
    return animal(
        label, found, noted, spf=f"v=spf1 ip4:203.0.113.{number} -all", target=target, more=lines, **options
    )


NAMES = (
    sender("ptr-none", 20, "ptr.missing error"),
    sender(
        "ptr-elsewhere", 21, "ptr.not-confirmed error", more=("REVERSE PTR mail.^", "mail A 203.0.113.200")
    ),
    sender("ptr-to-nothing", 22, "ptr.not-confirmed error", more=("REVERSE PTR gone.^",)),
    sender(
        "ptr-generic",
        23,
        "ptr.generic warning",
        more=("REVERSE PTR 203-0-113-23.^", "203-0-113-23 A 203.0.113.23"),
    ),
    sender(
        "ptr-several",
        24,
        (),
        "ptr.several info",
        more=("REVERSE PTR mail.^", "REVERSE PTR www.^", "mail A 203.0.113.24"),
    ),
    sender("ptr-silent", 25, "ptr.unknown unknown", faults={"25.113.0.203.in-addr.arpa.": Status.TIMEOUT}),
    sender(
        "ptr-forward-silent",
        26,
        "ptr.unknown unknown",
        more=("REVERSE PTR mail.^",),
        faults={"mail": Status.SERVFAIL},
    ),
    sender(
        "ptr-helo-gone",
        27,
        "ptr.helo-missing error",
        more=("REVERSE PTR mail.^", "mail A 203.0.113.27"),
        hostname="helo.ptr-helo-gone.example",
    ),
    sender(
        "ptr-helo-elsewhere",
        28,
        "ptr.helo-elsewhere warning",
        more=("REVERSE PTR mail.^", "mail A 203.0.113.28", "helo A 203.0.113.201"),
        hostname="helo.ptr-helo-elsewhere.example",
    ),
)


def listed(
    label: str, number: int, found: str | tuple[str, ...], noted: str | tuple[str, ...], *lists: str
) -> Animal:
    good = ("REVERSE PTR mail.^", f"mail A 203.0.113.{number}")
    return sender(label, number, found, noted, more=good, tools={"dnsbls": lists})


BLOCK_LISTS = (
    listed("bl-listed", 30, "dnsbl.listed error", (), "bl.example"),
    listed("bl-clean", 31, (), "dnsbl.ok ok", "bl.example"),
    listed("bl-lists-all", 32, "dnsbl.unknown unknown", (), "all.example"),
    listed("bl-dead", 33, "dnsbl.unknown unknown", (), "dead.example"),
    listed("bl-refuses", 34, "dnsbl.unknown unknown", (), "no.example"),
    listed(
        "bl-one-of-two", 30, ("dnsbl.listed error", "dnsbl.unknown unknown"), (), "bl.example", "no.example"
    ),
)

ZONES = (
    animal("zone-alias", "dns.cname-at-apex error", more=["^ CNAME cdn.example"]),
    animal("zone-alias-inside.house", "dns.cname-beside-others error", ns=(), more=["^ CNAME cdn.example"]),
    animal("zone-wildcard", (), "dns.wildcard-txt info", more=["* TXT owner=1"]),
    animal("zone-cname-silent", "dns.unknown unknown", faults={"^ CNAME": Status.SERVFAIL}),
    animal("ns-one", "ns.single warning", ns=("ns1.^",)),
    animal("ns-alias", "ns.is-cname warning", hosts=(HOSTS[0], *HOSTS[2:]), more=["ns2 CNAME mx2.^"]),
    animal("ns-homeless", "ns.unresolvable error", hosts=(HOSTS[0], *HOSTS[2:])),
    animal("ns-silent", "ns.unknown unknown", faults={"ns2": Status.TIMEOUT}),
    animal("ns-same", (), "ns.same-address info", hosts=("ns1 A 192.0.2.1", "ns2 A 192.0.2.1", *HOSTS[2:])),
    asked_directly("ns-lame", "ns.lame error", second=Status.REFUSED),
    asked_directly("ns-mute", "ns.unknown unknown", second=Status.TIMEOUT),
    asked_directly("ns-agrees", (), noted="ns.ok ok", second=()),
    asked_directly("ns-differs", "ns.disagree error", second=["^ MX 10 old.^"]),
    asked_directly(
        "ns-old-version",
        (),
        noted="ns.propagating info",
        second=["^ SOA ns1.^ hostmaster.^ 6 3600 600 86400 60"],
    ),
    asked_directly(
        "ns-on-its-way",
        "ns.disagree warning",
        second=["^ SOA ns1.^ hostmaster.^ 6 3600 600 86400 60", "_dmarc TXT v=DMARC1; p=none"],
    ),
    animal("sec-bogus", "dnssec.bogus error", faults={"^": Status.BOGUS}),
    animal(
        "sec-bogus-mx",
        "dnssec.bogus error",
        spf="v=spf1 ip4:192.0.2.10 -all",
        dmarc="v=DMARC1; p=reject",
        faults={"^ MX": Status.BOGUS},
    ),
    animal(
        "sec-no-key",
        "dnssec.no-key error",
        more=[f"^ DS {ds('sec-no-key.example', OTHER_KEY)}", f"^ DNSKEY {KEY}"],
    ),
    animal("sec-island", (), "dnssec.island info", more=[f"^ DNSKEY {KEY}"]),
    animal(
        "sec-signed",
        (),
        "dnssec.not-proven info",
        more=[f"^ DS {ds('sec-signed.example', KEY)}", f"^ DNSKEY {KEY}"],
    ),
    animal("sec-secure", (), "dnssec.ok ok", tools={"trust_ad": True}, secure=True),
    animal("sec-ds-silent", "dnssec.unknown unknown", faults={"^ DS": Status.SERVFAIL}),
    animal("gone", "domain.does-not-exist error", spf=None, dmarc=None, key=None, mx=(), ns=(), hosts=()),
    animal("name-silent", "domain.unknown unknown", faults={"^": Status.TIMEOUT}),
    animal("name-servfail", "domain.unknown unknown", faults={"^": Status.SERVFAIL}),
    animal("name-refused", "domain.unknown unknown", faults={"^": Status.REFUSED}),
    animal(
        "name-alias-of-nothing",
        "domain.leads-nowhere error",
        spf=None,
        dmarc=None,
        key=None,
        mx=(),
        ns=(),
        hosts=(),
        more=["^ CNAME nowhere.gone.example"],
    ),
)
