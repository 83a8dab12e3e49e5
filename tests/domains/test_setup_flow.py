"""`setup` from facts to proof, in a world of twins: new, again, interrupted, refused."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from mailctl.domains import setup as flow
from mailctl.domains.checks.target import Target, Tools
from mailctl.domains.findings import Finding, Severity, worst
from mailctl.domains.request import Request
from mailctl.domains.stored import planned_check, planned_domain
from mailctl.domains.zone_plan import Action
from mailctl.edges.host import MemoryHost, Node
from mailctl.errors import BadInput, MailctlError, PublishError, Refused, Undetermined, ZoneChanged
from mailctl.standards import dkim
from mailctl.standards.dns import Record, Status
from mailctl.store.tables import DmarcPolicy
from tests.domains.memory_mta import bare_host, files
from tests.domains.world import NOW, OFFICE, POINTERS, THEIRS, Stopped, World
from tests.domains.zone_examples import HOST, HOUSE, IPV4, IPV6, NAME, RETURN_PATH

PAIR = ("mc20201124-rsa", "mc20201124-ed")
ACTIVE = dict.fromkeys(PAIR, "active")
PLANNED = dict.fromkeys(PAIR, "planned")
STEPS = ("applying", "publishing", "waiting", "signing")
MakeWorld = Callable[..., World]


def assert_set_up(world: World) -> None:
    """Keys in the store, the files and the zone are the same; everything of others is still there."""
    assert world.states() == ACTIVE
    row = world.store.domains.need(NAME)
    zone = {(r.name, r.value) for r in world.publisher.zones[NAME]}
    for key in world.store.keys.list(row):
        pem = world.keys.read(NAME, key.selector)
        assert dkim.public_text(pem) == key.public_text
        assert (f"{key.selector}._domainkey.{NAME}", key.public_text) in zone
    assert len(world.keys.held) == 2
    assert {(NAME, "10 mx.office.example"), (NAME, "office-verification=1")} <= zone
    assert (NAME, f"v=spf1 ip4:{IPV4} ip6:{IPV6} include:_spf.office.example ~all") in zone


def configuration(host: MemoryHost) -> dict[Path, Node]:
    return {path: node for path, node in files(host).items() if path.is_relative_to("/etc")}


def test_a_new_domain_is_proposed_carried_out_and_proven(world: World) -> None:
    proposal = world.propose()
    before = world.snapshot()
    assert not proposal.empty
    assert proposal.rehearsal is not None
    assert proposal.rehearsal.passed
    assert proposal.dangers == ()
    assert world.snapshot() == before
    flow.guard(proposal, force=False)
    said = world.carry_out(proposal)
    assert [line.split()[0] for line in said] == ["publishing", "waiting", "signing"]
    assert_set_up(world)
    proof = world.prove(proposal)
    assert proof.holds
    assert proof.report.verdict is Severity.OK
    assert [
        len(d.authentication.results("dkim")) for d in proof.rehearsal.deliveries if d.authentication
    ] == [2, 2]


def test_a_second_run_is_empty(world: World) -> None:
    world.setup()
    before, applied = world.snapshot(), len(world.publisher.applied)
    proposal = world.propose()
    assert proposal.empty
    assert {c.action for c in proposal.zone_plan.changes} == {Action.KEEP, Action.FOREIGN}
    assert world.setup().holds
    assert world.snapshot() == before
    assert len(world.publisher.applied) == applied


def test_with_a_host_everything_is_set_up_and_the_second_run_is_empty(make: MakeWorld) -> None:
    host = bare_host(name=HOST)
    world = make(machine=host)
    assert world.setup(host=True).holds
    assert_set_up(world)
    before = files(host)
    proposal = world.propose(host=True)
    assert proposal.empty
    assert world.setup(host=True).holds
    assert files(host) == before


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_dies_before_any_step_is_taken_up(make: MakeWorld, step: str) -> None:
    world = make(machine=bare_host(name=HOST))
    with pytest.raises(Stopped):
        world.carry_out(world.propose(host=True), stop_at=step)
    assert world.states() == PLANNED
    first = world.keys.held
    again = world.propose(host=True)
    assert again.new_keys == {}
    assert not again.empty
    assert world.setup(host=True).holds
    assert_set_up(world)
    assert world.keys.held == first
    assert world.propose(host=True).empty


def test_a_publisher_that_fails_leaves_a_zone_untouched_and_a_rerun_goes_on(world: World) -> None:
    proposal = world.propose()
    zone = world.publisher.records
    world.publisher.fault = PublishError("the provider is down", temporary=True)
    with pytest.raises(PublishError) as caught:
        world.carry_out(proposal)
    assert caught.value.exit_code == 3
    assert world.publisher.records == zone
    assert world.states() == PLANNED
    assert world.setup().holds
    assert_set_up(world)


def test_a_provider_that_takes_changes_and_shows_nothing_is_not_believed(world: World) -> None:
    proposal = world.propose()

    async def forget(zone: str, changes: object) -> None:
        """What a provider with a queue does: it says yes, and shows nothing yet."""

    world.publisher.apply = forget  # type: ignore[method-assign]
    with pytest.raises(PublishError, match="does not show them all") as caught:
        world.carry_out(proposal)
    assert f"{NAME} TXT" in caught.value.details
    assert world.states() == PLANNED


def test_until_it_is_seen_nothing_signs(world: World) -> None:
    """The wait asks the authoritative servers, and the next run starts with it again."""
    key = (f"{PAIR[0]}._domainkey.{NAME}", "TXT")
    proposal = world.propose()
    world.dns.hidden.add(key)
    for _ in range(2):
        with pytest.raises(Undetermined, match="not yet at every authoritative server") as caught:
            world.carry_out(proposal)
        assert any(key[0] in line and "0 of 1" in line for line in caught.value.details)
        assert world.states() == PLANNED
        proposal = world.propose()
        assert proposal.zone_plan.pending == ()
        assert not proposal.empty
    world.dns.hidden.clear()
    assert world.setup().holds
    assert_set_up(world)


def test_a_store_that_fails_keeps_no_key_and_the_next_run_starts_afresh(world: World, tmp_path: Path) -> None:
    before = world.snapshot()
    path = tmp_path / "mailctl.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(
            "CREATE TRIGGER no BEFORE INSERT ON dkim_key WHEN NEW.selector LIKE '%-ed'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(MailctlError):
        world.carry_out(world.propose())
    assert world.snapshot() == before
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER no")
    assert world.setup().holds
    assert_set_up(world)


def test_a_key_file_whose_row_was_never_written_is_replaced(world: World) -> None:
    """A kill between the two leaves a key that nothing was signed with."""
    world.keys.write(NAME, PAIR[0], dkim.generate("rsa"))
    assert world.setup().holds
    assert_set_up(world)


def test_of_two_runs_at_once_the_second_is_refused_and_harms_nothing(world: World) -> None:
    first, second = world.propose(), world.propose()
    assert first.new_keys.keys() == second.new_keys.keys()
    world.carry_out(first)
    with pytest.raises(MailctlError):
        world.carry_out(second)
    assert_set_up(world)
    assert world.propose().empty


def test_a_host_that_refuses_leaves_host_zone_and_store_as_they_were(make: MakeWorld) -> None:
    host = bare_host(name=HOST)
    world = make(machine=host)
    proposal = world.propose(host=True)
    before, kept = world.snapshot(), configuration(host)

    def full(change: str) -> None:
        if change.startswith(("write /etc/postfix/", "rename /etc/postfix/")):
            raise OSError(28, "No space left on device")

    host.fault = full
    with pytest.raises(MailctlError):
        world.carry_out(proposal)
    assert (world.snapshot(), configuration(host)) == (before, kept)
    host.fault = lambda _: None
    assert world.setup(host=True).holds


def test_a_zone_that_changed_since_the_plan_is_not_written(world: World) -> None:
    proposal = world.propose()
    world.publisher.zones[NAME].add(Record(NAME, "TXT", "another-verification=2"))
    zone = world.publisher.records
    with pytest.raises(ZoneChanged) as caught:
        world.carry_out(proposal)
    assert any(f"{NAME} TXT" in line for line in caught.value.details)
    assert world.publisher.records == zone
    assert world.setup().holds
    assert Record(NAME, "TXT", "another-verification=2", 3600) in world.publisher.zones[NAME]


def test_published_by_hand(world: World) -> None:
    proposal = world.propose(world.by_hand)
    with pytest.raises(Undetermined):
        world.carry_out(proposal, world.by_hand)
    assert world.publisher.records == tuple(sorted(THEIRS))
    assert world.states() == PLANNED
    again = world.propose(world.by_hand)
    world.publish_by_hand(again)
    world.carry_out(again, world.by_hand)
    assert world.prove(again).holds
    assert_set_up(world)
    assert world.propose(world.by_hand).empty


def test_what_others_publish_during_the_wait_is_no_obstacle(world: World) -> None:
    with pytest.raises(Undetermined):
        world.carry_out(world.propose(world.by_hand), world.by_hand)
    proposal = world.propose(world.by_hand)
    world.publish_by_hand(proposal)
    world.publisher.zones[NAME].add(Record(NAME, "TXT", "another-verification=2"))
    world.carry_out(proposal, world.by_hand)
    assert world.prove(proposal).holds


@pytest.mark.parametrize("by_hand", [False, True])
def test_no_resolver_is_asked_for_what_is_not_there_yet(world: World, by_hand: bool) -> None:
    """It would remember that there was nothing, and the proof would fail for as long as it does (RFC 2308)."""
    proposal = world.propose(world.by_hand if by_hand else None)
    created = {(c.name, c.rdtype) for c in proposal.zone_plan.pending if c.action is Action.CREATE}
    assert created
    assert not created & set(world.dns.asked)


def test_a_cname_that_only_the_provider_shows_is_a_conflict(make: MakeWorld) -> None:
    world = make(zone=(*THEIRS, Record(f"_dmarc.{NAME}", "CNAME", "dmarc.vendor.example")))
    with pytest.raises(Refused, match="mended by hand") as caught:
        world.setup()
    assert any("_dmarc" in line and "alias of dmarc.vendor.example" in line for line in caught.value.details)


LOOKUPS = " ".join(f"include:s{n}.office.example" for n in range(11))


@pytest.mark.parametrize("name", [NAME, RETURN_PATH, HOST])
def test_an_spf_record_of_eleven_lookups_is_refused(make: MakeWorld, name: str) -> None:
    theirs = tuple(r for r in THEIRS if not r.value.startswith("v=spf1"))
    includes = [Record(f"s{n}.office.example", "TXT", "v=spf1 -all") for n in range(11)]
    world = make(
        zone=(*theirs, Record(name, "TXT", f"v=spf1 {LOOKUPS} -all")), elsewhere=(*POINTERS, *includes)
    )
    before = world.snapshot()
    with pytest.raises(Refused) as caught:
        world.setup()
    assert any("11 lookups" in line and name in line for line in caught.value.details)
    assert world.snapshot() == before


def test_ten_lookups_are_allowed(make: MakeWorld) -> None:
    ten = "v=spf1 " + " ".join(f"include:s{n}.office.example" for n in range(10)) + " ~all"
    includes = [Record(f"s{n}.office.example", "TXT", "v=spf1 -all") for n in range(10)]
    world = make(zone=(Record(NAME, "TXT", ten),), elsewhere=(*POINTERS, *includes))
    assert world.propose().spf_lookups == {NAME: 10, RETURN_PATH: 0, HOST: 0}
    assert world.setup().holds


DANGEROUS = [
    ("an MX", {"receives_mail": True}, (), f"{NAME} MX"),
    (
        "a policy",
        {"dmarc_policy": DmarcPolicy.NONE},
        (Record(f"_dmarc.{NAME}", "TXT", "v=DMARC1; p=reject"),),
        "_dmarc",
    ),
    ("an address", {}, (Record(HOST, "A", "198.51.100.9"),), f"{HOST} A"),
    ("a bounce", {}, (Record(RETURN_PATH, "MX", "10 mx.vendor.example"),), f"{RETURN_PATH} MX"),
]


@pytest.mark.parametrize(("what", "asked", "extra", "line"), DANGEROUS, ids=[d[0] for d in DANGEROUS])
def test_a_dangerous_change_wants_force(
    make: MakeWorld, what: str, asked: dict[str, Any], extra: tuple[Record, ...], line: str
) -> None:
    world = make(zone=(*THEIRS, *extra))
    before = world.snapshot()
    with pytest.raises(Refused, match="dangerous") as caught:
        world.setup(**asked)
    assert [detail for detail in caught.value.details if detail.startswith(line)]
    assert "--force" in caught.value.hint
    assert world.snapshot() == before
    assert world.setup(force=True, **asked).holds


def test_another_key_at_our_selector_wants_force(world: World) -> None:
    world.setup()
    name = f"{PAIR[1]}._domainkey.{NAME}"
    zone = world.publisher.zones[NAME]
    zone.difference_update({r for r in zone if r.name == name})
    zone.add(Record(name, "TXT", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="))
    with pytest.raises(Refused, match="dangerous"):
        world.setup()
    assert world.setup(force=True).holds
    assert_set_up(world)


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.BOGUS])
@pytest.mark.parametrize("force", [False, True])
def test_where_the_dns_does_not_answer_nothing_is_written(world: World, status: Status, force: bool) -> None:
    world.dns.faults[f"_dmarc.{NAME}", "TXT"] = status
    before = world.snapshot()
    with pytest.raises(Undetermined, match="could not be read") as caught:
        world.setup(world.by_hand, force=force)
    assert [line for line in caught.value.details if status.value in line]
    assert world.snapshot() == before


def test_a_zone_that_cannot_be_found_is_undetermined(world: World) -> None:
    world.dns.faults[NAME, "SOA"] = Status.TIMEOUT
    before = world.snapshot()
    with pytest.raises(Undetermined, match=r"zone of shop\.example could not be found"):
        world.setup()
    assert world.snapshot() == before


def test_a_pointer_that_nobody_answers_for_is_no_obstacle(world: World) -> None:
    world.dns.faults[IPV4.reverse_pointer] = Status.SERVFAIL
    proof = world.setup()
    assert proof.holds
    assert [f.id for f in proof.report.findings if f.severity is Severity.UNKNOWN] == ["ptr.unknown"]


def test_the_zone_of_the_settings_has_to_hold_the_domain(make: MakeWorld) -> None:
    world = make(dns={"zone": "other.example"})
    with pytest.raises(BadInput, match=r"shop\.example is not in other\.example"):
        world.setup()
    inside = make(dns={"zone": NAME})
    inside.dns.faults[NAME, "SOA"] = Status.TIMEOUT
    assert inside.setup().holds


# Tenants ----------------------------------------------------------------------------------------------------------


def reasons(world: World, **asked: Any) -> str:
    before = world.snapshot()
    with pytest.raises(BadInput) as caught:
        world.setup(**asked)
    assert world.snapshot() == before
    return "\n".join(caught.value.details)


def test_a_missing_tenant(world: World) -> None:
    assert "there is no tenant 'nobody' (mailctl tenant add nobody)" in reasons(world, tenant="nobody")


@pytest.mark.parametrize("name", ["shop", "default"])
def test_a_suspended_tenant(world: World, name: str) -> None:
    world.store.tenants.add(name)
    world.store.tenants.suspend(name)
    asked: dict[str, Any] = {} if name == "default" else {"tenant": name}
    assert f"tenant {name} is suspended" in reasons(world, **asked)
    world.store.tenants.resume(name)
    assert world.setup(**asked).holds
    world.store.tenants.suspend(name)
    assert f"tenant {name} is suspended" in reasons(world)


def test_the_domain_of_another_tenant(world: World) -> None:
    for tenant in ("shop", "thief"):
        world.store.tenants.add(tenant)
    world.setup(tenant="shop")
    assert f"{NAME} belongs to tenant shop, not thief" in reasons(world, tenant="thief")
    assert world.propose(tenant="shop").empty


def test_what_was_asked_for_is_remembered_even_where_the_zone_has_it(make: MakeWorld) -> None:
    world = make(zone=(*THEIRS[1:], Record(NAME, "MX", f"10 {HOST}")))
    world.setup()
    proposal = world.propose(receives_mail=True)
    assert proposal.zone_plan.pending == ()
    assert not proposal.empty
    world.setup(receives_mail=True)
    assert world.store.domains.need(NAME).receives_mail
    assert world.propose().domain.receives_mail
    assert world.propose(receives_mail=True).empty


def test_every_reason_at_once(make: MakeWorld) -> None:
    world = make(machine=MemoryHost(name="localhost"), host={"ipv4": ["127.0.0.1"]}, dkim={})
    with pytest.raises(BadInput) as caught:
        asyncio.run(
            flow.propose(world.w, Request("example..com", tenant="nobody", delegated=True), with_host=False)
        )
    text = "\n".join(caught.value.details)
    for part in ("the domain", "host's name", "127.0.0.1", "no tenant", "delegation_zone"):
        assert part in text


def test_a_name_without_room_for_its_keys_is_refused(world: World) -> None:
    name = ".".join(["a" * 60] * 4)[:220] + ".shop.example"
    with pytest.raises(BadInput, match="cannot be set up") as caught:
        asyncio.run(flow.propose(world.w, Request(name), with_host=False))
    assert any("leaves no room" in line for line in caught.value.details)


# The other ways in ------------------------------------------------------------------------------------------------


def test_a_domain_that_was_added_is_taken_up_by_setup(world: World) -> None:
    row = flow.add_domain(world.w, Request(NAME))
    assert (row.name, row.created_at) == (NAME, NOW)
    assert world.states() == PLANNED
    assert world.publisher.records == tuple(sorted(THEIRS))
    with pytest.raises(Refused, match="is there already"):
        flow.add_domain(world.w, Request(NAME))
    held = world.keys.held
    assert world.setup().holds
    assert world.keys.held == held
    assert_set_up(world)


def test_the_dns_half_publishes_and_setup_then_signs(world: World) -> None:
    proposal = world.propose()
    quiet: Any = {"wait_seconds": 0, "say": lambda _: None, "watch": lambda _: None}
    asyncio.run(flow.carry_out_dns(world.w, proposal, **quiet))
    assert world.states() == dict.fromkeys(PAIR, "published")
    assert world.propose().zone_plan.pending == ()
    assert not world.propose().empty
    assert world.setup().holds
    assert_set_up(world)


def test_only_a_stored_domain_has_a_proposal_of_its_own(world: World) -> None:
    with pytest.raises(BadInput, match=r"no domain shop\.example"):
        asyncio.run(flow.propose_stored(world.w, NAME))
    world.setup()
    assert asyncio.run(flow.propose_stored(world.w, NAME)).zone_plan.pending == ()


def test_wait_for_all(world: World) -> None:
    world.setup()
    stored = asyncio.run(flow.propose_stored(world.w, NAME))
    assert all(
        s.complete for s in asyncio.run(flow.wait_for_all(world.w, stored, seconds=0, watch=lambda _: None))
    )
    world.dns.hidden.add((f"_dmarc.{NAME}", "TXT"))
    seen = asyncio.run(flow.wait_for_all(world.w, stored, seconds=0, watch=lambda _: None))
    assert [s.name for s in seen if not s.complete] == [f"_dmarc.{NAME}"]


def verified(world: World) -> list[Finding]:
    """What `verify` finds of the domain in the store."""
    check = planned_check({NAME: planned_domain(world.w, NAME)}, None)

    async def run() -> list[Finding]:
        return await check(Target(NAME), Tools(world.dns, NOW))

    return asyncio.run(run())


def test_verify_of_a_stored_domain(world: World) -> None:
    world.setup()
    assert worst(verified(world)) is Severity.OK
    world.store.tenants.suspend("default")
    assert worst(verified(world)) is Severity.OK
    world.dns.faults[NAME] = Status.TIMEOUT
    (finding,) = verified(world)
    assert (finding.id, finding.severity) == ("dns.zone-unknown", Severity.UNKNOWN)
    assert "timeout" in finding.message
    with pytest.raises(BadInput, match="no domain"):
        planned_domain(world.w, "absent.example")


def test_the_proof_of_a_domain_whose_zone_lost_a_key_does_not_hold(world: World) -> None:
    world.setup()
    proposal = world.propose()
    zone = world.publisher.zones[NAME]
    zone.difference_update({r for r in zone if "mc20201124-rsa" in r.name})
    proof = world.prove(proposal)
    assert not proof.holds
    assert not proof.rehearsal.passed
    assert any("dkim=" in line for line in proof.rehearsal.problems)


def test_nothing_of_the_house_zone_is_touched_without_delegation(world: World) -> None:
    world.setup()
    assert world.publisher.zones[HOUSE] == set()
    assert {zone for zone, _ in world.publisher.applied} == {NAME}
    assert OFFICE[0] not in world.publisher.records


def test_addresses_that_were_named_are_remembered(world: World) -> None:
    """A later verify must not expect the addresses of the machine that it happens to run on."""
    named = (ip_address("203.0.113.9"),)
    world.setup(addresses=named)
    assert world.propose().domain.addresses == named
    assert world.propose().empty
    assert world.propose(addresses=(ip_address("203.0.113.10"),)).domain.ipv4 == (ip_address("203.0.113.10"),)


def test_an_alias_that_the_publisher_holds_is_followed_by_the_dns(world: World) -> None:
    """The provider lists only the CNAME of a DMARC service; what it leads to is with the vendor."""
    world.publisher.zones[NAME].add(Record(f"_dmarc.{NAME}", "CNAME", "d.vendor.example"))
    world.dns.elsewhere += (Record("d.vendor.example", "TXT", "v=DMARC1; p=quarantine"),)
    assert world.setup().holds
    assert world.propose().empty
