"""Rotation and retirement from beginning to end, at home and delegated, interrupted and in a hurry."""

import asyncio
from collections.abc import Callable

import pytest

from mailctl.domains import keys as key_flow
from mailctl.domains import setup as flow
from mailctl.domains.setup import Proposal
from mailctl.domains.wiring import Wiring
from mailctl.domains.zone_plan import records_of
from mailctl.edges.host import MemoryHost
from mailctl.errors import BadInput, MailctlError, PublishError, Refused, Undetermined
from mailctl.standards import dkim
from mailctl.standards.dns import Record, Status
from tests.domains.memory_mta import bare_host
from tests.domains.world import NOW, Stopped, World
from tests.domains.zone_examples import HOST, HOUSE, NAME

OLD = ("mc20201124-rsa", "mc20201124-ed")
NEW = ("mc20201124b-rsa", "mc20201124b-ed")
ROTATED = {**dict.fromkeys(OLD, "retiring"), **dict.fromkeys(NEW, "active")}
RETIRED = {**dict.fromkeys(OLD, "retired"), **dict.fromkeys(NEW, "active")}


def propose(world: World, w: Wiring | None = None, *, host: bool = False) -> Proposal:
    return asyncio.run(key_flow.propose_rotation(w or world.w, NAME, with_host=host))


def rotate(world: World, *, host: bool = False, stop_at: str = "") -> None:
    proposal = propose(world, host=host)
    flow.guard(proposal, force=False)
    world.carry_out(proposal, stop_at=stop_at)


def retire(world: World, w: Wiring | None = None, *, force: bool = False) -> tuple[str, ...]:
    w = w or world.w
    plan = asyncio.run(key_flow.propose_retirement(w, NAME, force=force))
    asyncio.run(key_flow.retire(w, plan))
    return plan.selectors


def published(world: World, zone: str = NAME) -> set[str]:
    """The first labels of the names in a zone that hold a DKIM key."""
    return {r.name.partition(".")[0] for r in world.publisher.zones[zone] if r.value.startswith("v=DKIM1")}


def signing(world: World) -> set[str]:
    """The selectors that OpenDKIM on the world's host signs with."""
    host = world.w.host
    assert isinstance(host, MemoryHost)
    tables = [node.content.decode() for path, node in host.nodes.items() if "SigningTable" in path.name]
    return {word for text in tables for word in (*OLD, *NEW) if word in text}


def test_a_rotation_from_beginning_to_end(world: World) -> None:
    world.setup()
    rotate(world)
    assert world.states() == ROTATED
    assert published(world) == {*OLD, *NEW}
    assert key_flow.overlap_ends(world.w, NAME) == NOW.replace(month=12, day=1)
    assert world.prove(world.propose()).holds
    assert world.propose().empty
    world.later(days=7)
    assert retire(world) == OLD
    assert world.states() == RETIRED
    assert published(world) == set(NEW)
    assert {path.stem for path in world.keys.held} == set(NEW)
    assert key_flow.overlap_ends(world.w, NAME) is None
    assert world.prove(world.propose()).holds
    assert world.propose().empty
    assert retire(world) == ()


def test_facts_have_every_key_with_its_moment(world: World) -> None:
    world.setup()
    world.later(days=1)
    rotate(world)
    facts = key_flow.facts(world.w, NAME)
    assert [(f["selector"], f["state"], f["since"]) for f in facts] == [
        ("mc20201124-rsa", "retiring", "2020-11-25 12:00:00Z"),
        ("mc20201124-ed", "retiring", "2020-11-25 12:00:00Z"),
        ("mc20201125-rsa", "active", "2020-11-25 12:00:00Z"),
        ("mc20201125-ed", "active", "2020-11-25 12:00:00Z"),
    ]
    assert all("PRIVATE" not in str(f) for f in facts)
    with pytest.raises(BadInput, match="no domain"):
        key_flow.facts(world.w, "absent.example")


