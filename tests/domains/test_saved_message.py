"""How a saved message came: a table of headers, and bytes that are none."""

import asyncio
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.domains.authentication import Envelope, judge
from mailctl.domains.saved_message import arrival, read_message
from mailctl.edges.resolver import MemoryResolver
from mailctl.errors import BadInput
from tests.checks.hosts import HEALTHY, NOW

INNER = "Received: from filter (filter.else.example [10.0.0.7]) by mx.else.example; x"
OUTER = "Received: from mail.shop.example (rdns.example [192.0.2.10])\r\n by mx.else.example (Postfix); x"
SENDER = "Received: from [198.51.100.66] (unknown [198.51.100.66]) by mail.shop.example; x"

TABLE: dict[str, tuple[tuple[str, ...], str | None, str, str]] = {
    "postfix": ((OUTER, SENDER), "192.0.2.10", "mail.shop.example", ""),
    "a hop inside": ((INNER, OUTER, SENDER), "192.0.2.10", "mail.shop.example", ""),
    "only inside": ((INNER,), None, "", ""),
    "nothing": ((), None, "", ""),
    "IPv6": (
        ("Received: from m.example (m.example [IPv6:2001:db8::1]) by x",),
        "2001:db8::1",
        "m.example",
        "",
    ),
    "Exchange": (
        ("Received: from m.example (192.0.2.7) by x.example (10.0.0.1) with SMTP",),
        "192.0.2.7",
        "m.example",
        "",
    ),
    "no from": (
        ("Received: by x.example with LMTP id [192.0.2.9]", OUTER),
        "192.0.2.10",
        "mail.shop.example",
        "",
    ),
    "not an address": (
        ("Received: from m.example ([1.2.3.4.5]) by x", OUTER),
        "192.0.2.10",
        "mail.shop.example",
        "",
    ),
    "return path": (
        ("Return-Path: <bounce@shop.example>", OUTER),
        "192.0.2.10",
        "mail.shop.example",
        "bounce@shop.example",
    ),
    "null return path": (("Return-Path: <>", OUTER), "192.0.2.10", "mail.shop.example", ""),
    "Received-SPF": (
        ('Received-SPF: pass client-ip=1.2.3.4; envelope-from="a@shop.example"; helo=x', OUTER),
        "192.0.2.10",
        "mail.shop.example",
        "a@shop.example",
    ),
    "in Received": (
        (OUTER.replace("; x", "(envelope-from <b@shop.example>); x"),),
        "192.0.2.10",
        "mail.shop.example",
        "b@shop.example",
    ),
}


def of(*fields: str) -> bytes:
    return "".join(f"{field}\r\n" for field in (*fields, "From: a@shop.example")).encode() + b"\r\nhello\r\n"


@pytest.mark.parametrize(("fields", "client", "helo", "sender"), TABLE.values(), ids=TABLE.keys())
def test_what_the_header_says(fields: tuple[str, ...], client: str | None, helo: str, sender: str) -> None:
    came = arrival(of(*fields), client=None, helo=None, mail_from=None)
    assert came.envelope == Envelope(ip_address(client) if client else None, helo, sender)
    assert len(came.sources) == 3


def test_what_is_given_counts_more() -> None:
    client = ip_address("203.0.113.1")
    came = arrival(of("Return-Path: <x@y.example>", OUTER), client=client, helo="h.example", mail_from="<>")
    assert came.envelope == Envelope(client, "h.example", "")
    assert came.sources == ("client: as given", "helo: as given", "mail from: as given")


def test_a_file_is_read_without_the_line_of_an_mbox(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"From a Mon Jan  1 00:00:00 2026\n" + of())
    assert read_message(tmp_path / "one") == of()


@pytest.mark.parametrize("data", [b"", b"\r\n\r\nbody", b"\x00\xff\xfe"])
def test_what_is_no_message_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "one").write_bytes(data)
    with pytest.raises(BadInput):
        read_message(tmp_path / "one")


PIECES = st.sampled_from(
    [
        b"Received: from x ([192.0.2.1]) by y\r\n",
        b"Received: from",
        b"Return-Path: <",
        b"From: a@b.example\r\n",
        b"From: \r\n",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n",
        b"DKIM-Signature: ",
        b"v=1; a=",
        b"From: =?utf-8?q?=0D=0A?= <a@b>\r\n",
        b"From: a@b, c@d\r\n",
        b"\r\n\r\n",
        b"\n",
        b" ",
        b"; l=1",
        b"\xff\x00",
        b":",
        b"[IPv6:",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=40)), max_size=12).map(b"".join))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    came = arrival(data, client=None, helo=None, mail_from=None)
    judged = asyncio.run(judge(MemoryResolver(HEALTHY), data, came.envelope, receiver="x.example", now=NOW))
    assert judged.results("spf")
    assert judged.results("dkim")
    assert len(judged.results("dmarc")) == 1
