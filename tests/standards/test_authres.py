"""What we write as Authentication-Results, an independent parser (authres) reads as it was meant."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import authres as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import authres, dmarc
from mailctl.standards.authres import MethodResult, Property
from mailctl.standards.dkim_verify import SignatureResult
from mailctl.standards.dns import Lookup, Txt, split_txt


def read(value: str) -> Any:
    return oracle.AuthenticationResultsHeader.parse_value(value)


SIGNATURE = SignatureResult("pass", "example.com", "s1", "rsa-sha256", "@example.com", start="aB/+cd==")


def test_an_ordinary_message(make_lookup: Callable[[Mapping[str, Any]], Lookup]) -> None:
    lookup = make_lookup({"_dmarc.example.com": {"TXT": [Txt(split_txt("v=DMARC1; p=reject"))]}})
    evaluation = asyncio.run(dmarc.evaluate(lookup, "example.com", None, [("example.com", "pass")]))
    results = [
        authres.of_spf("pass", "bounce@example.com", "mx.example.com"),
        authres.of_dkim(SIGNATURE),
        authres.of_dmarc(evaluation),
    ]
    assert authres.format("mx.example.net", results) == (
        "mx.example.net;\r\n"
        "\tspf=pass smtp.mailfrom=bounce@example.com;\r\n"
        "\tdkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256 header.i=@example.com"
        ' header.b="aB/+cd==";\r\n'
        "\tdmarc=pass header.from=example.com policy.dmarc=reject"
    )


def test_an_independent_parser_reads_it() -> None:
    found = read(authres.format("mx.example.net", [authres.of_dkim(SIGNATURE)], fold=" "))
    assert (found.authserv_id, found.results[0].result) == ("mx.example.net", "pass")
    properties = {p.name: p.value for p in found.results[0].properties}
    assert (properties["d"], properties["b"], properties["i"]) == ("example.com", "aB/+cd==", "@example.com")


def test_a_failure_tells_its_reason(make_lookup: Callable[[Mapping[str, Any]], Lookup]) -> None:
    evaluation = asyncio.run(dmarc.evaluate(make_lookup({}), "example.com", None, []))
    text = authres.format("mx.example.net", [authres.of_dmarc(evaluation)], fold=" ")
    assert text == (
        'mx.example.net; dmarc=none reason="no DMARC record at _dmarc.example.com or above it"'
        " header.from=example.com"
    )


def test_helo_stands_for_a_null_sender() -> None:
    assert "smtp.helo=mx.example.com" in authres.format(
        "x.example", [authres.of_spf("pass", "", "mx.example.com")]
    )


def test_nothing_was_done() -> None:
    assert authres.format("mx.example.net", []) == "mx.example.net; none"
    assert read("mx.example.net; none").results == []


def test_no_line_is_too_long() -> None:
    properties = tuple(Property("header", name, '"' * 999) for name in "abcde")
    written = authres.format("mx.example.net", [MethodResult("dkim", "fail", properties, "\\" * 999)])
    assert max(map(len, written.split("\r\n"))) < 998  # RFC 5322 §2.1.1


@pytest.mark.parametrize("name", ["", "a b", "x\r\nBcc: y", "x;", "x" * 300, "-x"])
def test_a_host_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a host name"):
        authres.format(name, [])


@pytest.mark.parametrize("word", ["", "a b", "a;", "a=b", "a\n", "1"])
def test_keywords_are_checked(word: str) -> None:
    with pytest.raises(ValueError, match="not a keyword"):
        MethodResult(word, "pass")
    with pytest.raises(ValueError, match="not a keyword"):
        MethodResult("spf", "pass", (Property("smtp", word, "x"),))


HOSTILE = [
    "x\r\nBcc: y@z",
    'a" dkim=pass "',
    "a; dkim=pass",
    "a (comment",
    "\\",
    'x\\"',
    "",
    " ",
    "a\x00b",
    "ü",
    "x" * 9999,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_stay_in_their_place(text: str) -> None:
    result = MethodResult("spf", "fail", (Property("smtp", "mailfrom", text),), reason=text)
    written = authres.format("mx.example.net", [result], fold=" ")
    assert re.search(r"[^\x20-\x7e]", written) is None
    assert len(written) < 1_500
    found = read(written)
    assert [(r.method, r.result) for r in found.results] == [("spf", "fail")]


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_makes_a_second_result(value: str, reason: str) -> None:
    result = MethodResult("spf", "fail", (Property("smtp", "mailfrom", value),), reason)
    found = read(authres.format("mx.example.net", [result, authres.of_dkim(SIGNATURE)]).replace("\r\n", ""))
    assert [(r.method, r.result) for r in found.results] == [("spf", "fail"), ("dkim", "pass")]
