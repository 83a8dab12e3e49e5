"""The plan of a zone: each action for each purpose, what is dangerous, and what no plan may ever do."""

import asyncio
from dataclasses import replace
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailctl.domains.desired import ELSEWHERE, MailDomain, Purpose, wanted
from mailctl.domains.zone_plan import (
    Action,
    ZoneChange,
    ZonePlan,
    answer_from,
    plan_zone,
    planned_zone,
    questions,
    records_of,
    retirement,
    rrset_changes,
)
from mailctl.edges.publisher import MemoryPublisher
from mailctl.standards import dmarc, spf, spf_edit
from mailctl.standards.dns import Answer, Record, Status
from tests.domains.zone_examples import (
    COMPLETE,
    HOST,
    HOUSE,
    IPV4,
    IPV6,
    KEY,
    KEY_NAME,
    KEY_TEXT,
    NAME,
    OTHER_KEY,
    PTR4,
    PTR6,
    RETURN_PATH,
    but,
    mail_domain,
    plan,
    records,
)

DMARC = f"_dmarc.{NAME}"
RECEIVES = mail_domain(receives_mail=True)
DELEGATED = mail_domain(delegation_zone=HOUSE, keys=(replace(KEY, selector="mc1"),))
SLOT1, SLOT2 = f"mc1._domainkey.{NAME}", f"mc2._domainkey.{NAME}"
DELEGATED_KEY = f"mc1.{NAME}.{HOUSE}"
UNANSWERED = [status for status in Status if status not in (Status.ANSWER, Status.NODATA, Status.NXDOMAIN)]


def change_at(found: ZonePlan, name: str, rdtype: str) -> ZoneChange:
    (change,) = (
        c for c in found.changes if (c.name, c.rdtype) == (name, rdtype) and c.action is not Action.FOREIGN
    )
    return change


def test_an_empty_zone_is_filled() -> None:
    found = plan(())
    assert {c.action for c in found.changes} == {Action.CREATE}
    assert set(records_of(found.pending)) == {r for r in COMPLETE if r.rdtype != "PTR"}
    assert [c.purpose for c in found.elsewhere] == [Purpose.PTR, Purpose.PTR]
    assert found.dangers == ()


def test_a_complete_zone_is_kept() -> None:
    found = plan(COMPLETE)
    assert {c.action for c in found.changes} == {Action.KEEP}
    assert found.pending == found.elsewhere == ()
    assert records_of(found.pending) == ()
    assert set(found.records()) == {r for r in COMPLETE if r.rdtype != "PTR"}


def test_every_purpose_is_spoken_of() -> None:
    full = mail_domain(receives_mail=True, delegation_zone=HOUSE)
    assert {c.purpose for c in plan((), full).changes} == set(Purpose)


CHANGED = [
    # name, type, there, wanted after, danger
    (NAME, "TXT", "v=spf1 mx -all", f"v=spf1 mx ip4:{IPV4} ip6:{IPV6} -all", ""),
    (NAME, "TXT", f"v=spf1 ip4:{IPV4} ~all", f"v=spf1 ip4:{IPV4} ip6:{IPV6} ~all", ""),
    (RETURN_PATH, "TXT", "v=spf1 -all", f"v=spf1 ip4:{IPV4} ip6:{IPV6} -all", ""),
    (HOST, "TXT", "v=spf1 a -all", f"v=spf1 a ip4:{IPV4} ip6:{IPV6} -all", ""),
    (RETURN_PATH, "MX", "10 mx.office.example", f"10 {HOST}", "leads to mx.office.example now"),
    (RETURN_PATH, "MX", f"20 {HOST}", f"10 {HOST}", "leads to mail.shop.example now"),
    (KEY_NAME, "TXT", OTHER_KEY, KEY_TEXT, "another key"),
    (KEY_NAME, "TXT", KEY_TEXT[:40], KEY_TEXT, "another key"),
    (KEY_NAME, "TXT", "v=DKIM1; p=", KEY_TEXT, "another key"),
    (DMARC, "TXT", "v=DMARC1; sp=reject", "v=DMARC1; p=none; sp=reject", ""),
    (HOST, "A", "198.51.100.9", str(IPV4), "leads to 198.51.100.9 now"),
    (HOST, "AAAA", "2001:db8::bad", str(IPV6), "leads to 2001:db8::bad now"),
]


