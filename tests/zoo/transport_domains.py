"""Domains with something wrong on the way of their mail: MTA-STS, TLS-RPT, DANE, BIMI, STARTTLS, CAA."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mailctl.edges import https, smtp_probe
from mailctl.edges.https import Fetched
from mailctl.edges.smtp_probe import Certificate, Probed
from mailctl.standards.dns import Status
from tests.zoo.kinds import DMARC, MX, NOW, Animal, animal

STS = "v=STSv1; id=20261101"
WEB = "mta-sts A 192.0.2.80"
LAB = {"allow_private": True}  # the policy host's address is one of those for documentation


def policy(
    name: str, *, mode: str = "enforce", mx: str = "*.^", age: str = "604800", first: str = "version: STSv1"
) -> bytes:
    lines = (first, f"mode: {mode}", f"mx: {mx}".replace("^", name), f"max_age: {age}", "")
    return "\r\n".join(line for line in lines).encode()


def sts(
    label: str,
    found: str | Iterable[str] = (),
    noted: str | Iterable[str] = (),
    *,
    record: str | None = STS,
    served: Fetched | bytes | None = None,
    web: str = WEB,
    tools: dict[str, Any] | None = None,
    more: Iterable[str] = (),
    **options: Any,
) -> Animal:
    name = f"{label}.example"
    lines = [*more, *([web] if web else []), *([f"_mta-sts TXT {record}"] if record else [])]
    url = "https://mta-sts.^/.well-known/mta-sts.txt"
    body = policy(name) if served is None else served
    tools = LAB if tools is None else tools
    return animal(label, found, noted, more=lines, web={url: body}, tools=tools, **options)


def served(
    status: int = 200,
    *,
    kind: str = "text/plain",
    body: bytes = b"",
    location: str = "",
    trouble: https.Trouble | None = None,
) -> Fetched:
    return Fetched(
        "",
        "",
        status=status,
        content_type=kind,
        body=body,
        location=location,
        trouble=trouble,
        detail=trouble or "",
    )


BIG = policy("sts-80k.example") + b"x: " + b"y" * 80_000

MTA_STS = (
    sts("sts-capital", "mtasts.record-invalid error", record="v=stsv1; id=1"),
    sts("sts-no-id", "mtasts.record-invalid error", record="v=STSv1;"),
    sts("sts-bad-id", "mtasts.record-invalid error", record="v=STSv1; id=2026-11-01"),
    sts("sts-two", "mtasts.several-records error", more=["_mta-sts TXT v=STSv1; id=2"]),
    sts("sts-dangling", "mtasts.dangling-cname error", record=None, more=["_mta-sts CNAME sts.gone.example"]),
    sts("sts-unannounced", "mtasts.record-missing warning", record=None),
    sts("sts-at-apex", "mtasts.record-misplaced error", record=None, more=[f"^ TXT {STS}"]),
    animal(
        "sts-unfetched",
        (),
        "mtasts.policy-unchecked info",
        more=[f"_mta-sts TXT {STS}"],
        tools={"https": None},
    ),
    sts("sts-no-host", "mtasts.policy-host-missing error", web=""),
    sts("sts-private", "mtasts.private-address error", web="mta-sts A 10.0.0.80", tools={}),
    sts("sts-refused", "mtasts.policy-unreachable error", served=served(0, trouble=https.Trouble.REFUSED)),
    sts("sts-certificate", "mtasts.certificate error", served=served(0, trouble=https.Trouble.CERTIFICATE)),
    sts("sts-timeout", "mtasts.unknown unknown", served=served(0, trouble=https.Trouble.TIMEOUT)),
    sts(
        "sts-redirect",
        "mtasts.redirect error",
        served=served(301, location="https://www.example/mta-sts.txt"),
    ),
    sts("sts-404", "mtasts.policy-missing error", served=served(404)),
    sts("sts-500", "mtasts.policy-status error", served=served(500)),
    sts(
        "sts-html",
        "mtasts.content-type error",
        served=served(kind="text/html", body=policy("sts-html.example")),
    ),
    sts("sts-80k", "mtasts.policy-too-large error", served=BIG),
    sts("sts-other-file", "mtasts.policy-version error", served=b"<html>welcome</html>"),
    sts("sts-mode", "mtasts.policy-mode error", served=policy("sts-mode.example", mode="Enforce")),
    sts(
        "sts-mx-pattern",
        "mtasts.policy-mx error",
        served=policy("sts-mx-pattern.example", mx="mx*.^") + b"mx: *.sts-mx-pattern.example\r\n",
    ),
    sts("sts-age", "mtasts.policy-max-age error", served=policy("sts-age.example", age="31557601")),
    sts("sts-comment", "mtasts.policy-syntax warning", served=policy("sts-comment.example") + b"# ours\r\n"),
    sts("sts-short", "mtasts.max-age-short warning", served=policy("sts-short.example", age="3600")),
    sts("sts-one-of-two", "mtasts.mx-not-covered error", served=policy("sts-one-of-two.example", mx="mx1.^")),
    sts(
        "sts-two-labels",
        "mtasts.mx-not-covered error",
        mx=(*MX, "30 mx3.far.^"),
        more=["mx3.far A 192.0.2.30"],
    ),
    sts(
        "sts-testing-hole",
        "mtasts.mx-not-covered warning",
        "mtasts.mode-testing info",
        served=policy("sts-testing-hole.example", mode="testing", mx="mx1.^"),
    ),
    sts("sts-silent", "mtasts.unknown unknown", faults={"_mta-sts": Status.TIMEOUT}),
    sts("sts-host-silent", "mtasts.unknown unknown", faults={"mta-sts": Status.SERVFAIL}),
    sts("sts-testing", (), "mtasts.mode-testing info", served=policy("sts-testing.example", mode="testing")),
    sts("sts-none", (), "mtasts.mode-none info", served=policy("sts-none.example", mode="none")),
)


def rpt(label: str, found: str, *records: str, **options: Any) -> Animal:
    lines = [f"_smtp._tls TXT {text}" for text in records]
    return animal(label, found, more=[*lines, *options.pop("more", ())], **options)


TLS_RPT = (
    rpt("rpt-version", "tlsrpt.record-invalid error", "v=TLSRPTv2; rua=mailto:tls@^"),
    rpt("rpt-no-rua", "tlsrpt.record-invalid error", "v=TLSRPTv1;"),
    rpt("rpt-no-mailto", "tlsrpt.record-invalid error", "v=TLSRPTv1; rua=tls@^"),
    rpt(
        "rpt-two",
        "tlsrpt.several-records error",
        "v=TLSRPTv1; rua=mailto:tls@^",
        "v=TLSRPTv1; rua=mailto:b@^",
    ),
    rpt("rpt-dangling", "tlsrpt.dangling-cname error", more=["_smtp._tls CNAME gone.example"]),
    rpt("rpt-at-apex", "tlsrpt.record-misplaced error", more=["^ TXT v=TLSRPTv1; rua=mailto:tls@^"]),
    rpt("rpt-gone", "tlsrpt.destination-unreachable warning", "v=TLSRPTv1; rua=mailto:tls@gone.example"),
    rpt("rpt-silent", "tlsrpt.unknown unknown", faults={"_smtp._tls": Status.SERVFAIL}),
)

GOOD_DATES = (NOW - timedelta(days=30), NOW + timedelta(days=60))


def certificate(key: bytes, *names: str, dates: tuple[datetime, datetime] = GOOD_DATES) -> Certificate:
    return Certificate(b"certificate of " + key, key, names, *dates, issuer="CN=Zoo")


def shown(host: str, **change: Any) -> Probed:
    """A mail host in order, with something changed."""
    sound = Probed(
        host,
        "192.0.2.10",
        extensions=("SIZE", "STARTTLS"),
        protocol="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        chain=(certificate(host.encode(), host),),
        name_matches=True,
    )
    return replace(sound, **change)


def tlsa(host: str, usage: int = 3, selector: int = 1, matching: int = 1) -> str:
    """The record of the key that `shown` shows for a host."""
    return f"{usage} {selector} {matching} {hashlib.sha256(host.encode()).hexdigest()}"


def probing(
    label: str,
    found: str | Iterable[str] = (),
    noted: str | Iterable[str] = (),
    *,
    secure: bool = False,
    **options: Any,
) -> Animal:
    """A domain with two mail hosts that are contacted; `change` is what is wrong with the first."""
    name = f"{label}.example"
    change = options.pop("change", {})
    hosts = {f"mx1.{name}": shown(f"mx1.{name}", **change), f"mx2.{name}": shown(f"mx2.{name}")}
    tools: dict[str, Any] = {"connect": True, "trust_ad": secure, **LAB}
    return animal(label, found, noted, mta=hosts, tools=tools, secure=secure, **options)


def both(label: str, value: str | None = None) -> list[str]:
    hosts = [f"mx{n}.{label}.example" for n in (1, 2)]
    return [f"_25._tcp.{host}. TLSA {value or tlsa(host)}" for host in hosts]


DANE = (
    probing(
        "dane-other-key",
        "dane.mismatch error",
        secure=True,
        more=[both("dane-other-key")[1], f"_25._tcp.mx1 TLSA {tlsa('another')}"],
    ),
    probing("dane-sound", (), "dane.ok ok", secure=True, more=both("dane-sound")),
    animal("dane-insecure", "dane.insecure warning", tools={"trust_ad": True}, more=both("dane-insecure")),
    animal(
        "dane-partial",
        "dane.partial warning",
        tools={"trust_ad": True},
        secure=True,
        more=both("dane-partial")[:1],
    ),
    animal(
        "dane-usage", "dane.usage error", more=[both("dane-usage")[0], f"_25._tcp.mx2 TLSA {tlsa('x', 1)}"]
    ),
    animal(
        "dane-matching",
        "dane.record-invalid error",
        more=[both("dane-matching")[0], f"_25._tcp.mx2 TLSA {tlsa('x', 3, 1, 9)}"],
    ),
    animal(
        "dane-selector",
        "dane.record-invalid error",
        more=[both("dane-selector")[0], f"_25._tcp.mx2 TLSA {tlsa('x', 3, 7)}"],
    ),
    animal("dane-dangling", "dane.dangling-cname warning", more=["_25._tcp.mx1 CNAME gone.example"]),
    animal(
        "dane-servfail",
        "dane.unknown unknown",
        more=both("dane-servfail"),
        faults={"_25._tcp.mx1": Status.SERVFAIL},
    ),
    animal("dane-unproven", (), "dane.not-validated info", more=both("dane-unproven")),
)


def logo(
    label: str,
    found: str | Iterable[str] = (),
    noted: str | Iterable[str] = (),
    *records: str,
    **options: Any,
) -> Animal:
    lines = [
        f"default._bimi TXT {text}"
        for text in records or ("v=BIMI1; l=https://^/logo.svg; a=https://^/mark.pem",)
    ]
    return animal(label, found, noted, more=lines, **options)


BIMI = (
    logo("bimi-version", "bimi.record-invalid error", (), "v=BIMI2; l=https://^/logo.svg"),
    logo("bimi-http", "bimi.record-invalid error", (), "v=BIMI1; l=http://^/logo.svg"),
    logo(
        "bimi-two",
        "bimi.several-records error",
        (),
        "v=BIMI1; l=https://^/a.svg",
        "v=BIMI1; l=https://^/b.svg",
    ),
    logo("bimi-png", "bimi.not-svg error", (), "v=BIMI1; l=https://^/logo.png; a=https://^/mark.pem"),
    logo("bimi-none", "bimi.dmarc-not-enforcing error", dmarc=DMARC.replace("reject", "none")),
    logo(
        "bimi-test", "bimi.dmarc-not-enforcing error", dmarc=DMARC.replace("reject", "quarantine") + "; t=y"
    ),
    logo(
        "bimi-sp",
        ("bimi.dmarc-not-enforcing error", "dmarc.subdomain-weaker warning"),
        dmarc=f"{DMARC}; sp=none",
    ),
    logo("bimi-silent", "bimi.unknown unknown", faults={"default._bimi": Status.REFUSED}),
    logo("bimi-declined", (), "bimi.declined info", "v=BIMI1; l=;"),
)

HOST = "mx1.{}.example"
EXPIRED = (NOW - timedelta(days=100), NOW - timedelta(days=10))
ENDING = (NOW - timedelta(days=80), NOW + timedelta(days=5))
TLS = (
    probing("tls-sound", (), "tls.ok ok"),
    probing(
        "tls-none",
        "tls.starttls-missing error",
        change={"trouble": smtp_probe.Trouble.NO_STARTTLS, "chain": ()},
    ),
    probing(
        "tls-handshake", "tls.handshake-failed error", change={"trouble": smtp_probe.Trouble.TLS, "chain": ()}
    ),
    probing(
        "tls-silent", "tls.unreachable unknown", change={"trouble": smtp_probe.Trouble.TIMEOUT, "chain": ()}
    ),
    probing(
        "tls-turned-away",
        "tls.unreachable unknown",
        change={"trouble": smtp_probe.Trouble.TURNED_AWAY, "chain": ()},
    ),
    probing("tls-name", "tls.certificate-name warning", change={"name_matches": False}),
    probing(
        "tls-expired",
        "tls.certificate-expired warning",
        change={"chain": (certificate(b"k", "mx1.tls-expired.example", dates=EXPIRED),)},
    ),
    probing(
        "tls-ending",
        "tls.expires-soon warning",
        change={"chain": (certificate(b"k", "mx1.tls-ending.example", dates=ENDING),)},
    ),
    probing(
        "tls-untrusted", "tls.certificate-untrusted warning", change={"untrusted": "self-signed certificate"}
    ),
    probing("tls-old", "tls.old-protocol warning", change={"protocol": "TLSv1.1"}),
    probing(
        "tls-name-enforced",
        "tls.certificate-name error",
        change={"name_matches": False},
        more=[WEB, f"_mta-sts TXT {STS}"],
        web={"https://mta-sts.^/.well-known/mta-sts.txt": policy("tls-name-enforced.example")},
    ),
    animal(
        "tls-private",
        "mx.private error",
        "tls.not-contacted info",
        mx=(*MX, "30 mx3.^"),
        more=["mx3 A 10.0.0.25"],
        mta={
            "mx1.^": shown("mx1.tls-private.example"),
            "mx2.^": shown("mx2.tls-private.example"),
            "mx3.^": Probed("mx3.tls-private.example", trouble=smtp_probe.Trouble.PRIVATE),
        },
        tools={"connect": True},
    ),
    animal("caa-unreadable", "tls.caa-invalid error", more=['^ CAA 128 isue "letsencrypt.org"']),
    animal("caa-silent", "tls.unknown unknown", faults={"^ CAA": Status.TIMEOUT}),
    animal("caa-sound", (), "tls.ok ok", more=['^ CAA 0 issue "letsencrypt.org"']),
)
