"""Domains with something wrong in SPF (RFC 7208)."""

from mailctl.domains.checks.target import Profile
from mailctl.standards.dns import Status
from tests.zoo.kinds import animal

# Includes that cost one lookup and lead to one network each.
PARTS = tuple(f"p{n} TXT v=spf1 ip4:198.51.100.{n} -all" for n in range(1, 13))
ELEVEN = " ".join(f"include:p{n}.^" for n in range(1, 12))
LONG = " ".join(f"ip4:198.51.100.{n}" for n in range(20, 48))
# The first string of a TXT record ends at 255 bytes: here in the middle of what were meant to be two terms.
CUT = f"v=spf1 {' '.join(f'ip4:198.51.100.{n}' for n in range(100, 110))} ip4:203.0.113.120"
CUT += " " * (255 - len(CUT) - len("ip4:192.0.2.201")) + "ip4:192.0.2.201"
SENDER = "203.0.113.9"

SPF = (
    animal("spf-none", "spf.missing error", spf=None),
    animal("spf-receives", "spf.missing warning", spf=None, profile=Profile.RECEIVING),
    animal("spf-ipv4", "spf.syntax error", spf="v=spf1 ipv4:192.0.2.10 -all"),
    animal("spf-comma", "spf.syntax error", spf="v=spf1 ip4:192.0.2.10,ip4:192.0.2.11 -all"),
    animal("spf-no-colon", "spf.syntax error", spf="v=spf1 include spf.^ -all"),
    animal("spf-bad-octet", "spf.syntax error", spf="v=spf1 ip4:192.0.2.310 -all"),
    animal("spf-bad-macro", "spf.syntax error", spf="v=spf1 exists:%{x}.^ -all"),
    animal("spf-after-all", "spf.syntax error", spf="v=spf1 mx -all ipv4:192.0.2.11"),
    animal("spf-two-redirects", "spf.syntax error", spf="v=spf1 redirect=p1.^ redirect=p2.^", more=PARTS),
    animal(
        "spf-two-records", "spf.multiple-records error", spf=("v=spf1 mx -all", "v=spf1 ip4:192.0.2.11 ~all")
    ),
    animal("spf-quoted", "spf.not-recognised error", spf='"v=spf1 mx -all"'),
    animal("spf-version-2", "spf.not-recognised error", spf="v=spf2.0/mfrom mx -all"),
    animal("spf-version-10", "spf.not-recognised error", spf="v=spf10 mx -all"),
    animal("spf-blank-first", "spf.not-recognised error", spf=" v=spf1 mx -all"),
    animal("spf-doubled-name", "spf.wrong-place error", spf=None, more=["^.^. TXT v=spf1 mx -all"]),
    animal("spf-joined", "spf.joined-without-space error", spf=f"{CUT}ip4:192.0.2.202 -all"),
    animal("spf-eleven", "spf.too-many-lookups error", spf=f"v=spf1 {ELEVEN} -all", more=PARTS),
    animal(
        "spf-eleven-nested",
        "spf.too-many-lookups error",
        spf="v=spf1 include:a.^ include:b.^ -all",
        more=[
            *PARTS,
            f"a TXT v=spf1 {' '.join(f'include:p{n}.^' for n in range(1, 6))} -all",
            f"b TXT v=spf1 {' '.join(f'include:p{n}.^' for n in range(6, 10))} -all",
        ],
    ),
    animal(
        "spf-eleven-repeated",
        "spf.too-many-lookups error",
        ["spf.repeated-term info"],
        spf="v=spf1 include:a.^ include:a.^ include:a.^ include:a.^ include:a.^ include:a.^ -all",
        more=[*PARTS, "a TXT v=spf1 include:p1.^ -all"],
    ),
    animal(
        "spf-11th",
        "spf.too-many-lookups error",
        spf=f"v=spf1 {' '.join(f'include:p{n}.^' for n in range(1, 11))} redirect=p11.^",
        more=PARTS,
    ),
    animal("spf-void", "spf.too-many-void-lookups error", spf="v=spf1 a:gone1.^ a:gone2.^ a:gone3.^ mx -all"),
    animal(
        "spf-void-exists",
        "spf.too-many-void-lookups error",
        spf="v=spf1 exists:gone1.^ exists:gone2.^ exists:%{i}.gone3.^ mx -all",
    ),
    animal(
        "spf-void-nested",
        "spf.too-many-void-lookups error",
        spf="v=spf1 a:gone1.^ include:in.^ mx -all",
        more=["in TXT v=spf1 a:gone2.^ mx:gone3.^ -all"],
    ),
    animal(
        "spf-mx-crowd",
        "spf.mx-too-many-hosts error",
        spf="v=spf1 mx:crowd.^ -all",
        more=[f"crowd MX 10 c{n}.^" for n in range(11)] + [f"c{n} A 198.51.100.{n + 60}" for n in range(11)],
    ),
    animal("spf-plus-all", "spf.plus-all error", spf="v=spf1 mx +all"),
    animal("spf-bare-all", "spf.bare-all error", spf="v=spf1 mx all"),
    animal("spf-neutral", "spf.neutral-all warning", spf="v=spf1 mx ?all"),
    animal("spf-endless", "spf.no-all warning", spf="v=spf1 mx"),
    animal("spf-behind-all", "spf.terms-after-all warning", spf="v=spf1 mx -all ip4:192.0.2.11"),
    animal(
        "spf-redirect-beside-all",
        "spf.redirect-beside-all warning",
        spf="v=spf1 mx -all redirect=p1.^",
        more=PARTS,
    ),
    animal(
        "spf-idle",  # ten lookups: a redirect beside all is not counted
        "spf.redirect-beside-all warning",
        spf=f"v=spf1 {' '.join(f'include:p{n}.^' for n in range(1, 11))} -all redirect=p11.^",
        more=PARTS,
    ),
    animal("spf-ptr", "spf.ptr warning", spf="v=spf1 ptr mx -all"),
    animal("spf-zero", "spf.whole-internet error", spf="v=spf1 ip4:0.0.0.0/0 -all"),
    animal("spf-two-halves", "spf.whole-internet error", spf="v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"),
    animal("spf-zero-6", "spf.whole-internet error", spf="v=spf1 mx ip6:::/0 -all"),
    animal("spf-a-zero", "spf.whole-internet error", spf="v=spf1 a:mx1.^/0 -all"),
    animal("spf-wide", "spf.wide-network warning", spf="v=spf1 ip4:198.0.0.0/9 -all"),
    animal("spf-exists-all", "spf.exists-passes-all error", spf="v=spf1 exists:mx1.^ -all"),
    animal(
        "spf-include-all",
        "spf.include-passes-all error",
        spf="v=spf1 include:open.^ -all",
        more=["open TXT v=spf1 +all"],
    ),
    animal(
        "spf-include-all-deep",
        "spf.include-passes-all error",
        spf="v=spf1 include:a.^ -all",
        more=["a TXT v=spf1 include:b.^ -all", "b TXT v=spf1 ip4:0.0.0.0/0 -all"],
    ),
    animal(
        "spf-redirect-all",
        "spf.include-passes-all error",
        spf="v=spf1 redirect=open.^",
        more=["open TXT v=spf1 ?exists:%{i}.^ +all"],
    ),
    animal("spf-self", "spf.include-loop error", spf="v=spf1 include:^ -all"),
    animal(
        "spf-loop",
        "spf.include-loop error",
        spf="v=spf1 include:a.^ -all",
        more=["a TXT v=spf1 include:b.^ -all", "b TXT v=spf1 include:a.^ -all"],
    ),
    animal("spf-redirect-self", "spf.include-loop error", spf="v=spf1 mx redirect=^"),
    animal("spf-include-gone", "spf.include-missing error", spf="v=spf1 include:gone.^ mx -all"),
    animal("spf-include-empty", "spf.include-missing error", spf="v=spf1 include:mx1.^ mx -all"),
    animal("spf-redirect-gone", "spf.include-missing error", spf="v=spf1 mx redirect=gone.^"),
    animal(
        "spf-include-deep-gone",
        "spf.include-missing error",
        spf="v=spf1 include:a.^ -all",
        more=["a TXT v=spf1 include:gone.^ -all"],
    ),
    animal(
        "spf-include-two",
        "spf.include-multiple-records error",
        spf="v=spf1 include:a.^ -all",
        more=["a TXT v=spf1 mx -all", "a TXT v=spf1 a -all"],
    ),
    animal(
        "spf-include-broken",
        "spf.include-broken error",
        spf="v=spf1 include:a.^ -all",
        more=["a TXT v=spf1 ipv4:192.0.2.1 -all"],
    ),
    animal(
        "spf-include-silent",
        "spf.unknown unknown",
        spf="v=spf1 include:a.^ mx -all",
        more=["a TXT v=spf1 mx -all"],
        faults={"a": Status.TIMEOUT},
    ),
    animal(
        "spf-include-refused",
        "spf.unknown unknown",
        spf="v=spf1 include:a.^ mx -all",
        more=["a TXT v=spf1 mx -all"],
        faults={"a": Status.REFUSED},
    ),
    animal("spf-servfail", "spf.unknown unknown", faults={"^ TXT": Status.SERVFAIL}),
    animal("spf-timeout", "spf.unknown unknown", faults={"^ TXT": Status.TIMEOUT}),
    animal("spf-refused", "spf.unknown unknown", faults={"^ TXT": Status.REFUSED}),
    animal(
        "spf-a-servfail",
        "spf.unknown unknown",
        spf="v=spf1 a:host.^ mx -all",
        faults={"host": Status.SERVFAIL},
    ),
    animal("spf-equals", "spf.equals-for-colon warning", spf="v=spf1 mx ip4=192.0.2.11 -all"),
    animal("spf-too-long", "spf.record-too-long warning", spf=f"v=spf1 {LONG} -all"),
    animal(
        "spf-not-ours",
        "spf.address-does-not-pass error",
        target={"sending_ips": (SENDER,)},
        more=["9.113.0.203.in-addr.arpa. PTR mail.^", f"mail A {SENDER}"],
    ),
    animal(
        "spf-helo-fails",
        "spf.helo-does-not-pass error",
        spf="v=spf1 ip4:203.0.113.10 -all",
        target={"sending_ips": ("203.0.113.10",), "hostname": "mail.spf-helo-fails.example"},
        more=["10.113.0.203.in-addr.arpa. PTR mail.^", "mail A 203.0.113.10", "mail TXT v=spf1 -all"],
    ),
    animal(
        "spf-parked-open",
        "spf.parked-sends error",
        mx=("0 .",),
        key=None,
        spf="v=spf1 ip4:192.0.2.10 -all",
        dmarc="v=DMARC1; p=reject",
        profile=Profile.PARKED,
    ),
    animal(
        "spf-parked-soft",
        "spf.parked-sends warning",
        mx=("0 .",),
        key=None,
        spf="v=spf1 ~all",
        dmarc="v=DMARC1; p=reject",
        profile=Profile.PARKED,
    ),
    # What is worth a word and no more.
    animal("spf-private", (), "spf.private-network info", spf="v=spf1 mx ip4:10.1.0.0/16 -all"),
    animal("spf-modifier", (), "spf.unknown-modifier info", spf="v=spf1 mx ra=postmaster -all"),
    animal(
        "spf-ptr-inside", (), "spf.ptr info", spf="v=spf1 include:a.^ -all", more=["a TXT v=spf1 ptr -all"]
    ),
    animal("spf-void-one", (), "spf.void-lookup info", spf="v=spf1 a:gone.^ mx -all"),
    animal(
        "spf-fat-answer",
        (),
        "spf.answer-needs-tcp info",
        more=[f"^ TXT verification-{n}={'x' * 180}" for n in range(7)],
    ),
)