@pytest.mark.parametrize(("name", "rdtype", "there", "after", "danger"), CHANGED)
def test_what_is_different_is_changed(name: str, rdtype: str, there: str, after: str, danger: str) -> None:
    found = plan(but((name, rdtype, there)))
    change = change_at(found, name, rdtype)
    assert (change.action, change.before, change.after) == (Action.CHANGE, (there,), (after,))
    assert danger in change.danger
    assert bool(change.danger) is bool(danger)
    assert found.pending == (change,)
    assert found.dangers == ((change,) if danger else ())


def test_mail_is_taken_away_only_as_a_danger() -> None:
    there = records((NAME, "MX", "10 mx1.office.example"), (NAME, "MX", "20 mx2.office.example"))
    change = change_at(plan(COMPLETE + there, RECEIVES), NAME, "MX")
    assert change.action is Action.CHANGE
    assert change.after == (f"10 {HOST}",)
    assert "goes to mx1.office.example, mx2.office.example now" in change.danger


def test_a_null_mx_is_taken_away_only_as_a_danger() -> None:
    change = change_at(plan((*COMPLETE, Record(NAME, "MX", "0 .")), RECEIVES), NAME, "MX")
    assert (change.before, change.after) == (("0 .",), (f"10 {HOST}",))
    assert change.danger


def test_without_receiving_the_mx_is_not_spoken_of() -> None:
    found = plan((*COMPLETE, Record(NAME, "MX", "10 mx.office.example")))
    assert [c for c in found.changes if (c.name, c.rdtype) == (NAME, "MX")] == []
    assert {c.action for c in found.changes} == {Action.KEEP}


FOREIGN = [
    (NAME, "TXT", "office-verification=1"),
    (NAME, "TXT", "v=spf10 is no SPF record"),
    (RETURN_PATH, "TXT", "hello"),
    (DMARC, "TXT", "v=DMARC2; p=none"),
    (HOST, "TXT", "google-site-verification=x"),
]


@pytest.mark.parametrize("base", [COMPLETE, ()], ids=["complete", "empty"])
@pytest.mark.parametrize(("name", "rdtype", "value"), FOREIGN)
def test_what_others_put_there_stays(base: tuple[Record, ...], name: str, rdtype: str, value: str) -> None:
    found = plan((*base, Record(name, rdtype, value)))
    (foreign,) = found.having(Action.FOREIGN)
    assert (foreign.name, foreign.rdtype, foreign.after) == (name, rdtype, (value,))
    assert not foreign.writes
    assert change_at(found, name, rdtype).foreign == (value,)
    assert Record(name, rdtype, value) in found.records()
    assert found.dangers == ()


def test_an_address_is_added_to_a_host_that_has_one_of_ours() -> None:
    """A name that leads to one address of the host, and to something else, loses neither."""
    two = (IPV4, IPv4Address("192.0.2.11"))
    found = plan((*COMPLETE, Record(HOST, "A", "198.51.100.9")), mail_domain(ipv4=two))
    change = change_at(found, HOST, "A")
    assert (change.action, change.danger) == (Action.CHANGE, "")
    assert (change.before, change.after) == ((str(IPV4),), tuple(map(str, two)))
    assert change.foreign == ("198.51.100.9",)


def test_a_host_in_another_zone_is_not_written() -> None:
    found = plan((), mail_domain(hostname="mail.house.example"))
    assert {(c.name, c.rdtype) for c in found.elsewhere} == {
        ("mail.house.example", "A"), ("mail.house.example", "AAAA"), (PTR4, "PTR"), (PTR6, "PTR"),
    }  # fmt: skip
    assert [c for c in found.pending if "house.example" in c.name] == []
    assert [c for c in found.changes if c.purpose is Purpose.HELO_SPF] == []


