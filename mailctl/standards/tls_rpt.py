"""TLS-RPT: the record that says where reports on failed TLS connections go (RFC 8460).

Promise: `parse` takes any text; what is no record is a `TlsRptSyntaxError` with every reason. `format` writes what
`parse` reads.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from mailctl.standards import addresses, fields, names

VERSION: Final = "TLSRPTv1"
# §3: "!", "," and ";" are encoded in a URI here.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@$&'()*+=-]|%[0-9A-Fa-f]{2})+")


class TlsRptSyntaxError(ValueError):
    """The text is no TLS-RPT record. `reasons` holds every problem."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class Record:
    """The TXT record at _smtp._tls."""

    report_uris: tuple[str, ...]  # "rua"
    extensions: tuple[tuple[str, str], ...] = ()


def is_record(text: str) -> bool:
    return fields.is_record(text, VERSION)


def is_meant(text: str) -> bool:
    """Whether somebody meant a record and did not quite write one."""
    return fields.is_meant(text, VERSION)


def parse(text: str) -> Record:
    """The record in a TXT text (§3); `TlsRptSyntaxError` with every reason if it is none."""
    found = fields.read(text, VERSION)
    problems = list(found.problems)
    rua = found.get("rua")
    uris = tuple(uri.strip(fields.WSP) for uri in (rua or "").split(","))
    if rua is None:
        problems.append("it has no rua=, so that nobody gets a report")
    else:
        problems += [problem for uri in uris[:20] if (problem := why_no_report_uri(uri))]
    problems += [
        f"{n}= has no valid value: {v[:40]!a}" for n, v in found.others("rua") if not fields.is_value(v)
    ]
    if problems:
        raise TlsRptSyntaxError(problems)
    return Record(uris, found.others("rua"))


def format(record: Record) -> str:  # noqa: A001 - the module's verb, used as tls_rpt.format
    """The TXT value; `ValueError` for what could not be read back."""
    text = fields.format(VERSION, [("rua", ",".join(record.report_uris)), *record.extensions])
    if parse(text) != record:
        raise ValueError(f"cannot be written as a TLS-RPT record: {record!r}")
    return text


def why_no_report_uri(uri: str) -> str:
    """Why reports cannot go to `uri`; "" if they can. Only mailto and https are defined (§3)."""
    shown = f"{uri[:60]!a}"
    if not _URI.fullmatch(uri):
        wanted = "mailto:address or https://host/path"
        return f"rua= holds {shown}, which is no URI; {wanted} is"
    scheme, _, rest = uri.partition(":")
    if scheme.lower() == "mailto":
        try:
            addresses.mail_address(unquote(rest.partition("?")[0]))
        except addresses.BadAddress as error:
            return f"rua= holds {shown}, which names no mail address: {'; '.join(error.reasons)}"
        return ""
    if scheme.lower() != "https":
        return f"rua= holds {shown}; only mailto: and https: are defined"
    try:
        names.host_name(urlsplit(uri).hostname or "")
    except ValueError as error:
        return f"rua= holds {shown}, which names no host: {error}"
    return ""
