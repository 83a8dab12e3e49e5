"""Edits of DMARC records: only what was asked for changes."""

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.standards import tags
from mailctl.standards.addresses import mail_address
from mailctl.standards.dmarc_edit import new_record, with_policy
from mailctl.standards.dmarc_record import Disposition, DmarcSyntaxError, parse

ADDRESS = "dmarc@shop.example"
RUA = f"rua=mailto:{ADDRESS}"


@pytest.mark.parametrize("policy", list(Disposition))
def test_a_new_record(policy: str) -> None:
    assert new_record(policy, report_address=None) == f"v=DMARC1; p={policy}"
    text = new_record(policy, report_address=ADDRESS)
    assert text == f"v=DMARC1; p={policy}; {RUA}"
    record = parse(text)
    assert (record.policy, record.report_uris, record.problems) == (policy, (f"mailto:{ADDRESS}",), ())


EDITS = [
    # record, policy, report address, edited
    ("v=DMARC1; p=none", "none", None, "v=DMARC1; p=none"),
    ("v=DMARC1; p=none", "reject", None, "v=DMARC1; p=reject"),
    ("v=DMARC1;p=reject;sp=none", "none", None, "v=DMARC1;p=none;sp=none"),
    ("v=DMARC1; sp=none;  p = NONE ;; fo=1", "reject", None, "v=DMARC1; sp=none;  p = reject ;; fo=1"),
    ("v=DMARC1; p=NONE", "none", None, "v=DMARC1; p=NONE"),
    ("v=DMARC1; p=oops", "none", None, "v=DMARC1; p=none"),
    ("v=DMARC1; p=", "none", None, "v=DMARC1; p=none"),
    ("v=DMARC1; p=none; sp=reject; np=reject", "quarantine", None, "v=DMARC1; p=quarantine; sp=reject; np=reject"),
    # no p: it goes behind the version, and the rest is as it was
    ("v=DMARC1", "none", None, "v=DMARC1; p=none"),
    ("v=DMARC1;", "none", None, "v=DMARC1; p=none;"),
    (" v = DMARC1 ; sp=none;", "reject", None, " v = DMARC1; p=reject ; sp=none;"),
    ("v=DMARC1; sp=none; P=reject", "none", None, "v=DMARC1; p=none; sp=none; P=reject"),
    ("v=DMARC1; pct=50", "none", None, "v=DMARC1; p=none; pct=50"),
    # reports
    ("v=DMARC1; p=none", "none", ADDRESS, f"v=DMARC1; p=none; {RUA}"),
    ("v=DMARC1; p=none;", "none", ADDRESS, f"v=DMARC1; p=none; {RUA}"),
    ("v=DMARC1; p=none; ", "none", ADDRESS, f"v=DMARC1; p=none;  {RUA}"),
    ("v=DMARC1; p=none; rua=mailto:a@b.example", "none", ADDRESS, "v=DMARC1; p=none; rua=mailto:a@b.example"),
    ("v=DMARC1; rua=nonsense; p=none", "none", ADDRESS, "v=DMARC1; rua=nonsense; p=none"),
    ("v=DMARC1; p=none; ruf=mailto:a@b.example", "none", ADDRESS, f"v=DMARC1; p=none; ruf=mailto:a@b.example; {RUA}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "policy", "address", "edited"), EDITS)
def test_edits(text: str, policy: str, address: str | None, edited: str) -> None:
    assert with_policy(text, policy, report_address=address) == edited
    assert with_policy(edited, policy, report_address=address) == edited


@pytest.mark.parametrize(
    "text", ["", "v=DMARC2; p=none", "v=dmarc1; p=none", "p=none; v=DMARC1", "v=spf1 -all"]
)
def test_what_is_no_record_is_not_edited(text: str) -> None:
    with pytest.raises(DmarcSyntaxError):
        with_policy(text, "none", report_address=None)


def test_what_is_no_policy_is_not_written() -> None:
    for policy in ("", "None", "p=none; sp=none"):
        with pytest.raises(ValueError):
            new_record(policy, report_address=None)
        with pytest.raises(ValueError):
            with_policy("v=DMARC1; p=none", policy, report_address=None)


@pytest.mark.parametrize("local", ["a?subject=x", "a#b", "a^b", "o'brien", "a+b", "a=b&c", "a*~b"])
def test_an_address_that_a_uri_would_read_differently(local: str) -> None:
    address = mail_address(f"{local}@shop.example")
    record = parse(new_record("none", report_address=address))
    assert record.problems == ()
    assert [unquote(uri) for uri in record.report_uris] == [f"mailto:{address}"]


VALUES = st.text("abcdefghijklmnopqrstuvwxyz0123456789:/@.,-_ =", max_size=12)
OTHER_TAGS = st.sampled_from(
    ["sp", "np", "adkim", "aspf", "fo", "rua", "ruf", "pct", "t", "psd", "x", "P", "pp"]
)
PARTS = st.one_of(
    st.builds("{}={}".format, OTHER_TAGS, VALUES),
    st.builds("p{}={}{}".format, st.sampled_from(["", " ", "\t"]), st.sampled_from(["", " "]), VALUES),
    st.sampled_from(["", " ", "nonsense", "p"]),
)
RECORDS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["v=DMARC1", " v = DMARC1", "V=DMARC1 "]),
    st.lists(PARTS, max_size=6).map(lambda parts: "".join(f";{part}" for part in parts)),
    st.sampled_from(["", ";", "; ", " "]),
)


@settings(max_examples=300, deadline=None)
@given(RECORDS, st.sampled_from(list(Disposition)), st.sampled_from([None, ADDRESS]))
def test_nothing_but_the_policy_and_the_reports_changes(text: str, policy: str, address: str | None) -> None:
    edited = with_policy(text, policy, report_address=address)
    before, after = tags.read(text), tags.read(edited)
    others = [pair for pair in before.pairs if pair[0] != "p"]
    added = [("rua", f"mailto:{ADDRESS}")] if address and "rua" not in before else []
    assert [pair for pair in after.pairs if pair[0] != "p"] == others + added
    assert with_policy(edited, policy, report_address=address) == edited
    if sum(name == "p" for name, _ in before.pairs) < 2 and " " not in before.get("p"):
        assert parse(edited).policy is Disposition(policy)
    if parse(text).policy is Disposition(policy) and not added:
        assert edited == text
