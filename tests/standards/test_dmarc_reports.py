"""Who may have reports sent where (RFC 9990 §4)."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mailctl.standards import dmarc
from mailctl.standards.dns import Lookup, Status, Txt, split_txt

MakeLookup = Callable[[Mapping[str, Any]], Lookup]
NAME = "blue.example._report._dmarc.red.example.net"
URI = "mailto:reports@red.example.net"


@pytest.fixture
def ask(make_lookup: MakeLookup) -> Callable[..., dmarc.Authorisation]:
    def run(uri: str, texts: Mapping[str, str | Status]) -> dmarc.Authorisation:
        zone = {n: {"TXT": t if isinstance(t, Status) else [Txt(split_txt(t))]} for n, t in texts.items()}
        return asyncio.run(dmarc.report_uri_authorised(make_lookup(zone), "blue.example", uri))

    return run


Ask = Callable[..., dmarc.Authorisation]


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1;", "v = DMARC1; rua=mailto:other@red.example.net"])
def test_a_record_at_the_destination_authorises(text: str, ask: Ask) -> None:
    found = ask(URI, {NAME: text})
    assert (found.outcome, found.name, found.authorised) == ("authorised", NAME, True)
    assert found.overrides == (("mailto:other@red.example.net",) if "rua" in text else ())


@pytest.mark.parametrize("text", ["", "v=dmarc1", "p=none; v=DMARC1", "v=spf1 -all"])
def test_anything_else_does_not(text: str, ask: Ask) -> None:
    assert (ask(URI, {NAME: text}).outcome, ask(URI, {}).outcome) == ("refused", "refused")


def test_a_destination_that_leads_on_is_refused(ask: Ask) -> None:
    found = ask(URI, {NAME: "v=DMARC1; rua=mailto:x@victim.example"})
    assert (found.outcome, "another host" in found.reason) == ("refused", True)


def test_addresses_within_the_organization_need_no_record(ask: Ask) -> None:
    own = {"_dmarc.blue.example": "v=DMARC1; p=none"}
    assert ask("mailto:d@blue.example", {}).outcome == "internal"
    assert ask("mailto:d@mail.blue.example", own).outcome == "internal"


@pytest.mark.parametrize("name", [NAME, "_dmarc.blue.example", "_dmarc.example.net"])
def test_a_dns_fault_is_neither_yes_nor_no(name: str, ask: Ask) -> None:
    found = ask(URI, {name: Status.SERVFAIL})
    assert (found.outcome, found.authorised, "servfail" in found.reason) == ("temperror", False, True)


@pytest.mark.parametrize(
    "uri", ["", "reports@red.example.net", "mailto:", "https:///x", "https://[::zz]/", "tel:1"]
)
def test_what_names_no_host_is_invalid(uri: str, ask: Ask) -> None:
    assert ask(uri, {}).outcome == "invalid"


def test_a_name_too_long_for_dns_is_refused(ask: Ask) -> None:
    host = ".".join(["a" * 60] * 4)
    assert "too long" in ask(f"mailto:d@{host}", {}).reason


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("MAILTO:A@Red.Example?subject=x@y", "red.example"),
        ("https://u:p@red.example:8443/r", "red.example"),
        ("mailto:a%40b@red.example", "red.example"),
    ],
)
def test_the_host_of_a_uri(uri: str, host: str) -> None:
    assert dmarc.destination_host(uri) == host
