"""Mail addresses of settings: what is accepted, what is refused and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards.addresses import BadAddress, mail_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("postmaster@shop.example", "postmaster@shop.example"),
        ("Postmaster@Shop.Example", "Postmaster@shop.example"),  # only the domain is case-insensitive
        ("dmarc+rua@mail.shop.example.", "dmarc+rua@mail.shop.example"),
        ("first.o'brien@shop.example", "first.o'brien@shop.example"),
        ("a@münchen.example", "a@xn--mnchen-3ya.example"),
        ("a" * 64 + "@shop.example", "a" * 64 + "@shop.example"),
    ],
)
def test_a_plain_address_is_accepted(text: str, address: str) -> None:
    assert mail_address(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("postmaster", "it has no @"),
        ("@shop.example", "local part is empty"),
        ("a@", "in the domain: it is empty"),
        ("a@localhost", "single label"),
        ("a@[192.0.2.1]", "IP address"),
        ("a@shop_x.example", "underscore"),
        ("a%victim.example@shop.example", "percent hack"),
        ("host!a@shop.example", "bang path"),
        ("@relay.example:a@shop.example", "source route"),
        ("a@b@shop.example", "source route"),
        ('"a b"@shop.example', "quoted"),
        ("a\r\nBcc: x@shop.example", r"U\+000D"),
        ("a@shop.example\r\nRSET", "in the domain: it has white space"),
        ("a@shop.example\n", "line end"),
        ("a\x00@shop.example", r"U\+0000"),
        ("a b@shop.example", r"U\+0020"),
        ("a\u202eb@shop.example", r"U\+202E"),
        ("é@shop.example", r"U\+00E9"),
        ("a;b@shop.example", "not allowed in it: ;"),
        ("<a@shop.example>", "not allowed in it: <"),
        ("a,b@shop.example", "not allowed in it: ,"),
        ("$(id)@shop.example", r"may expand: \$"),
        ("{{x}}@shop.example", r"may expand: \{\}"),
        ("|id@shop.example", r"may expand: \|"),
        ("/etc/passwd@shop.example", "may expand: /"),
        ("-f@shop.example", "hyphen"),
        (".a@shop.example", "dot at an end"),
        ("a.@shop.example", "dot at an end"),
        ("a..b@shop.example", "two in a row"),
        ("a" * 65 + "@shop.example", "65 characters; 64"),
        ("a" * 64 + "@" + ".".join(["b" * 63] * 3), "256 characters; 254"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(BadAddress, match=reason) as refused:
        mail_address(text)
    assert str(refused.value).isprintable()


def test_all_reasons_come_at_once() -> None:
    with pytest.raises(BadAddress) as refused:
        mail_address("-a%b;@shop_x.example;")
    assert len(refused.value.reasons) == 5


def accepted(text: str) -> str | None:
    try:
        return mail_address(text)
    except BadAddress as error:
        return None if error.reasons else "refused without a reason"


@given(st.text(max_size=40) | st.text('ab@.%!\r\n"{$|é ', max_size=60))
def test_any_text_is_a_clean_address_or_refused(text: str) -> None:
    address = accepted(text)
    if address is not None:
        assert address.isascii()
        assert address.isprintable()
        assert not set(address) & set(' "%!$`{}|/\\;,<>()')
        assert address.count("@") == 1
        assert mail_address(address) == address
