"""Extended DNS errors in words (RFC 8914): why a resolver says SERVFAIL."""

from collections.abc import Iterator

from mailctl.edges.resolver.wire_names import MalformedError

_OPTION = 15  # RFC 8914 §2
# IANA's registry "Extended DNS Error Codes".
_NAMES = (
    "Other", "Unsupported DNSKEY algorithm", "Unsupported DS digest type", "Stale answer", "Forged answer",
    "DNSSEC indeterminate", "DNSSEC bogus", "Signature expired", "Signature not yet valid", "DNSKEY missing",
    "RRSIGs missing", "No zone key bit set", "NSEC missing", "Cached error", "Not ready", "Blocked", "Censored",
    "Filtered", "Prohibited", "Stale NXDOMAIN answer", "Not authoritative", "Not supported",
    "No reachable authority", "Network error", "Invalid data", "Signature expired before valid", "Too early",
    "Unsupported NSEC3 iterations value", "Unable to conform to policy", "Synthesized",
    "Invalid query type", "Rate limited", "Over quota",
)  # fmt: skip


def in_words(data: bytes, start: int, end: int) -> str:
    """The extended errors among the EDNS options in `data[start:end]`: "DNSSEC bogus (6): no valid signature"."""
    words = []
    for code, value in _options(data, start, end):
        if code == _OPTION:
            if len(value) < 2:
                raise MalformedError("malformed: an extended error without a code")
            number = int.from_bytes(value[:2], "big")
            name = _NAMES[number] if number < len(_NAMES) else "Extended error"
            text = value[2:].decode("utf-8", "replace").rstrip("\0")
            words.append(f"{name} ({number})" + (f": {text}" if text else ""))
    return "; ".join(words)


def _options(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """RFC 6891 §6.1.2: a code, a length, and as many bytes."""
    while start < end:
        code = int.from_bytes(data[start : start + 2], "big")
        behind = start + 4 + int.from_bytes(data[start + 2 : start + 4], "big")
        if start + 4 > end or behind > end:
            raise MalformedError("malformed: an EDNS option that does not end")
        yield code, data[start + 4 : behind]
        start = behind
