"""Domains with something wrong in their DKIM keys (RFC 6376 §3.6, RFC 8301, RFC 8463)."""

from mailctl.domains.checks.target import Profile
from mailctl.standards.dns import Status
from tests.zoo.kinds import animal, ed25519, public, rsa

WHOLE = rsa(2048)

DKIM = (
    animal("dkim-none", "dkim.missing error", key=None),
    animal("dkim-one-of-two", "dkim.missing error", target={"selectors": ("s1", "s2")}),
    animal(
        "dkim-doubled-name",
        "dkim.wrong-place error",
        key=None,
        more=[f"s1._domainkey.^.^. TXT {WHOLE}"],
    ),
    animal(
        "dkim-dangling", "dkim.cname-dangling error", key=None, more=["s1._domainkey CNAME s1.gone.example"]
    ),
    animal("dkim-dangling-empty", "dkim.cname-dangling error", key=None, more=["s1._domainkey CNAME mx1.^"]),
    animal("dkim-two-keys", "dkim.multiple-records error", key=("rsa 2048", "rsa 3072")),
    animal("dkim-cut-in-two", "dkim.multiple-records error", key=(WHOLE[:250], WHOLE[250:])),
    animal("dkim-revoked", "dkim.revoked error", key="v=DKIM1; p="),
    animal("dkim-version", "dkim.version-wrong error", key=WHOLE.replace("DKIM1", "DKIM2")),
    animal("dkim-version-last", "dkim.version-wrong error", key=f"k=rsa; p={public(2048)}; v=DKIM1"),
    animal("dkim-no-p", "dkim.malformed error", key="v=DKIM1; k=rsa"),
    animal("dkim-not-base64", "dkim.malformed error", key="v=DKIM1; k=rsa; p=this is, not a key!"),
    animal(
        "dkim-wildcard",
        "dkim.malformed error",
        "dns.wildcard-txt info",
        key=None,
        more=["* TXT site-owner=1"],
    ),
    animal("dkim-cut", "dkim.truncated error", key=WHOLE[:255]),
    animal("dkim-quoted", "dkim.stray-characters error", key=f'"{WHOLE}"'),
    animal("dkim-backslashes", "dkim.stray-characters error", key=WHOLE.replace(";", "\\;")),
    animal("dkim-k-dsa", "dkim.unknown-key-type error", key=WHOLE.replace("k=rsa", "k=dsa")),
    animal("dkim-512", "dkim.key-too-short error", key="rsa 512"),
    animal("dkim-768", "dkim.key-too-short error", key="rsa 768"),
    animal("dkim-1024", "dkim.key-weak warning", key="rsa 1024"),
    animal("dkim-8192", "dkim.key-too-long warning", key="rsa 8192"),
    animal("dkim-sha1", "dkim.hash-only-sha1 error", key=rsa(2048, tags="v=DKIM1; h=sha1;")),
    animal("dkim-sha3", "dkim.hash-unknown error", key=rsa(2048, tags="v=DKIM1; h=sha3;")),
    animal("dkim-service", "dkim.service-not-email error", key=rsa(2048, tags="v=DKIM1; s=web;")),
    animal("dkim-testing", "dkim.testing warning", key=rsa(2048, tags="v=DKIM1; t=y;")),
    animal("dkim-ed25519-der", "dkim.malformed error", key=ed25519(wrapped=True)),
    animal("dkim-ed25519-no-k", "dkim.malformed error", key=ed25519().replace(" k=ed25519;", "")),
    animal("dkim-nameless", "dkim.none-found unknown", key=None, target={"selectors": ()}),
    animal("dkim-servfail", "dkim.unknown unknown", faults={"s1._domainkey": Status.SERVFAIL}),
    animal("dkim-timeout", "dkim.unknown unknown", faults={"s1._domainkey": Status.TIMEOUT}),
    animal(
        "dkim-target-refused",
        "dkim.unknown unknown",
        key=None,
        more=["s1._domainkey CNAME s1.keys.^", f"s1.keys TXT {WHOLE}"],
        faults={"s1.keys": Status.REFUSED},
    ),
    animal(
        "dkim-alias-loop",
        "dkim.unknown unknown",
        key=None,
        more=["s1._domainkey CNAME a.keys.^", "a.keys CNAME b.keys.^", "b.keys CNAME a.keys.^"],
    ),
    animal(
        "dkim-parked",
        "dkim.parked-key warning",
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=reject",
        mx=("0 .",),
        profile=Profile.PARKED,
    ),
    # What is worth a word and no more.
    animal(
        "dkim-blanks",
        (),
        "dkim.blanks-in-key info",
        key=f"v=DKIM1; p={public(2048)[:200]} {public(2048)[200:]}",
    ),
    animal("dkim-strict", (), "dkim.strict-subdomain info", key=rsa(2048, tags="v=DKIM1; t=s;")),
    animal("dkim-ed25519", (), "dkim.ed25519-only info", key="ed25519"),
    animal(
        "dkim-guessed-dangling",
        "dkim.none-found unknown",
        "dkim.cname-dangling info",
        key=None,
        target={"selectors": ()},
        more=["selector2._domainkey CNAME selector2.gone.example"],
    ),
)