@pytest.mark.parametrize("hostname", [NAME, RETURN_PATH])
def test_one_record_set_is_planned_once(hostname: str) -> None:
    """The host may bear the name of the domain or of its return path: then one SPF record speaks for both."""
    found = plan((), mail_domain(hostname=hostname))
    keys = [(c.name, c.rdtype) for c in found.changes]
    assert len(keys) == len(set(keys))


CONFLICTS = [
    ([(NAME, "TXT", "v=spf1 -all"), (NAME, "TXT", "V=SPF1 mx ~all")], "2 SPF records"),
    ([(RETURN_PATH, "TXT", "v=spf1 -all"), (RETURN_PATH, "TXT", "v=spf1 mx")], "2 SPF records"),
    ([(HOST, "TXT", "v=spf1"), (HOST, "TXT", "v=spf1 mx")], "2 SPF records"),
    ([(NAME, "TXT", "v=spf1 ip4:300.0.0.1 -all")], "cannot be read"),
    ([(RETURN_PATH, "TXT", "v=spf1 -all nonsense")], "cannot be read"),
    ([(DMARC, "TXT", "v=DMARC1; p=none"), (DMARC, "TXT", "v=DMARC1; p=reject")], "2 DMARC records"),
    ([(DMARC, "TXT", "v=DMARC1; p=none; p=reject")], "the DMARC record is broken"),
    ([(DMARC, "TXT", "v=DMARC1; p=quar antine")], "the DMARC record is broken"),
    ([(NAME, "CNAME", "shop.hoster.example")], "alias of shop.hoster.example"),
    ([(DMARC, "CNAME", "dmarc.vendor.example")], "alias of dmarc.vendor.example"),
    ([(KEY_NAME, "CNAME", "key.vendor.example")], "alias of key.vendor.example"),
    ([(HOST, "CNAME", "vm7.hoster.example")], "alias of vm7.hoster.example"),
    ([(RETURN_PATH, "CNAME", HOST)], f"alias of {HOST}"),
]


@pytest.mark.parametrize(("there", "reason"), CONFLICTS)
def test_what_a_person_has_to_decide(there: list[tuple[str, str, str]], reason: str) -> None:
    name, rdtype, _ = there[0]
    mine = [r for r in COMPLETE if r.name != name or (rdtype != "CNAME" and r.rdtype != rdtype)]
    found = plan((*mine, *records(*there)))
    conflicts = found.having(Action.CONFLICT)
    assert {c.name for c in conflicts} == {name}
    assert all(reason in c.reason for c in conflicts)
    assert found.pending == ()
    values = {r.value for r in planned_zone(found) if r.rdtype != "CNAME"}
    assert {value for _, rdtype, value in there if rdtype == "TXT"} <= values


def test_a_text_at_a_delegated_selector_is_in_the_way_of_the_cname() -> None:
    found = plan(records((SLOT1, "TXT", OTHER_KEY)), DELEGATED)
    assert [(c.name, c.purpose) for c in found.having(Action.CONFLICT)] == [(SLOT1, Purpose.DKIM_DELEGATION)]
    assert change_at(found, SLOT2, "CNAME").action is Action.CREATE


def test_delegated_keys_lie_in_their_own_zone() -> None:
    found = plan((), DELEGATED)
    assert change_at(found, SLOT1, "CNAME").after == (DELEGATED_KEY,)
    assert change_at(found, SLOT2, "CNAME").after == (f"mc2.{NAME}.{HOUSE}",)
    key = change_at(found, DELEGATED_KEY, "TXT")
    assert (key.zone, key.after) == (HOUSE, (KEY_TEXT,))
    assert change_at(found, SLOT1, "CNAME").zone is None


def test_a_delegation_that_leads_elsewhere_is_replaced_only_as_a_danger() -> None:
    there = records((SLOT1, "CNAME", "k1.vendor.example"), (SLOT2, "CNAME", f"mc2.{NAME}.{HOUSE}"))
    found = plan(there, DELEGATED)
    change = change_at(found, SLOT1, "CNAME")
    assert change.action is Action.CHANGE
    assert "may be in use" in change.danger
    assert change_at(found, SLOT2, "CNAME").action is Action.KEEP


