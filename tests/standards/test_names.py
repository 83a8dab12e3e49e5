"""Names: what is accepted and in which form, what is refused and why."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards.names import (
    BadName,
    ancestors,
    domain_name,
    host_name,
    is_at_or_below,
    parent,
    record_name,
    selector_name,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop.example", "shop.example"),
        ("Shop.EXAMPLE", "shop.example"),
        ("shop.example.", "shop.example"),  # a single final dot is the DNS's own notation
        ("mail.host.example", "mail.host.example"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("mu\u0308nchen.example", "xn--mnchen-3ya.example"),  # decomposed, as macOS types it
        ("straße.example", "xn--strae-oqa.example"),  # not "strasse": IDNA 2008
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"),
        ("почта.example", "xn--80a1acny.example"),
        ("日本語ドメイン.example", "xn--eckwd4c7c5976acvb2w6i.example"),
        ("r3---sn.example", "r3---sn.example"),
        ("1.shop.example", "1.shop.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("shop.co.uk", "shop.co.uk"),
    ],
)
def test_a_domain_name_is_stored_as_a_labels(text: str, name: str) -> None:
    assert domain_name(text) == name
    assert host_name(text) == name


REFUSED = [
    ("", "it is empty"),
    ("shop\n.example", "white space or a line end"),
    ("shop.example\n", "white space or a line end"),
    ("shop.example\r\nrelayhost=x", r"U\+000D, U\+000A"),
    (" shop.example", "white space"),
    ("shop example.com", "white space"),
    ("shop.example\x00", r"U\+0000"),
    ("shop.example;rm", "no name has: ;"),
    ("$(id).example", r"no name has: \$ \( \)"),
    ("{{x}}.example", r"no name has: \{ \}"),
    ("a/b.example", "no name has: /"),
    ("a%b.example", "no name has: %"),
    ("*.shop.example", r"no name has: \*"),
    (".shop.example", "starts with a dot"),
    ("shop..example", "empty label"),
    ("shop.example..", "empty label"),
    (".", "empty label"),
    (".".join(["a" * 62, "b" * 62, "c" * 62, "d" * 65]), "254 characters; 253"),
    ("a" * 64 + ".example", "64 characters; 63"),
    ("a" * 5000 + ".example", "5008 characters"),
    ("ä" * 70 + ".example", "70 characters; 63"),
    ("my_shop.example", "underscore"),
    ("-shop.example", "hyphen"),
    ("shop-.example", "hyphen"),
    ("shop", "single label"),
    ("192.0.2.1", "IP address"),
    ("[192.0.2.1]", "IP address"),
    ("2001:db8::1", "IP address"),
    ("[IPv6:2001:db8::1]", "IP address"),
    ("192.0.2", "is a number"),
    ("shop.0x7f", "is a number"),
    ("pаypal.example", "mixes scripts"),  # Cyrillic а
    ("xn--pypal-4ve.example", "mixes scripts"),  # the same in punycode
    ("ｓｈｏｐ.example", "'shop' may be meant"),
    ("shop。example", "'shop.example' may be meant"),
    ("shop\u00ad.example", r"U\+00AD"),
    ("shop\u200b.example", r"U\+200B"),
    ("shop\u202e.example", r"U\+202E"),
    ("☃.example", "not valid in a domain name"),
    ("xn--a.example", "not valid punycode"),
    ("xn--zzzzzzzz99999.example", "not valid punycode"),
    ("\ud800.example", r"U\+D800"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    for check in (domain_name, host_name):
        with pytest.raises(BadName) as refused:
            check(text)
        assert any(re.search(reason, r) for r in refused.value.reasons), refused.value.reasons
        assert str(refused.value).isascii()
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", ["com", "example", "co.uk", "CO.UK.", "公司.cn", "foo.ck"])
def test_a_public_suffix_is_no_domain_of_ours(text: str) -> None:
    with pytest.raises(BadName, match="public suffix"):
        domain_name(text)


def test_a_public_suffix_may_be_allowed_and_is_a_host() -> None:
    assert domain_name("co.uk", allow_public_suffix=True) == "co.uk"
    assert host_name("co.uk") == "co.uk"


def test_a_private_suffix_has_an_owner() -> None:
    assert domain_name("github.io") == "github.io"


def test_all_reasons_come_at_once() -> None:
    with pytest.raises(BadName) as refused:
        domain_name(".my_shop;" + "a" * 64 + ".-x")
    found = "; ".join(refused.value.reasons)
    for reason in ("underscore", "no name has: ;", "starts with a dot", "72 characters", "hyphen"):
        assert reason in found


def test_records_may_have_underscores_and_selectors_a_single_label() -> None:
    assert record_name("_DMARC.shop.example") == "_dmarc.shop.example"
    assert record_name("s1._domainkey.münchen.example") == "s1._domainkey.xn--mnchen-3ya.example"
    assert selector_name("202611R") == "202611r"
    assert selector_name("a.b") == "a.b"


@pytest.mark.parametrize("text", ["", "a_b", "a b", "a;b", "a\n", ".a", "a" * 64, "$(a)"])
def test_a_bad_selector_is_refused(text: str) -> None:
    with pytest.raises(BadName, match="is not a selector"):
        selector_name(text)


@pytest.mark.parametrize("text", ["", "a", "_a b.example", "_a;.example", "_dmarc..example", "*.example.com"])
def test_a_bad_record_name_is_refused(text: str) -> None:
    with pytest.raises(BadName, match="is not a record name"):
        record_name(text)


def test_the_way_up() -> None:
    assert parent("a.shop.example") == "shop.example"
    assert parent("example") == ""
    assert list(ancestors("a.shop.example")) == ["a.shop.example", "shop.example", "example"]
    assert is_at_or_below("a.shop.example", "shop.example")
    assert is_at_or_below("shop.example", "shop.example")
    assert is_at_or_below("shop.example", "")
    assert not is_at_or_below("myshop.example", "shop.example")


def accepted(check: Callable[[str], str], text: str) -> str | None:
    try:
        return check(text)
    except BadName as error:
        return None if error.reasons and str(error).isprintable() else "refused without a clean reason"


@given(st.text(max_size=80) | st.text("abcXY.-_;\n ü\u200b1", max_size=300))
def test_any_text_is_a_clean_name_or_refused(text: str) -> None:
    for check, form in ((host_name, r"[a-z0-9.-]{3,253}"), (record_name, r"[a-z0-9._-]{3,253}")):
        name = accepted(check, text)
        if name is not None:
            assert re.fullmatch(form, name)
            assert all(0 < len(label) <= 63 for label in name.split("."))
            assert check(name) == name
