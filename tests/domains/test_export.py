"""Exports compared with golden files, and read back by the parsers of their languages.

MAILCTL_WRITE_GOLDEN=1 writes the golden files anew, after a change that is meant.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.domains import export
from mailctl.standards.dns import Record
from mailctl.standards.presentation import RdataError, value_from_text, zone_text

ZONE = "client.example"
RECORDS = (
    Record(ZONE, "TXT", "v=spf1 ip4:192.0.2.1 -all", 3600),
    Record(ZONE, "TXT", 'odd "quotes" \\ back; ${hcl} %{if}', 3600),
    Record(ZONE, "MX", f"10 mail.{ZONE}", 3600),
    Record(ZONE, "MX", "20 backup.house.example", 3600),
    Record(f"_dmarc.{ZONE}", "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@house.example", 300),
    Record(f"s2._domainkey.{ZONE}", "CNAME", "s2.keys.house.example", 3600),
    Record(f"s10._domainkey.{ZONE}", "TXT", "v=DKIM1; k=rsa; p=" + "MIIBIjANBg" * 40, 3600),
    Record(f"mail.{ZONE}", "A", "192.0.2.1", 3600),
    Record(f"mail.{ZONE}", "A", "192.0.2.2", 3600),
    Record(f"mail.{ZONE}", "AAAA", "2001:db8::1", 3600),
    Record(f"nomail.{ZONE}", "MX", "0 .", 3600),
    Record(f"*.wild.{ZONE}", "TXT", "*", 3600),
    Record(f"_25._tcp.mail.{ZONE}", "TLSA", "3 1 1 " + "ab" * 32, 3600),
)
FORMATS: dict[str, Callable[[Iterable[Record]], str]] = {
    "fragment.zone": export.zone_fragment,
    "octodns.yaml": lambda records: export.octodns(records, ZONE),
    "terraform.tf": lambda records: export.terraform(records, ZONE),
    "records.json": lambda records: json.dumps(export.objects(records), indent=2) + "\n",
    "rows.txt": lambda records: "".join(" | ".join(row) + "\n" for row in export.rows(records)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_golden(name: str) -> None:
    golden = Path(__file__).with_name("golden") / name
    text = FORMATS[name](reversed(RECORDS))
    if os.environ.get("MAILCTL_WRITE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def parsed(fragment: str) -> set[Record]:
    """The records that dnspython's zone parser reads."""
    zone = dns.zone.from_text(fragment, origin=f"{ZONE}.", relativize=False, check_origin=False)
    return {
        Record(str(name).rstrip("."), rdtype, value_from_text(rdtype, rdata.to_text()), ttl)
        for name, ttl, rdata in zone.iterate_rdatas()
        for rdtype in [dns.rdatatype.to_text(rdata.rdtype)]
    }


def test_a_zone_parser_reads_the_same_records() -> None:
    assert parsed(export.zone_fragment(RECORDS)) == set(RECORDS)


@settings(deadline=None, derandomize=True, database=None)
@given(st.text(st.characters(max_codepoint=255), max_size=600))
def test_any_text_survives_the_zone_file(text: str) -> None:
    record = Record(f"x.{ZONE}", "TXT", text, 60)
    assert parsed(export.zone_fragment([record])) == {record}
    assert value_from_text("TXT", zone_text(record)) == text


def test_octodns_is_yaml_with_whole_texts_and_escaped_semicolons() -> None:
    read = yaml.safe_load(export.octodns(RECORDS, ZONE))
    assert list(read) == [
        "",
        "*.wild",
        "_25._tcp.mail",
        "_dmarc",
        "mail",
        "nomail",
        "s2._domainkey",
        "s10._domainkey",
    ]
    assert read["_dmarc"][0]["values"] == [r"v=DMARC1\; p=none\; rua=mailto:dmarc@house.example"]
    assert read[""][0]["values"][0] == {"exchange": f"mail.{ZONE}.", "preference": 10}
    assert len(read["s10._domainkey"][0]["values"][0]) == 400 + len(r"v=DKIM1\; k=rsa\; p=")


def test_terraform_values_cannot_be_templates() -> None:
    text = export.terraform(RECORDS, ZONE)
    assert "$${hcl} %%{if}" in text
    assert text.count("resource ") == len({(r.name, r.rdtype) for r in RECORDS}) - 1  # TLSA is a comment
    assert "# not in hashicorp/dns: _25._tcp.mail" in text


def test_terraform_labels_do_not_collide() -> None:
    records = [Record(f"a.b.{ZONE}", "A", "192.0.2.1"), Record(f"a_b.{ZONE}", "A", "192.0.2.1")]
    labels = [
        line.split('"')[3] for line in export.terraform(records, ZONE).splitlines() if "resource" in line
    ]
    assert labels == ["a_b_client_example_a", "a_b_client_example_a_2"]


def test_a_value_that_cannot_be_published_is_an_error() -> None:
    with pytest.raises(RdataError, match="above U"):
        export.zone_fragment([Record(ZONE, "TXT", "snowman ☃")])
    with pytest.raises(RdataError, match="too few fields"):
        export.zone_fragment([Record(ZONE, "SRV", "1 2 3")])