@pytest.mark.parametrize("step", ["applying", "publishing", "waiting", "signing"])
def test_until_the_new_pair_is_seen_the_old_one_signs(make: Callable[..., World], step: str) -> None:
    """Wherever a rotation dies, the host signs with one whole pair that is published, and a rerun ends it."""
    world = make(machine=bare_host(name=HOST))
    world.setup(host=True)
    assert signing(world) == set(OLD)
    try:
        rotate(world, host=True, stop_at=step)
    except Stopped:
        assert {world.states()[selector] for selector in OLD} == {"active"}
        assert signing(world) == set(OLD)
        assert set(OLD) <= published(world)
        again = propose(world, host=True)
        assert again.new_keys == {}
        world.carry_out(again)
    assert world.states() == ROTATED
    assert signing(world) == set(NEW)
    assert world.propose(host=True).empty


def test_what_is_not_seen_does_not_sign(world: World) -> None:
    world.setup()
    proposal = propose(world)
    world.dns.hidden.add((f"{NEW[1]}._domainkey.{NAME}", "TXT"))
    with pytest.raises(Undetermined):
        world.carry_out(proposal)
    assert {world.states()[selector] for selector in OLD} == {"active"}
    with pytest.raises(Undetermined):
        world.carry_out(propose(world))
    world.dns.hidden.clear()
    rotate(world)
    assert world.states() == ROTATED


def test_setup_ends_a_rotation_that_was_interrupted(world: World) -> None:
    world.setup()
    with pytest.raises(Stopped):
        rotate(world, stop_at="signing")
    assert world.setup().holds
    assert world.states() == ROTATED


def test_no_rotation_during_an_overlap(world: World) -> None:
    world.setup()
    rotate(world)
    before = world.snapshot()
    world.later(days=6, hours=23)
    with pytest.raises(Refused, match="stay published until 2020-12-01 12:00 UTC") as caught:
        propose(world)
    assert f"mailctl dkim retire {NAME}" in caught.value.hint
    world.later(hours=1)
    with pytest.raises(Refused, match="stay published"):
        propose(world)
    assert world.snapshot() == before


def test_no_retirement_before_its_time(world: World) -> None:
    world.setup()
    assert retire(world) == ()
    rotate(world)
    before = world.snapshot()
    world.later(days=6, hours=23)
    with pytest.raises(Refused, match="may still be on its way") as caught:
        retire(world)
    assert any("7 days" in line for line in caught.value.details)
    assert world.snapshot() == before
    assert retire(world, force=True) == OLD
    assert published(world) == set(NEW)


def test_retired_by_hand_only_when_the_zone_has_them_no_more(world: World) -> None:
    world.setup()
    rotate(world)
    world.later(days=7)
    before = world.snapshot()
    with pytest.raises(Refused, match="still has the records") as caught:
        retire(world, world.by_hand)
    assert len(caught.value.details) == 2
    assert world.snapshot() == before
    zone = world.publisher.zones[NAME]
    zone.difference_update({r for r in zone if r.name.startswith(OLD)})
    # What a resolver remembers does not count, one way or the other: the zone's own servers are asked.
    assert retire(world, world.by_hand) == OLD
    assert world.states() == RETIRED


def test_a_zone_that_does_not_answer_retires_nothing(world: World) -> None:
    world.setup()
    rotate(world)
    world.later(days=7)
    world.dns.faults[f"{OLD[0]}._domainkey.{NAME}"] = Status.SERVFAIL
    before = world.snapshot()
    with pytest.raises(Undetermined, match="could not be read"):
        retire(world, world.by_hand)
    assert world.snapshot() == before


def test_a_publisher_that_fails_retires_nothing(world: World) -> None:
    world.setup()
    rotate(world)
    world.later(days=7)
    plan = asyncio.run(key_flow.propose_retirement(world.w, NAME, force=False))
    before = world.snapshot()
    world.publisher.fault = PublishError("the provider is down")
    with pytest.raises(PublishError):
        asyncio.run(key_flow.retire(world.w, plan))
    assert world.snapshot() == before
    assert retire(world) == OLD


