"""Domains with something wrong in DMARC (RFC 9989, RFC 9990)."""

from mailctl.domains.checks.target import Profile
from mailctl.standards.dns import Status
from tests.zoo.kinds import DMARC as SOUND
from tests.zoo.kinds import animal

ELSEWHERE = "v=DMARC1; p=reject; rua=mailto:in@reports.example"

DMARC = (
    animal("dmarc-none", "dmarc.missing error", dmarc=None),
    animal("dmarc-receives", "dmarc.missing warning", dmarc=None, profile=Profile.RECEIVING),
    animal("dmarc-small", "dmarc.not-recognised error", dmarc="v=dmarc1; p=reject"),
    animal("dmarc-quoted", "dmarc.not-recognised error", dmarc='"v=DMARC1; p=reject"'),
    animal("dmarc-no-semicolon", "dmarc.not-recognised error", dmarc="v=DMARC1 p=reject"),
    animal("dmarc-version-last", "dmarc.not-recognised error", dmarc="p=reject; v=DMARC1"),
    animal("dmarc-two", "dmarc.multiple-records error", dmarc=(SOUND, "v=DMARC1; p=none")),
    animal("dmarc-at-apex", "dmarc.wrong-place error", dmarc=None, more=["^ TXT v=DMARC1; p=reject"]),
    animal("dmarc-twice-placed", "dmarc.wrong-place warning", more=["^ TXT v=DMARC1; p=reject"]),
    animal(
        "dmarc-without-underscore",
        "dmarc.wrong-place error",
        dmarc=None,
        more=["dmarc TXT v=DMARC1; p=reject"],
    ),
    animal(
        "dmarc-doubled-name",
        "dmarc.wrong-place error",
        dmarc=None,
        more=["_dmarc.^.^. TXT v=DMARC1; p=reject"],
    ),
    animal(
        "dmarc-dangling", "dmarc.cname-dangling error", dmarc=None, more=["_dmarc CNAME policy.gone.example"]
    ),
    animal("dmarc-bad-policy", "dmarc.invalid-policy error", dmarc=SOUND.replace("reject", "block")),
    animal("dmarc-bad-policy-alone", "dmarc.invalid-policy error", dmarc="v=DMARC1; p=monitor"),
    animal("dmarc-bad-sp", "dmarc.invalid-policy error", dmarc=f"{SOUND}; sp=quarentine"),
    animal("dmarc-glued", "dmarc.invalid-policy error", dmarc="v=DMARC1; p=reject rua=mailto:dmarc@^"),
    animal("dmarc-empty", "dmarc.no-effect error", dmarc="v=DMARC1;"),
    animal("dmarc-weak-sp", "dmarc.subdomain-weaker warning", dmarc=f"{SOUND}; sp=none"),
    animal("dmarc-weak-np", "dmarc.subdomain-weaker warning", dmarc=f"{SOUND}; np=none"),
    animal("dmarc-bad-adkim", "dmarc.invalid-tag warning", dmarc=f"{SOUND}; adkim=strict"),
    animal("dmarc-capital-tag", "dmarc.tag-misspelt warning", dmarc=f"{SOUND}; ADKIM=s"),
    animal("dmarc-slip", "dmarc.tag-misspelt warning", dmarc="v=DMARC1; p=reject; rau=mailto:dmarc@^"),
    animal("dmarc-pct", "dmarc.historic-tag warning", dmarc=f"{SOUND}; pct=20"),
    animal("dmarc-psd", "dmarc.psd-misuse error", dmarc=f"{SOUND}; psd=y"),
    animal("dmarc-no-mailto", "dmarc.rua-syntax error", dmarc="v=DMARC1; p=reject; rua=dmarc@^"),
    animal(
        "dmarc-https",
        "dmarc.rua-not-mailto warning",
        dmarc="v=DMARC1; p=reject; rua=https://reports.example/in",
    ),
    animal("dmarc-unauthorised", "dmarc.rua-not-authorised error", dmarc=ELSEWHERE),
    animal(
        "dmarc-unauthorised-apex",
        "dmarc.rua-not-authorised error",
        dmarc="v=DMARC1; p=reject; rua=mailto:in@dmarc-none.example",
    ),
    animal(
        "dmarc-rua-gone",
        "dmarc.rua-domain-no-mail error",
        dmarc="v=DMARC1; p=reject; rua=mailto:d@gone.example",
    ),
    animal(
        "dmarc-rua-null",
        "dmarc.rua-domain-no-mail error",
        dmarc="v=DMARC1; p=reject; rua=mailto:d@quiet.^",
        more=["quiet MX 0 ."],
    ),
    animal(
        "dmarc-rua-silent",
        "dmarc.unknown unknown",
        dmarc=ELSEWHERE,
        faults={"^._report._dmarc.reports.example.": Status.TIMEOUT},
    ),
    animal("dmarc-servfail", "dmarc.unknown unknown", faults={"_dmarc": Status.SERVFAIL}),
    animal("dmarc-timeout", "dmarc.unknown unknown", faults={"_dmarc": Status.TIMEOUT}),
    animal(
        "news.dmarc-above-silent",
        "dmarc.unknown unknown",
        dmarc=None,
        faults={"_dmarc.dmarc-above-silent.example.": Status.SERVFAIL},
        more=["dmarc-above-silent.example. A 192.0.2.80"],
    ),
    animal(
        "dmarc-parked-none",
        "dmarc.parked-not-reject error",
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=none",
        key=None,
        mx=("0 .",),
        profile=Profile.PARKED,
    ),
    animal(
        "dmarc-parked-quarantine",
        "dmarc.parked-not-reject warning",
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=quarantine",
        key=None,
        mx=("0 .",),
        profile=Profile.PARKED,
    ),
    animal(
        "dmarc-parked-test",
        "dmarc.parked-not-reject warning",
        "dmarc.testing info",
        spf="v=spf1 -all",
        dmarc="v=DMARC1; p=reject; t=y",
        key=None,
        mx=("0 .",),
        profile=Profile.PARKED,
    ),
    # What is worth a word and no more.
    animal("dmarc-monitor", (), "dmarc.policy-none info", dmarc=SOUND.replace("reject", "none")),
    animal("dmarc-no-p", (), "dmarc.policy-missing info", dmarc="v=DMARC1; rua=mailto:dmarc@^"),
    animal("dmarc-testing", (), "dmarc.testing info", dmarc=f"{SOUND}; t=y"),
    animal("dmarc-no-rua", (), "dmarc.no-rua info", dmarc="v=DMARC1; p=reject"),
    animal("dmarc-tag", (), "dmarc.unknown-tag info", dmarc=f"{SOUND}; colour=blue"),
    animal("dmarc-pct-100", (), "dmarc.historic-tag info", dmarc=f"{SOUND}; pct=100; rf=afrf"),
    animal(
        "dmarc-ruf",
        (),
        "dmarc.ruf-not-authorised info",
        dmarc=f"{SOUND}; ruf=mailto:in@reports.example",
    ),
)
