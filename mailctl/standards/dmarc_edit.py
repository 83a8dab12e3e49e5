"""Writing a DMARC record: a new one, or the policy of one that is there (RFC 9989 §4.7).

Promise: an edit changes the `p` tag, adds `rua` where there is none, and leaves every other byte as it was.
"""

import re

from mailctl.standards.dmarc_record import Disposition, parse

_POLICY = re.compile(r"((?:^|;)[ \t]*p[ \t]*=[ \t]*)([^;\s]*)", re.IGNORECASE)
_VERSION = re.compile(r"\A[ \t]*v[ \t]*=[ \t]*DMARC1[ \t]*;?", re.IGNORECASE)


def new_record(policy: str, *, report_address: str | None) -> str:
    """`v=DMARC1; p=…`, with aggregate reports to `report_address`."""
    reports = f"; rua=mailto:{report_address}" if report_address else ""
    return f"v=DMARC1; p={Disposition(policy)}{reports}"


def with_policy(text: str, policy: str, *, report_address: str | None) -> str:
    """`text`, a DMARC record, with `policy` as its p and a rua if it had none. `DmarcSyntaxError` if it is none."""
    record = parse(text)
    wanted = Disposition(policy)
    if record.policy is not wanted:
        edited, found = _POLICY.subn(lambda m: f"{m[1]}{wanted}", text, count=1)
        text = edited if found else _VERSION.sub(f"v=DMARC1; p={wanted};", text, count=1).removesuffix(";")
    if report_address and not record.report_uris and "rua" not in {name for name, _ in _tags(text)}:
        text = f"{text.rstrip().removesuffix(';')}; rua=mailto:{report_address}"
    return text


def _tags(text: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in text.split(";"))
    return [(name.strip().lower(), value.strip()) for name, _, value in pairs]
