"""SPF evaluation beside pyspf, on the same zones in memory: what a receiver computes for a message."""

import asyncio
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import spf

from bench.measure import Row, compare, interleaved
from mailctl.standards.dns import Answer, Host, Mx, Rdata, Status, Txt, split_txt
from mailctl.standards.spf_check import evaluate

_TEXTS = {
    "shop.example": "v=spf1 ip4:192.0.2.0/28 include:_spf.mailer.example include:office.example a:www.%{d} ~all",
    "_spf.mailer.example": "v=spf1 include:_a.mailer.example include:_b.mailer.example ?all",
    "_a.mailer.example": "v=spf1 " + " ".join(f"ip4:198.51.{n}.0/22" for n in range(0, 96, 4)) + " ~all",
    "_b.mailer.example": "v=spf1 " + " ".join(f"ip6:2001:db8:{n:x}::/48" for n in range(16)) + " ~all",
    "office.example": "v=spf1 mx exists:%{ir}.%{v}._spf.%{d2} redirect=_spf.office.example",
    "_spf.office.example": "v=spf1 a mx:office.example ip4:203.0.113.7 -all",
}
DATA: dict[tuple[str, str], tuple[Rdata, ...]] = {
    (name, "TXT"): (Txt(split_txt(text)),) for name, text in _TEXTS.items()
}
DATA |= {
    ("office.example", "MX"): (Mx(10, "mx1.office.example"), Mx(20, "mx2.office.example")),
    ("mx1.office.example", "A"): (ip_address("203.0.113.1"),),
    ("mx2.office.example", "A"): (ip_address("203.0.113.2"),),
    ("_spf.office.example", "A"): (ip_address("203.0.113.3"),),
    ("www.shop.example", "A"): (ip_address("203.0.113.4"),),
}
# One that the first term knows, one deep in an include, one at a host's name, one that nobody knows.
CLIENTS = ["192.0.2.5", "198.51.80.9", "203.0.113.2", "203.0.113.4", "203.0.113.99", "2001:db8:f::25"]
_ABSENT = {
    (name, rdtype): Answer(name, rdtype, Status.NXDOMAIN) for name, _ in DATA for rdtype in ("A", "AAAA", "MX", "TXT")
}  # fmt: skip
_ANSWERS = {key: Answer(*key, Status.ANSWER, records) for key, records in DATA.items()}


async def lookup(name: str, rdtype: str) -> Answer:
    key = (name, rdtype)
    return _ANSWERS.get(key) or _ABSENT.get(key) or Answer(name, rdtype, Status.NXDOMAIN)


def _pyspf_form(rdata: Rdata) -> Any:
    match rdata:
        case Txt():
            return rdata.strings
        case Mx():
            return (rdata.preference, rdata.host)
        case Host():
            return rdata.name
    return str(rdata)


_PYSPF = {key: [_pyspf_form(one) for one in records] for key, records in DATA.items()}


class Query(spf.query):  # type: ignore[misc]
    """pyspf with our data in place of its resolver."""

    def dns(self, name: str, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[Any]:
        return _PYSPF.get((name.lower().rstrip("."), qtype), [])


def theirs(client: str) -> str:
    return str(Query(i=client, s="a@shop.example", h="mail.shop.example").check()[0])


def _ours_per_second(times: int) -> Callable[[], float]:
    async def work() -> float:
        begun = time.process_time()
        for _ in range(times):
            for client in CLIENTS:
                await evaluate(lookup, ip=client, helo="mail.shop.example", mail_from="a@shop.example")
        return times * len(CLIENTS) / (time.process_time() - begun)

    return lambda: asyncio.run(work())


def _theirs_per_second(times: int) -> Callable[[], float]:
    def work() -> float:
        begun = time.process_time()
        for _ in range(times):
            for client in CLIENTS:
                theirs(client)
        return times * len(CLIENTS) / (time.process_time() - begun)

    return work


async def _results() -> list[str]:
    found = [
        await evaluate(lookup, ip=client, helo="mail.shop.example", mail_from="a@shop.example")
        for client in CLIENTS
    ]
    return [one.result for one in found]


def rows(rounds: int) -> list[Row]:
    """Raises RuntimeError where the two do not come to the same results: then nothing is compared."""
    results, others = asyncio.run(_results()), [theirs(client) for client in CLIENTS]
    if results != others:
        raise RuntimeError(f"ours {results}, pyspf {others}")
    seen = interleaved({"ours": _ours_per_second(30), "pyspf": _theirs_per_second(30)}, rounds)
    return [compare("SPF evaluation, in memory", "/s", seen, "ours", "pyspf")]