def test_only_our_value_is_taken_out(world: World) -> None:
    world.setup()
    rotate(world)
    world.later(days=7)
    theirs = Record(f"{OLD[0]}._domainkey.{NAME}", "TXT", "v=DKIM1; p=", 3600)
    world.publisher.zones[NAME].add(theirs)
    assert retire(world) == OLD
    assert [r for r in world.publisher.zones[NAME] if r.name.startswith(OLD)] == [theirs]


def test_a_retirement_of_what_is_gone_already_is_remembered(world: World) -> None:
    world.setup()
    rotate(world)
    world.later(days=7)
    zone = world.publisher.zones[NAME]
    zone.difference_update({r for r in zone if r.name.startswith(OLD)})
    applied = len(world.publisher.applied)
    assert retire(world) == OLD
    assert world.states() == RETIRED
    assert len(world.publisher.applied) == applied


def test_another_rotation_after_the_first_was_retired(world: World) -> None:
    world.setup()
    for number in range(2, 5):
        world.later(days=8)
        rotate(world)
        world.later(days=8)
        assert len(retire(world)) == 2
        assert sorted(world.states().values()) == ["active"] * 2 + ["retired"] * 2 * (number - 1)
        assert len(published(world)) == len(world.keys.held) == 2
        assert world.prove(world.propose()).holds


def test_keys_of_a_suspended_tenant_can_be_retired(world: World) -> None:
    """Taking a key away is what one may want to do with a suspended tenant; making a new one is not."""
    world.setup()
    rotate(world)
    world.later(days=7)
    world.store.tenants.suspend("default")
    assert retire(world) == OLD
    with pytest.raises(BadInput, match="cannot be set up"):
        propose(world)


# Delegated --------------------------------------------------------------------------------------------------------

CNAMES = {(f"mc{n}._domainkey.{NAME}", f"mc{n}.{NAME}.{HOUSE}") for n in (1, 2)}


def keys_in_house(world: World) -> dict[str, str]:
    return {r.name.partition(".")[0]: r.value for r in world.publisher.zones[HOUSE]}


def assert_delegated(world: World, selector: str) -> None:
    """One RSA key signs at `selector`, and file, row and record are the same key."""
    assert {s for s, state in world.states().items() if state == "active"} == {selector}
    row = next(k for k in world.store.keys.list(world.store.domains.need(NAME)) if k.selector == selector)
    assert row.algorithm == "rsa"
    text = dkim.public_text(world.keys.read(NAME, selector))
    assert text == row.public_text == keys_in_house(world)[selector]
    assert world.prove(world.propose()).holds
    assert world.propose().empty


def test_a_delegated_domain_needs_its_cnames_once_and_never_again(world: World) -> None:
    assert world.setup(delegated=True).holds
    zone = set(world.publisher.zones[NAME])
    assert {(r.name, r.value) for r in zone if r.rdtype == "CNAME"} == CNAMES
    assert_delegated(world, "mc1")
    made = {dkim.public_text(world.keys.read(NAME, "mc1"))}
    for turn, selector in enumerate(("mc2", "mc1", "mc2", "mc1")):
        old = "mc1" if selector == "mc2" else "mc2"
        rotate(world)
        assert_delegated(world, selector)
        assert world.states() == {old: "retiring", selector: "active"}
        assert keys_in_house(world).keys() == {"mc1", "mc2"}
        made.add(keys_in_house(world)[selector])
        assert len(made) == turn + 2
        world.later(days=7)
        assert retire(world) == (old,)
        assert keys_in_house(world).keys() == {selector}
        assert_delegated(world, selector)
        world.later(hours=1)
    assert world.publisher.zones[NAME] == zone


def test_a_slot_is_not_used_again_while_resolvers_may_hold_its_old_key(world: World) -> None:
    """They would check new signatures with it, for as long as its TTL says."""
    world.setup(delegated=True)
    rotate(world)
    retire(world, force=True)
    before = world.snapshot()
    with pytest.raises(Refused, match="no selector is free") as caught:
        propose(world)
    assert "dns.ttl" in caught.value.hint
    assert world.snapshot() == before
    world.later(seconds=world.w.settings.dns.ttl)
    rotate(world)
    assert_delegated(world, "mc1")