def test_a_key_from_before_the_delegation_stays_at_home() -> None:
    domain = mail_domain(delegation_zone=HOUSE)
    found = plan(COMPLETE, domain)
    assert change_at(found, KEY_NAME, "TXT").action is Action.KEEP
    assert [c.name for c in found.pending] == [SLOT1, SLOT2]


def test_a_retired_key_is_not_wanted_and_a_retiring_one_is() -> None:
    keys = tuple(replace(KEY, selector=state, state=state) for state in ("retired", "retiring", "planned"))
    names = {c.name for c in plan((), mail_domain(keys=keys)).changes if c.purpose is Purpose.DKIM}
    assert names == {f"{state}._domainkey.{NAME}" for state in ("retiring", "planned")}


@pytest.mark.parametrize("status", UNANSWERED)
@pytest.mark.parametrize("wish", wanted(RECEIVES), ids=lambda wish: wish.purpose.value)
def test_where_the_dns_does_not_answer_nothing_is_planned(wish: object, status: Status) -> None:
    question = (wish.name, wish.rdtype)  # type: ignore[attr-defined]
    mx = Record(NAME, "MX", f"10 {HOST}")
    found = plan((*COMPLETE, mx), RECEIVES, faults={question: status})
    (unknown,) = found.having(Action.UNKNOWN)
    assert (unknown.name, unknown.rdtype) == question
    assert status.value in unknown.reason
    assert found.pending == found.elsewhere == ()


def test_a_dmarc_record_behind_a_vendors_alias_is_kept_and_not_exported() -> None:
    zone = records((DMARC, "CNAME", "d.vendor.example"), ("d.vendor.example", "TXT", "v=DMARC1; p=reject"))
    found = plan([*(r for r in COMPLETE if r.name != DMARC), *zone])
    change = change_at(found, DMARC, "TXT")
    assert (change.action, change.after) == (Action.KEEP, ("v=DMARC1; p=reject",))
    assert "d.vendor.example" in change.reason
    assert found.pending == ()
    assert DMARC not in {record.name for record in found.records()}


def test_a_pointer_through_a_cname_counts() -> None:
    """RFC 2317: the pointers of a network smaller than a /24 are delegated by CNAMEs."""
    there = but((PTR4, "PTR", None)) + records(
        (PTR4, "CNAME", "10.0-25.2.0.192.in-addr.arpa"), ("10.0-25.2.0.192.in-addr.arpa", "PTR", HOST)
    )
    assert {c.action for c in plan(there).changes} == {Action.KEEP}


def test_a_host_name_in_another_zone_may_be_an_alias() -> None:
    domain = mail_domain(hostname="mail.house.example", ipv6=(), keys=())
    there = records(
        ("mail.house.example", "CNAME", "vm7.house.example"), ("vm7.house.example", "A", str(IPV4))
    )
    assert change_at(plan(there, domain), "mail.house.example", "A").action is Action.KEEP


POLICIES = ["none", "quarantine", "reject"]


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("wish", [None, *POLICIES])
@pytest.mark.parametrize("there", POLICIES)
def test_a_policy_is_weakened_only_when_asked_for(there: str, wish: str | None, asked: bool) -> None:
    text = f"v=DMARC1; p={there}; fo=1"
    found = plan(but((DMARC, "TXT", text)), mail_domain(dmarc_policy=wish), weaken=asked)
    change = change_at(found, DMARC, "TXT")
    lower = wish is not None and POLICIES.index(wish) < POLICIES.index(there)
    expected = there if wish is None or (lower and not asked) else wish
    assert change.after == (f"v=DMARC1; p={expected}; fo=1",)
    assert change.action is (Action.KEEP if expected == there else Action.CHANGE)
    assert bool(change.danger) is (lower and asked)
    if lower and not asked:
        assert f"p={there} is there, and stronger" in change.reason


