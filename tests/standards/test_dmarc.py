"""DMARC evaluation: the published cases of RFC 9989, and the corners that they leave open."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from mailctl.standards import dmarc
from mailctl.standards.dns import Answer, Lookup, Mx, Rdata, Status, Txt, split_txt

MakeLookup = Callable[[Mapping[str, Any]], Lookup]


def suite_cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    suite = json.loads((folder / "dmarc" / "rfc9989-evaluation.json").read_text(encoding="utf-8"))
    for case in suite["cases"]:
        yield re.sub(r"[^\w=.]+", "-", case["name"]), case


def _records(rdtype: str, values: Iterable[Any]) -> list[Rdata]:
    make: dict[str, Callable[[Any], Rdata]] = {
        "TXT": lambda strings: Txt(tuple(s.encode() for s in strings)),
        "A": IPv4Address,
        "MX": lambda mx: Mx(mx["priority"], mx["exchange"]),
    }
    return [make[rdtype](value) for value in values]


def _passed(entries: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(entry["domain"], "pass") for entry in entries]


def _as_expected_by_the_suite(evaluation: dmarc.Evaluation) -> dict[str, Any]:
    """Our result in the shape that the cases were written for."""
    policy = evaluation.policy
    shape: dict[str, Any] = {"status": {"result": evaluation.result}, "domain": policy.domain}
    if evaluation.result != "none":
        record = policy.record
        assert record is not None
        shape |= {"policy": policy.effective, "rr": dmarc.format(record), "alignment": {}}
        for method, mode in (("spf", record.spf_alignment), ("dkim", record.dkim_alignment)):
            aligned = any(one.startswith(method) for one in evaluation.aligned_by)
            result = policy.organizational_domain if aligned else False
            shape["alignment"][method] = {"result": result, "strict": mode == "s"}
    return shape


def _hold(expectation: Mapping[str, Any], found: Any) -> bool:
    value = expectation.get("value")
    holds: dict[str, Callable[[], bool]] = {
        "equal": lambda: found == value,
        "falsy": lambda: not found,
        "is-true": lambda: found is True,
        "contain": lambda: value in found,
        "no-property": lambda: value not in found,
    }
    return holds[expectation["op"]]()


def test_published_evaluation_cases(suite_case: dict[str, Any], make_lookup: MakeLookup) -> None:
    zone = {n: {t: _records(t, v) for t, v in types.items()} for n, types in suite_case["zone"].items()}
    inner, asked = make_lookup(zone), []

    async def lookup(name: str, rdtype: str) -> Answer:
        if name.startswith("_dmarc.") and name not in asked:
            asked.append(name)
        return await inner(name, rdtype)

    found: dict[str, Any] = {"dmarc_queries_in_order": asked}
    for number, run in enumerate(suite_case["runs"], 1):
        author = run["headerFrom"].rpartition("@")[2]
        spf = next(iter(_passed(run["spfDomains"])), None)
        evaluation = asyncio.run(dmarc.evaluate(lookup, author, spf, _passed(run["dkimDomains"])))
        found[f"result#{number}"] = _as_expected_by_the_suite(evaluation)
    for expectation in suite_case["expect"]:
        value: Any = found
        for key in expectation["path"]:
            value = value[key]
        assert _hold(expectation, value), (expectation, value)


@pytest.fixture
def zone_of(make_lookup: MakeLookup) -> Callable[..., Lookup]:
    """A lookup for {name: text or Status}, all TXT, and names that merely exist."""

    def make(texts: Mapping[str, str | Status], exists: Iterable[str] = ()) -> Lookup:
        zone: dict[str, Any] = {name: {"A": [IPv4Address("192.0.2.1")]} for name in exists}
        for name, text in texts.items():
            zone[name] = {"TXT": text if isinstance(text, Status) else [Txt(split_txt(text))]}
        return make_lookup(zone)

    return make


ZoneOf = Callable[..., Lookup]


def discover(lookup: Lookup, domain: str) -> dmarc.Policy:
    return asyncio.run(dmarc.discover(lookup, domain))


def evaluate(
    lookup: Lookup, author: str, spf: tuple[str, str] | None, *dkim: tuple[str, str]
) -> dmarc.Evaluation:
    return asyncio.run(dmarc.evaluate(lookup, author, spf, dkim))


SIMPLE = {"_dmarc.example.com": "v=DMARC1; p=reject"}
FAULTS = [Status.SERVFAIL, Status.REFUSED, Status.TIMEOUT, Status.BOGUS]


@pytest.mark.parametrize("status", FAULTS)
@pytest.mark.parametrize("name", ["_dmarc.a.example.com", "_dmarc.example.com", "_dmarc.com"])
def test_a_fault_on_the_way_is_temporary(name: str, status: Status, zone_of: ZoneOf) -> None:
    result = evaluate(zone_of({**SIMPLE, name: status}), "a.example.com", ("a.example.com", "pass"))
    assert (result.result, result.disposition) == ("temperror", "none")
    assert status.value in result.reason


def test_a_fault_above_an_own_record_hides_only_relaxed_alignment(zone_of: ZoneOf) -> None:
    lookup = zone_of({**SIMPLE, "_dmarc.com": Status.TIMEOUT})
    assert discover(lookup, "example.com").effective == "reject"
    assert evaluate(lookup, "example.com", None, ("example.com", "pass")).result == "pass"
    assert evaluate(lookup, "example.com", None, ("mail.example.com", "pass")).result == "temperror"
    assert evaluate(lookup, "example.com", None, ("mail.example.com", "fail")).result == "fail"


def test_a_fault_at_an_identifier_is_temporary_unless_another_passes(zone_of: ZoneOf) -> None:
    lookup = zone_of({**SIMPLE, "_dmarc.mail.example.com": Status.SERVFAIL})
    assert evaluate(lookup, "example.com", ("mail.example.com", "pass")).result == "temperror"
    assert (
        evaluate(lookup, "example.com", ("mail.example.com", "pass"), ("example.com", "pass")).result
        == "pass"
    )


def test_a_temporary_error_of_an_aligned_method_is_temporary(zone_of: ZoneOf) -> None:
    lookup = zone_of(SIMPLE)
    assert evaluate(lookup, "example.com", ("mail.example.com", "temperror")).result == "temperror"
    assert evaluate(lookup, "example.com", ("example.org", "temperror")).result == "fail"


def test_reasons_name_each_identifier(zone_of: ZoneOf) -> None:
    result = evaluate(
        zone_of(SIMPLE),
        "example.com",
        ("bounce.example.org", "pass"),
        ("example.com", "fail"),
        ("example.com", "pass"),
    )
    assert result.aligned_by == ("dkim example.com",)
    assert [i.alignment for i in result.identifiers] == ["not-aligned", "not-aligned", "aligned"]
    assert (
        "spf=pass bounce.example.org: not of the author's organizational domain example.com" in result.reason
    )
    assert "dkim=fail example.com: only a pass" in result.reason


def test_an_evaluation_without_identifiers_says_so(zone_of: ZoneOf) -> None:
    result = evaluate(zone_of(SIMPLE), "example.com", None)
    assert (result.result, result.disposition) == ("fail", "reject")
    assert "neither SPF nor DKIM" in result.reason


def test_strict_alignment_wants_the_same_name(zone_of: ZoneOf) -> None:
    lookup = zone_of({"_dmarc.example.com": "v=DMARC1; p=reject; aspf=s"})
    assert evaluate(lookup, "example.com", ("mail.example.com", "pass")).result == "fail"
    assert "aspf=s" in evaluate(lookup, "example.com", ("mail.example.com", "pass")).reason
    assert evaluate(lookup, "example.com", None, ("mail.example.com", "pass")).result == "pass"


def test_a_subdomain_that_is_its_own_organization_is_not_aligned(zone_of: ZoneOf) -> None:
    lookup = zone_of({**SIMPLE, "_dmarc.b.example.com": "v=DMARC1; p=none; psd=n"})
    result = evaluate(lookup, "example.com", None, ("b.example.com", "pass"))
    assert (result.result, "its organizational domain is b.example.com" in result.reason) == ("fail", True)


def test_a_name_that_only_ends_alike_is_not_aligned(zone_of: ZoneOf) -> None:
    assert evaluate(zone_of(SIMPLE), "example.com", ("notexample.com", "pass")).result == "fail"


def test_strangers_are_not_asked(zone_of: ZoneOf) -> None:
    inner, asked = zone_of(SIMPLE), []

    async def lookup(name: str, rdtype: str) -> Answer:
        asked.append(name)
        return await inner(name, rdtype)

    evaluate(
        lookup, "example.com", ("evil.example", "pass"), *[(f"x{i}.evil.example", "pass") for i in range(50)]
    )
    assert asked == ["_dmarc.example.com", "_dmarc.com"]


def test_the_case_and_the_alphabet_of_names_do_not_matter(zone_of: ZoneOf) -> None:
    lookup = zone_of({"_dmarc.xn--bcher-kva.example": "v=DMARC1; p=reject"})
    assert evaluate(lookup, "BÜCHER.example.", ("Mail.Bücher.Example", "pass")).result == "pass"


@pytest.mark.parametrize(
    "domain", ["", ".", "a..b", "x y.example", "a" * 64 + ".example", "a." * 130 + "b", "\x00"]
)
def test_what_is_no_domain_has_no_policy(domain: str, zone_of: ZoneOf) -> None:
    assert discover(zone_of({}), domain).status == "none"
    assert evaluate(zone_of(SIMPLE), "example.com", (domain, "pass")).result == "fail"


NP = {"_dmarc.example.com": "v=DMARC1; p=reject; sp=quarantine; np=none"}


def test_np_needs_a_name_that_does_not_exist(zone_of: ZoneOf) -> None:
    assert discover(zone_of(NP), "no.example.com").tag == "np"
    assert discover(zone_of(NP, exists=["no.example.com"]), "no.example.com").tag == "sp"
    assert discover(zone_of(NP), "example.com").tag == "p"


def test_np_is_unknown_where_the_name_cannot_be_looked_up(make_lookup: MakeLookup) -> None:
    zone = {name: {"TXT": [Txt(split_txt(text))]} for name, text in NP.items()}
    policy = discover(make_lookup({**zone, "no.example.com": {"A": Status.TIMEOUT}}), "no.example.com")
    assert (policy.status, "np=" in policy.reason) == ("temperror", True)


def test_np_does_not_apply_behind_a_dangling_alias(zone_of: ZoneOf) -> None:
    inner = zone_of(NP)

    async def lookup(name: str, rdtype: str) -> Answer:
        if rdtype == "A":
            return Answer(name, rdtype, Status.NXDOMAIN, chain=("gone.example.net",))  # RFC 6604 §3
        return await inner(name, rdtype)

    assert discover(lookup, "alias.example.com").tag == "sp"


PSD = {"_dmarc.example": "v=DMARC1; p=none; np=reject; psd=y"}


def test_the_policy_of_a_public_suffix(zone_of: ZoneOf) -> None:
    policy = discover(zone_of(PSD, exists=["a.foo.example"]), "a.foo.example")
    assert (policy.source, policy.domain, policy.organizational_domain) == (
        "public-suffix",
        "example",
        "foo.example",
    )
    assert policy.effective == "none"
    assert discover(zone_of(PSD), "a.foo.example").effective == "reject"


def test_a_record_between_author_and_organization_does_not_count(zone_of: ZoneOf) -> None:
    lookup = zone_of({**SIMPLE, "_dmarc.b.example.com": "v=DMARC1; p=none"})
    assert discover(lookup, "a.b.example.com").domain == "example.com"


def test_a_public_suffix_as_author_is_its_own_organization(zone_of: ZoneOf) -> None:
    policy = discover(zone_of(PSD), "example")
    assert (policy.source, policy.organizational_domain, policy.tag) == ("author", "example", "p")


def test_several_records_above_the_author_are_discarded(make_lookup: MakeLookup) -> None:
    texts = [Txt(split_txt(text)) for text in ("v=DMARC1; p=none", "v=DMARC1; p=reject")]
    policy = discover(make_lookup({"_dmarc.example.com": {"TXT": texts}}), "a.example.com")
    assert (policy.status, policy.record) == ("none", None)


@pytest.mark.parametrize("labels", [7, 8, 9, 20])
def test_a_walk_asks_at_most_eight_times(labels: int, zone_of: ZoneOf) -> None:
    name = ".".join(f"l{i}" for i in range(labels, 0, -1))
    steps = asyncio.run(dmarc.walk(zone_of({}), name)).steps
    assert len(steps) == min(labels, 8)
    assert steps[0].domain == name
    assert steps[-1].domain == "l1"
    assert labels <= 7 or steps[1].domain.count(".") == 6


INVALID = [
    ("v=DMARC1; p=bogus; rua=mailto:d@example.com", "found"),
    ("v=DMARC1; p=bogus", "none"),
    ("v=DMARC1; p=reject; sp=bogus; rua=mailto:d@example.com", "found"),
    ("v=DMARC1; p=reject; np=bogus; rua=mailto:nobody", "none"),
    ("v=DMARC1; p=reject; p=none", "none"),
    ("v=DMARC1", "none"),
]


@pytest.mark.parametrize(("text", "status"), INVALID)
def test_records_without_a_valid_policy(text: str, status: str, zone_of: ZoneOf) -> None:
    policy = discover(zone_of({"_dmarc.example.com": text}), "example.com")
    assert policy.status == status
    assert policy.effective in (None, "none")
    assert "§4.10.1" in policy.reason
