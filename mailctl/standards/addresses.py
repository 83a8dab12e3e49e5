"""Mail addresses, as strictly as an operator's settings deserve.

Promise: what `mail_address` returns is an envelope address in ASCII (RFC 5321 §4.1.2, dot-string form)
that can be put into a DNS record, a configuration file or an SMTP command as it is: no quoting, no
control characters, nothing that routes, and nothing that a shell or Postfix would expand.
"""

import re
import unicodedata
from collections.abc import Iterator

from mailctl.standards.names import BadName, host_name, shown

ADDRESS_LENGTH = 254  # RFC 5321 §4.5.3.1.3: a path of 256 octets, brackets included
LOCAL_LENGTH = 64  # RFC 5321 §4.5.3.1.1

# RFC 5322 §3.2.3 atext without what is refused by name below.
_LOCAL_CHARACTER = re.compile(r"[A-Za-z0-9#&'*+=?^_~.-]")
_ROUTING = {"%": "the percent hack", "!": "a bang path", "@": "a source route"}
_EXPANDED = set("$`{}|/\\")


class BadAddress(ValueError):
    """A text that is no usable mail address. `reasons` holds all that is wrong, safe to print."""

    def __init__(self, text: str, reasons: tuple[str, ...]) -> None:
        super().__init__(f"{shown(text)} is not a mail address: {'; '.join(reasons)}")
        self.text = text
        self.reasons = reasons


def mail_address(text: str) -> str:
    """`text` as local part @ host name, the latter in lower case A-labels; `BadAddress` if it is none."""
    local, at, domain = text.rpartition("@")
    if not at:
        raise BadAddress(text, ("it has no @" if text else "it is empty",))
    reasons = list(_bad_local_part(local))
    try:
        domain = host_name(domain)
    except BadName as error:
        reasons += [f"in the domain: {reason}" for reason in error.reasons]
    address = f"{local}@{domain}"
    if len(address) > ADDRESS_LENGTH:
        reasons.append(f"it has {len(address)} characters; {ADDRESS_LENGTH} is the most")
    if reasons:
        raise BadAddress(text, tuple(reasons))
    return address


def _bad_local_part(local: str) -> Iterator[str]:
    if not local:
        yield "the local part is empty"
        return
    if len(local) > LOCAL_LENGTH:
        yield f"the local part has {len(local)} characters; {LOCAL_LENGTH} is the most"
    if '"' in local:
        yield "the local part is quoted"
    for character, name in _ROUTING.items():
        if character in local:
            yield f"{character} in the local part would route the mail elsewhere ({name})"
    expanded = "".join(sorted(_EXPANDED & set(local)))
    if expanded:
        yield f"the local part has characters that a shell or Postfix may expand: {expanded}"
    if local.startswith("-"):
        yield "the local part starts with a hyphen, which programs take for an option"
    if local.startswith(".") or local.endswith(".") or ".." in local:
        yield "the local part has a dot at an end, or two in a row"
    known = _EXPANDED | set(_ROUTING) | {'"'}
    rest = dict.fromkeys(c for c in local if not _LOCAL_CHARACTER.fullmatch(c) and c not in known)
    if rest:
        listed = ", ".join(_character_name(c) for c in list(rest)[:5])
        yield f"the local part has characters that are not allowed in it: {listed}"


def _character_name(character: str) -> str:
    if character.isascii() and character.isprintable() and character != " ":
        return character
    return f"U+{ord(character):04X} {unicodedata.name(character, 'control character')}"
