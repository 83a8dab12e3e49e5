"""Domains that are in order, in many shapes: nothing may be said against any of them."""

from ipaddress import ip_address
from typing import Any

from mailctl.domains.checks.target import Profile
from tests.zoo.kinds import HOSTS, animal, ed25519, rsa, zone_top
from tests.zoo.transport_domains import both, policy, probing, served, sts

TEN = " ".join(f"include:p{n}.^" for n in range(1, 11))
PARTS = [f"p{n} TXT v=spf1 ip4:198.51.100.{n} -all" for n in range(1, 11)]
PARKED = (
    "mx.null ok",
    "dkim.not-needed ok",
    "mtasts.not-needed ok",
    "tlsrpt.not-needed ok",
    "dane.not-needed ok",
    "bimi.not-needed ok",
)
NOTHING: dict[str, Any] = {"spf": "v=spf1 -all", "dmarc": "v=DMARC1; p=reject", "key": None}


def above(apex: str) -> list[str]:
    """A zone that holds names without servers of their own."""
    servers = (f"ns1.{apex} A 192.0.2.1", f"ns2.{apex} A 198.51.100.1", f"{apex} A 192.0.2.80")
    return [*zone_top(apex), *servers]


LONG = "a.b.c.d.e.f.g.ok-long"  # nine labels with example

