"""The public test suite of RFC 7208: every case, with its explanation."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml

from mailctl.standards.dns import Answer, Host, Mx, Rdata, Status, Txt
from mailctl.standards.spf_check import evaluate

CASES = 203


@dataclass
class Case:
    test: dict[str, Any]
    zone: "SuiteZone"


class SuiteZone:
    """A `Lookup` under the zone rules of the suite (its README): SPF data stands in for missing TXT, a
    bare TIMEOUT answers each type that is not listed, `TXT: NONE` is no TXT of its own."""

    def __init__(self, zonedata: dict[str, list[Any]]) -> None:
        self.names: dict[str, dict[str, list[Any]]] = {}
        self.faulty: set[str] = set()
        for name, entries in zonedata.items():
            values: dict[str, list[Any]] = defaultdict(list)
            for entry in entries:
                if isinstance(entry, str):
                    self.faulty.add(str(name).lower())
                else:
                    for rdtype, value in entry.items():
                        values[rdtype].append(value)
            values["TXT"] = [v for v in values.get("TXT", values["SPF"]) if v != "NONE"]
            self.names[str(name).lower()] = values

    async def __call__(self, name: str, rdtype: str) -> Answer:
        assert name == name.lower()
        asked = name
        for _ in range(8):
            values = self.names.get(name)
            if values is None:
                return Answer(asked, rdtype, Status.NXDOMAIN)
            if values.get(rdtype):
                records = tuple(rdata(rdtype, value) for value in values[rdtype])
                return Answer(asked, rdtype, Status.ANSWER, records)
            if name in self.faulty:
                return Answer(asked, rdtype, Status.TIMEOUT)
            if not values.get("CNAME"):
                return Answer(asked, rdtype, Status.NODATA)
            name = values["CNAME"][0].lower().rstrip(".")
        return Answer(asked, rdtype, Status.SERVFAIL, detail="CNAME loop")


def rdata(rdtype: str, value: Any) -> Rdata:
    match rdtype:
        case "A" | "AAAA":
            return ip_address(value)
        case "MX":
            return Mx(value[0], value[1])
        case "PTR":
            return Host(value.rstrip("."))
        case _:
            strings = [value] if isinstance(value, str) else value
            return Txt(tuple(s.encode("latin-1") for s in strings))


def suite_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    with (folder / "spf" / "rfc7208-tests.yml").open(encoding="utf-8") as file:
        for scenario in yaml.safe_load_all(file):
            zone = SuiteZone(scenario["zonedata"])
            for name, test in scenario["tests"].items():
                yield name, Case(test, zone)


def test_a_case_of_the_suite(suite_case: Case) -> None:
    test = suite_case.test
    result = asyncio.run(
        evaluate(suite_case.zone, ip=test["host"], helo=test["helo"], mail_from=test["mailfrom"])
    )
    allowed = [test["result"]] if isinstance(test["result"], str) else test["result"]
    assert result.result in allowed, result
    if "explanation" in test:
        # DEFAULT stands for an explanation of the receiver's own: the domain has published none.
        assert result.explanation == test["explanation"].replace("DEFAULT", "")
    assert result.trace or result.result == "none"
    assert bool(result.problem) == (result.result in ("none", "temperror", "permerror"))


def test_the_suite_is_whole(shared_suites: Path) -> None:
    assert len(list(suite_cases(shared_suites))) == CASES
