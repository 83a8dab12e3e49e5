"""Writing a DMARC record: a new one, or the policy of one that is there (RFC 9989 §4.7).

Promise: an edit changes the value of the `p` tag, or puts one in behind the version, and adds `rua` at the end where
there is none; every other byte stays as it was. A second edit changes nothing.
"""

import re
from urllib.parse import quote

from mailctl.standards import tags
from mailctl.standards.dmarc_record import Disposition, parse

_POLICY = re.compile(r"(;[ \t\r\n]*p[ \t\r\n]*=[ \t\r\n]*)([^;\s]*)")  # tag names are case-sensitive
_VERSION = re.compile(r"\s*[vV]\s*=\s*DMARC1")
_PLAIN = "@+-._~"  # what an address may hold as it is (RFC 6068 §2); "?" would begin a header, "#" a fragment


def new_record(policy: str, *, report_address: str | None) -> str:
    """`v=DMARC1; p=…`, with aggregate reports to `report_address`."""
    reports = f"; {_reports(report_address)}" if report_address else ""
    return f"v=DMARC1; p={Disposition(policy)}{reports}"


def with_policy(text: str, policy: str, *, report_address: str | None) -> str:
    """`text`, a DMARC record, with `policy` as its p and a rua if it had none. `DmarcSyntaxError` if it is none."""
    wanted = Disposition(policy)
    if parse(text).policy is not wanted:
        edited, found = _POLICY.subn(lambda m: f"{m[1]}{wanted}", text, count=1)
        text = edited if found else _VERSION.sub(lambda m: f"{m[0]}; p={wanted}", text, count=1)
    if report_address and "rua" not in tags.read(text):
        text += f"{' ' if text.rstrip().endswith(';') else '; '}{_reports(report_address)}"
    return text


def _reports(address: str) -> str:
    return f"rua=mailto:{quote(address, safe=_PLAIN)}"