@pytest.mark.parametrize("step", ["publishing", "waiting", "signing"])
def test_a_delegated_rotation_that_dies_is_taken_up(world: World, step: str) -> None:
    world.setup(delegated=True)
    for _ in range(2):
        with pytest.raises(Stopped):
            rotate(world, stop_at=step)
        rotate(world)
        world.later(days=8)
        retire(world)
        world.later(days=1)
    assert_delegated(world, "mc1")


def test_the_client_adds_the_cnames_by_hand(world: World) -> None:
    """The house publishes by its interface; the client's zone is not in it."""
    proposal = world.propose(world.by_hand, delegated=True)
    with pytest.raises(Undetermined) as caught:
        world.carry_out(proposal, world.by_hand)
    assert any("mc1._domainkey" in line for line in caught.value.details)
    again = world.propose(world.by_hand)
    assert again.domain.delegation_zone == HOUSE
    world.publish_by_hand(again)
    world.carry_out(again, world.by_hand)
    assert_delegated(world, "mc1")


def lose_zone(world: World) -> set[Record]:
    """The domain's zone is with somebody else from now on; what it holds."""
    theirs = world.publisher.zones.pop(NAME)
    world.dns.elsewhere += tuple(theirs)
    world.dns.foreign_zones = (NAME,)
    return theirs


def test_a_clients_zone_that_the_publisher_does_not_hold_is_the_clients_to_write(world: World) -> None:
    """The house publishes its keys by its own interface; the client adds the two CNAMEs, once."""
    theirs = lose_zone(world)
    proposal = world.propose(delegated=True)
    assert {change.name for change in proposal.by_hand} >= {name for name, _ in CNAMES}
    with pytest.raises(Undetermined):
        world.carry_out(proposal)
    assert keys_in_house(world).keys() == {"mc1"}
    world.dns.elsewhere += records_of(world.propose().by_hand)
    world.dns.elsewhere = tuple(r for r in world.dns.elsewhere if r not in theirs or "spf1" not in r.value)
    world.carry_out(world.propose())
    assert_delegated(world, "mc1")
    rotate(world)
    assert_delegated(world, "mc2")


def test_a_zone_that_cannot_be_listed_is_an_error_where_the_keys_are_at_home(world: World) -> None:
    lose_zone(world)
    with pytest.raises(PublishError):
        world.propose()


def test_a_domain_that_becomes_delegated_keeps_its_key_until_it_is_rotated(world: World) -> None:
    world.setup()
    assert world.setup(delegated=True).holds
    assert world.states() == dict.fromkeys(OLD, "active")
    assert published(world) == set(OLD)
    assert world.publisher.zones[HOUSE] == set()
    rotate(world)
    assert world.states() == {**dict.fromkeys(OLD, "retiring"), "mc1": "active"}
    assert world.prove(world.propose()).holds
    world.later(days=7)
    assert retire(world) == OLD
    assert published(world) == set()
    assert_delegated(world, "mc1")


def test_a_delegation_wants_a_zone_of_ours(make: Callable[..., World]) -> None:
    world = make(dkim={})
    with pytest.raises(BadInput) as caught:
        world.setup(delegated=True)
    assert any("dkim.delegation_zone" in line for line in caught.value.details)


def test_a_rotation_on_a_host_that_refuses_keeps_the_old_pair(make: Callable[..., World]) -> None:
    host = bare_host(name=HOST)
    world = make(machine=host)
    world.setup(host=True)
    proposal = propose(world, host=True)

    def full(change: str) -> None:
        if change.startswith(("write /etc/opendkim", "rename /etc/opendkim", "write /etc/dkimkeys")):
            raise OSError(28, "No space left on device")

    host.fault = full
    with pytest.raises(MailctlError):
        world.carry_out(proposal)
    assert {world.states()[selector] for selector in OLD} == {"active"}
    assert signing(world) == set(OLD)
    host.fault = lambda _: None
    world.carry_out(propose(world, host=True))
    assert world.states() == ROTATED
    assert signing(world) == set(NEW)
