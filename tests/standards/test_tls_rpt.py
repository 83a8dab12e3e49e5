"""TLS-RPT records (RFC 8460 §3)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailctl.standards import tls_rpt
from mailctl.standards.tls_rpt import Record, TlsRptSyntaxError


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("v=TLSRPTv1; rua=mailto:reports@example.com", Record(("mailto:reports@example.com",))),  # §3
        (
            "v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt",
            Record(("https://reporting.example.com/v1/tlsrpt",)),
        ),
        (
            "v=TLSRPTv1; rua=mailto:a@example.com , https://b.example.com/x?y=z; ext=1;",
            Record(("mailto:a@example.com", "https://b.example.com/x?y=z"), (("ext", "1"),)),
        ),
    ],
)
def test_records(text: str, record: Record) -> None:
    assert tls_rpt.is_record(text)
    assert tls_rpt.parse(text) == record


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v=TLSRPTv1;", "it has no rua="),
        ("v=TLSRPTv1; rua=", "no URI"),
        ("v=TLSRPTv1; rua=reports@example.com", "no URI"),
        ("v=TLSRPTv1; rua=mailto:example.com", "names no mail address"),
        ("v=TLSRPTv1; rua=mailto:a@nowhere", "names no mail address"),
        ("v=TLSRPTv1; rua=http://example.com/x", "only mailto: and https:"),
        ("v=TLSRPTv1; rua=https:///x", "names no host"),
        ("v=TLSRPTv1; rua=https://[::1/x", "names no host"),
        ("v=TLSRPTv1; rua=mailto:a@example.com,", "no URI"),
        ("v=TLSRPTv1; rua=mailto:a@example.com mailto:b@example.com", "no URI"),
        ("v=TLSRPTv1; rua=mailto:a@example.com!10m", "no URI"),
        ("v=TLSRPT1; rua=mailto:a@example.com", "has to begin with v=TLSRPTv1;"),
        ("v=TLSRPTv1; rua=mailto:a@example.com; x=a=b", "x= has no valid value"),
    ],
)
def test_what_is_no_record_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TlsRptSyntaxError, match=reason):
        tls_rpt.parse(text)


def test_every_reason_is_given_at_once() -> None:
    with pytest.raises(TlsRptSyntaxError) as caught:
        tls_rpt.parse("v=tlsrptv1; rua=mailto:x,ftp://y.example/")
    assert len(caught.value.reasons) == 3


@given(
    st.text(max_size=300) | st.text("mailto:https/@,;=[]%. ax", max_size=60).map("v=TLSRPTv1; rua={}".format)
)
def test_no_text_crashes_the_parser(text: str) -> None:
    with contextlib.suppress(TlsRptSyntaxError):
        record = tls_rpt.parse(text)
        assert tls_rpt.parse(tls_rpt.format(record)) == record


URIS = st.from_regex(
    r"mailto:[a-z]{1,5}@[a-z]{1,5}\.example|https://[a-z]{1,5}\.example/[a-z=?&]{0,9}", fullmatch=True
)


@given(st.lists(URIS, min_size=1, max_size=4).map(tuple))
def test_a_record_that_is_written_is_read_back(uris: tuple[str, ...]) -> None:
    assert tls_rpt.parse(tls_rpt.format(Record(uris))) == Record(uris)
