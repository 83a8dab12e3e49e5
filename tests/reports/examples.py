"""Reports as the formats get them: a bad domain, a good one, one that is not known, and one whose zone is hostile."""

from mailctl.domains.checks.catalogue import found
from mailctl.domains.findings import Evidence, Finding, Report, Severity, sort
from mailctl.reports import Run

HOSTILE = (
    "\x1b]0;owned\x07 \x9b31m <script>alert(1)</script> \"'& ]]> <![CDATA[ `code` | [x](http://evil.example) @admin #1"
    " %0A::error::x\r\n::error file=x::y \u202etxt\u2066 \x00\ufffe --> {{ x }} \ud800"
)
RUN = Run("0.1.0", "2026-11-24 12:00 UTC", "mail/domains.toml")
DIRECT = Run("0.1.0", "2026-11-24 12:00 UTC")
SEEN = Evidence("bad.example TXT", "v=spf1 +all", "192.0.2.53:53", 300)
BAD = Report(
    "bad.example",
    sort(
        (
            found("dmarc.ok", "a policy is in force"),
            found(
                "spf.plus-all",
                "+all lets everybody send",
                evidence=[SEEN],
                expected="~all",
                fix="bad.example. TXT …",
            ),
            found("ns.single", "ns1.bad.example is the only name server", evidence=[SEEN], fix="add another"),
            found("mtasts.missing", "there is no MTA-STS"),
            found("mx.unknown", "MX: timeout", evidence=[Evidence("bad.example MX", "timeout")], fix="wait"),
        )
    ),
    1.2345,
    7,
)
GOOD = Report("good.example", (found("spf.ok", "sound"), found("dmarc.ok", "in force")), 0.1, 3)
DARK = Report("dark.example", (found("domain.unknown", "nobody answered"),), 10.0, 11)


def hostile_finding(severity: Severity) -> Finding:
    """A finding in which every field that can come from a zone is hostile."""
    seen = (Evidence(f"h.example TXT {HOSTILE}", HOSTILE, HOSTILE, 1), Evidence("h.example TXT", "x" * 5000))
    return Finding("spf.syntax", severity, HOSTILE, "RFC 7208 §4", HOSTILE, seen, f"{HOSTILE}\n{HOSTILE}")


EVIL = Report("h.example", tuple(map(hostile_finding, Severity)), 0.5, 15)
ALL = (GOOD, DARK, BAD, EVIL)