HEALTHY = (
    animal(
        "ok",
        (),
        (
            "domain.ok ok",
            "dns.ok ok",
            "ns.ok ok",
            "dnssec.unsigned info",
            "spf.ok ok",
            "dkim.ok ok",
            "dmarc.ok ok",
            "mx.ok ok",
            "tls.ok ok",
            "tls.caa-missing info",
            "mtasts.missing info",
            "tlsrpt.missing info",
            "dane.missing info",
            "bimi.missing info",
        ),
    ),
    animal(
        "ok-alias.ok-mail",
        (),
        "dns.alias info",
        mx=(),
        ns=(),
        hosts=(),
        spf=None,
        more=["^ CNAME ok.example"],
    ),
    animal(
        "ok-workspace",
        spf="v=spf1 include:_spf.bigmail.example ~all",
        key=None,
        mx=("1 aspmx.bigmail.example", "5 alt1.bigmail.example"),
        more=["s1._domainkey CNAME s1-client.dkim.bigmail.example"],
    ),
    animal("ok-redirect", spf="v=spf1 redirect=_spf.bigmail.example"),
    animal("ok-redirect-and-include", spf="v=spf1 ip4:192.0.2.10 include:p1.^ redirect=p2.^", more=PARTS),
    animal("ok-mail.house", ns=(), more=above("house.example.")),
    animal(
        "news.ok-inherits",
        dmarc=None,
        ns=(),
        more=[
            *above("ok-inherits.example."),
            "_dmarc.ok-inherits.example. TXT v=DMARC1; p=reject; sp=reject; rua=mailto:dmarc@ok-inherits.example",
        ],
    ),
    animal(
        "empty.ok-np",  # it exists, so sp counts and not np (RFC 9989 §3.2.13)
        spf="v=spf1 -all",
        dmarc=None,
        key=None,
        mx=("0 .",),
        ns=(),
        profile=Profile.PARKED,
        more=[*above("ok-np.example."), "_dmarc.ok-np.example. TXT v=DMARC1; p=none; sp=reject; np=none"],
    ),
    animal("ok-parked", (), PARKED, mx=("0 .",), profile=Profile.PARKED, **NOTHING),
    animal("ok-parked-bare", mx=(), hosts=HOSTS[:2], profile=Profile.PARKED, **NOTHING),
    animal(
        "ok-parked-macro",
        mx=("0 .",),
        profile=Profile.PARKED,
        spf="V=SPF1 -ALL",
        dmarc="v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s",
        key=None,
    ),
    animal(
        "ok-null-mx",
        mx=("0 .",),
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=reject",
        target={"selectors": ()},
        profile=Profile.PARKED,
        key=None,
    ),
    animal("ok-receives", spf="v=spf1 -all", key=None, target={"selectors": ()}, profile=Profile.RECEIVING),
    animal("ok-ipv6-servers", hosts=("ns1 AAAA 2001:db8::1", "ns2 AAAA 2001:db8:1::1", *HOSTS[2:])),
    animal("ok-ten", (), "spf.lookups-near-limit info", spf=f"v=spf1 {TEN} -all", more=PARTS),
    animal("ok-two-voids", (), "spf.void-lookups-ipv6 info", spf="v=spf1 a:gone1.^ a:gone2.^ mx -all"),
    animal(
        "ok-voids-over-ipv6",
        (),
        "spf.void-lookups-ipv6 info",
        spf="v=spf1 a:a.^ a:b.^ a:c.^ -all",
        more=["a A 198.51.100.1", "b A 198.51.100.2", "c A 198.51.100.3"],
    ),
    animal("ok-capitals", spf="V=SPF1 MX IP4:192.0.2.10 -ALL"),
    animal("ok-host-bits", (), "spf.host-bits info", spf="v=spf1 ip4:192.0.2.77/24 -all"),
    animal("ok-macro", spf="v=spf1 exists:%{ir}.%{v}._spf.^ mx -all", more=["*._spf A 127.0.0.2"]),
    animal(
        "ok-other-txt",
        more=["^ TXT google-site-verification=abc", "^ TXT v=spf2.0/pra is not what this is, MS=ms1"],
    ),
    animal("ok-blanks", dmarc="v = DMARC1 ; p = reject ; rua = mailto:dmarc@^"),
    animal("ok-order", dmarc="v=DMARC1; rua=mailto:dmarc@^; adkim=r; p=quarantine"),
    animal("ok-rua-semicolon", dmarc="v=DMARC1; p=reject; rua=mailto:in@semi.example"),
    animal("ok-rua-wildcard", dmarc="v=DMARC1; p=reject; rua=mailto:in@catcher.example"),
    animal("ok-rua-below", dmarc="v=DMARC1; p=reject; rua=mailto:dmarc@in.^", more=["in MX 10 mx1.^"]),
    animal(
        LONG,
        dmarc=None,
        ns=(),
        more=["_dmarc.c.d.e.f.g.ok-long.example. TXT v=DMARC1; p=reject", *above("ok-long.example.")],
    ),
    animal(
        "ok-two-selectors",
        key=("rsa 2048",),
        more=[f"s2._domainkey TXT {ed25519()}"],
        target={"selectors": ("s1", "s2")},
    ),
    animal("ok-4096", key="rsa 4096"),
    animal("ok-bare-key", key=rsa(2048, tags="")),
    animal("ok-guessed", key=None, more=[f"google._domainkey TXT {rsa(2048)}"], target={"selectors": ()}),
    animal(
        "ok-sends",
        (),
        "ptr.ok ok",
        spf="v=spf1 ip4:203.0.113.50 -all",
        target={"sending_ips": ("203.0.113.50",), "hostname": "mail.ok-sends.example"},
        more=["50.113.0.203.in-addr.arpa. PTR mail.^", "mail A 203.0.113.50", "mail TXT v=spf1 a -all"],
    ),
    animal(
        "ok-sends-ipv6",
        (),
        ("ptr.ok ok", "spf.helo-none info", "dnsbl.no-ipv6 info"),
        spf="v=spf1 ip6:2001:db8:5::/48 -all",
        target={"sending_ips": ("2001:db8:5::1",), "hostname": "mail.ok-sends-ipv6.example"},
        more=[f"{ip_address('2001:db8:5::1').reverse_pointer}. PTR mail.^", "mail AAAA 2001:db8:5::1"],
        tools={"dnsbls": ("bl.example",)},
    ),
    animal("ok-wildcard-that-forbids", more=["* TXT v=spf1 -all"]),
    sts("ok-sts", (), "mtasts.ok ok"),
    sts(
        "ok-sts-charset",
        (),
        "tlsrpt.ok ok",
        served=served(
            kind="Text/Plain; charset=utf-8", body=policy("ok-sts-charset.example", age="31557600")
        ),
        more=["_smtp._tls TXT v=TLSRPTv1; rua=mailto:tls@^,https://reports.example/tls"],
    ),
    sts("ok-sts-alias", web="mta-sts CNAME policies.bigmail.example"),
    sts("ok-sts-line-ends", served=policy("ok-sts-line-ends.example").replace(b"\r\n", b"\n")),
    probing("ok-dane", (), "dane.ok ok", secure=True, more=both("ok-dane")),
    animal(
        "ok-bimi",
        (),
        "bimi.ok ok",
        more=["default._bimi TXT v=BIMI1; l=https://^/logo.svg; a=https://^/mark.pem"],
    ),
    animal(
        "ok-bimi-bare",
        (),
        "bimi.no-certificate info",
        more=["default._bimi TXT v=BIMI1; l=https://^/logo.svg"],
    ),
)