def test_reports_are_asked_for_where_they_are_not_yet() -> None:
    domain = mail_domain(report_address="dmarc@shop.example")
    assert change_at(plan((), domain), DMARC, "TXT").after == (
        "v=DMARC1; p=none; rua=mailto:dmarc@shop.example",
    )
    assert change_at(plan(COMPLETE, domain), DMARC, "TXT").after == (
        "v=DMARC1; p=none; rua=mailto:dmarc@shop.example",
    )
    theirs = "v=DMARC1; p=none; rua=mailto:a@vendor.example"
    assert change_at(plan(but((DMARC, "TXT", theirs)), domain), DMARC, "TXT").action is Action.KEEP


def test_the_whole_record_set_is_written_with_the_planned_ttl() -> None:
    there = (Record(NAME, "TXT", "theirs", 300), Record(NAME, "TXT", "v=spf1 -all", 300))
    found = plan(there, mail_domain(ttl=60, keys=()))
    (rrset,) = (r for r in rrset_changes(found.pending) if (r.name, r.rdtype) == (NAME, "TXT"))
    assert set(rrset.before) == set(there)
    assert {(r.value, r.ttl) for r in rrset.after} == {
        ("theirs", 60), (f"v=spf1 ip4:{IPV4} ip6:{IPV6} -all", 60),
    }  # fmt: skip


def test_a_retired_key_goes_and_what_stands_beside_it_stays() -> None:
    (rrset,) = rrset_changes([retirement(KEY_NAME, (KEY_TEXT,), ("theirs",), NAME)])
    assert {r.value for r in rrset.before} == {KEY_TEXT, "theirs"}
    assert {r.value for r in rrset.after} == {"theirs"}


def test_a_cname_in_a_providers_list_is_an_alias() -> None:
    listed = [Record(DMARC, "CNAME", "dmarc.vendor.example"), Record(NAME, "TXT", "x", 77)]
    assert answer_from(listed, (DMARC, "TXT"), "memory").chain == ("dmarc.vendor.example",)
    assert answer_from(listed, (DMARC, "CNAME"), "memory").hosts() == ("dmarc.vendor.example",)
    assert answer_from(listed, (DMARC, "CNAME"), "memory").chain == ()
    assert answer_from(listed, (NAME, "TXT"), "memory").ttl == 77
    assert answer_from(listed, (HOST, "A"), "memory").status is Status.NODATA


# Properties -------------------------------------------------------------------------------------------------------

SPF_TEXTS = st.sampled_from(
    ["v=spf1 -all", "v=spf1 mx ~all", "v=spf1 include:a.example ?all", "v=spf1 ip4:192.0.2.0/24 -all",
     "v=spf1 redirect=_spf.example", "v=spf1", "v=spf1 -ip4:192.0.2.10 ~all", "v=spf1 +all"]
)  # fmt: skip
DMARC_TEXTS = st.sampled_from(
    ["v=DMARC1; p=none", "v=DMARC1;p=reject;rua=mailto:a@b.example", "v=DMARC1; sp=none", "v=DMARC1; p=oops",
     "v=DMARC1;p=quarantine;;"]
)  # fmt: skip
THEIRS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30).filter(
    lambda text: not text.lower().startswith("v=")
)


@st.composite
def zones(draw: st.DrawFn) -> tuple[Record, ...]:
    """A zone with something of ours, of others, old values and gaps, but nothing that nobody could plan from."""
    found: set[Record] = set()
    for name in (NAME, RETURN_PATH, HOST):
        if draw(st.booleans()):
            found.add(Record(name, "TXT", draw(SPF_TEXTS)))
        found |= {Record(name, "TXT", text) for text in draw(st.sets(THEIRS, max_size=2))}
    if draw(st.booleans()):
        found.add(Record(DMARC, "TXT", draw(DMARC_TEXTS)))
    found |= {Record(KEY_NAME, "TXT", text) for text in draw(st.sets(st.sampled_from([KEY_TEXT, OTHER_KEY])))}
    for host in draw(st.sets(st.sampled_from([HOST, "mx.office.example"]))):
        found.add(Record(draw(st.sampled_from([NAME, RETURN_PATH])), "MX", f"10 {host}"))
    for address in draw(st.sets(st.sampled_from([IPV4, ip_address("198.51.100.9"), IPV6]))):
        found.add(Record(HOST, "A" if address.version == 4 else "AAAA", str(address)))
    return tuple(sorted(found))


@st.composite
def domains(draw: st.DrawFn) -> MailDomain:
    return mail_domain(
        hostname=draw(st.sampled_from([HOST, NAME, RETURN_PATH, "mail.house.example"])),
        ipv4=draw(st.sampled_from([(), (IPV4,), (IPV4, IPv4Address("192.0.2.11"))])),
        ipv6=draw(st.sampled_from([(), (IPV6,)])),
        dmarc_policy=draw(st.sampled_from([None, *POLICIES])),
        report_address=draw(st.sampled_from([None, "dmarc@shop.example"])),
        receives_mail=draw(st.booleans()),
        delegation_zone=draw(st.sampled_from([None, HOUSE])),
    )


def carried_out(zone: tuple[Record, ...], found: ZonePlan) -> tuple[Record, ...]:
    """The zone after the plan, by way of the publisher's twin."""
    publisher = MemoryPublisher({"": zone})
    asyncio.run(publisher.apply("", rrset_changes(found.pending)))
    return publisher.records


@settings(max_examples=60, deadline=None)
@given(zones(), domains(), st.booleans())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(
    zone: tuple[Record, ...], domain: MailDomain, weaken: bool
) -> None:
    found = plan(zone, domain, weaken=weaken)
    after = carried_out(zone, found)
    again = plan(after, domain, weaken=weaken)
    assert again.pending == ()
    assert set(planned_zone(found)) - {r for r in planned_zone(found) if r.rdtype == "PTR"} >= set(
        again.records()
    )
    if domain.hostname != "mail.house.example":
        assert {(r.name, r.rdtype, r.value) for r in again.records()} <= {
            (r.name, r.rdtype, r.value) for r in after
        }


@settings(max_examples=60, deadline=None)
@given(zones(), domains(), st.booleans())
def test_nothing_of_others_is_lost_without_a_danger(
    zone: tuple[Record, ...], domain: MailDomain, weaken: bool
) -> None:
    found = plan(zone, domain, weaken=weaken)
    lost = {(r.name, r.rdtype, r.value) for r in zone} - {
        (r.name, r.rdtype, r.value) for r in carried_out(zone, found)
    }
    dangerous = {(c.name, c.rdtype) for c in found.dangers}
    for name, rdtype, value in lost:
        edited = spf.select([value]) or dmarc.is_record(value)
        assert edited or (name, rdtype) in dangerous


@settings(max_examples=60, deadline=None)
@given(zones(), domains())
def test_every_planned_spf_record_lets_our_addresses_pass(
    zone: tuple[Record, ...], domain: MailDomain
) -> None:
    found = plan(zone, domain)
    purposes = (Purpose.SPF, Purpose.RETURN_PATH_SPF, Purpose.HELO_SPF)
    texts = [c.after for c in found.changes if c.purpose in purposes and c.action is not Action.FOREIGN]
    assert len(texts) >= 2
    for (text,) in texts:
        parsed = spf.parse(text)
        assert all(
            spf_edit.is_authorised(parsed, address) or "+all" in text or parsed.all is None
            for address in domain.addresses
        )
        assert all(
            f"{address}" in text or "192.0.2.0/24" in text or "+all" in text for address in domain.addresses
        )


@settings(max_examples=40, deadline=None)
@given(zones(), domains())
def test_a_plan_is_a_function_of_what_was_seen(zone: tuple[Record, ...], domain: MailDomain) -> None:
    nothing = {q: Answer(*q, Status.NODATA) for q in questions(domain)}
    assert plan_zone(domain, nothing) == plan_zone(domain, nothing)
    assert plan(zone, domain) == plan(tuple(reversed(zone)), domain)
    assert all(c.zone != ELSEWHERE for c in plan(zone, domain).pending)
