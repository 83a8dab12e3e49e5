"""The life of DKIM keys: the next step as a table, and a machine that looks for an order in which it goes wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mailctl.domains.desired import DELEGATED_SLOTS
from mailctl.domains.rotation import Next, Step, new_selectors, next_step
from mailctl.store.tables import KeyState

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OVERLAP = timedelta(days=7)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Key:
    selector: str
    state: str
    retiring_at: datetime | None = None


def retiring(selector: str, days_ago: float) -> Key:
    return Key(selector, "retiring", NOW - days_ago * DAY)


TABLE = [
    # keys, rotate, what is next
    ([], False, Next(Step.CREATE)),
    ([], True, Next(Step.CREATE)),
    ([Key("old", "retired", NOW)], False, Next(Step.CREATE)),
    ([Key("a", "planned")], False, Next(Step.PUBLISH, ("a",))),
    ([Key("a", "planned")], True, Next(Step.PUBLISH, ("a",))),
    ([Key("a", "published"), Key("b", "published")], False, Next(Step.ACTIVATE, ("a", "b"))),
    ([Key("a", "published"), Key("b", "planned")], False, Next(Step.PUBLISH, ("b",))),
    ([Key("a", "active")], False, Next(Step.DONE)),
    ([Key("a", "active")], True, Next(Step.CREATE)),
    ([Key("a", "active"), Key("b", "planned")], True, Next(Step.PUBLISH, ("b",))),
    ([Key("a", "active"), Key("b", "published")], True, Next(Step.ACTIVATE, ("b",))),
    ([retiring("a", 0), Key("b", "active")], False, Next(Step.OVERLAP, ("a",), NOW + OVERLAP)),
    ([retiring("a", 0), Key("b", "active")], True, Next(Step.OVERLAP, ("a",), NOW + OVERLAP)),
    ([retiring("a", 6.999), Key("b", "active")], True, Next(Step.OVERLAP, ("a",), NOW + 0.001 * DAY)),
    ([retiring("a", 7), Key("b", "active")], False, Next(Step.RETIRE, ("a",))),
    ([retiring("a", 7), Key("b", "active")], True, Next(Step.RETIRE, ("a",))),
    ([retiring("a", 8), retiring("b", 1), Key("c", "active")], False, Next(Step.RETIRE, ("a",))),
    (
        [retiring("a", 1), retiring("b", 3), Key("c", "active")],
        False,
        Next(Step.OVERLAP, ("a", "b"), NOW + 6 * DAY),
    ),
    ([retiring("a", 1)], False, Next(Step.CREATE)),
]


@pytest.mark.parametrize(("keys", "rotate", "expected"), TABLE)
def test_the_next_step(keys: list[Key], rotate: bool, expected: Next) -> None:
    assert next_step(keys, now=NOW, overlap=OVERLAP, rotate=rotate) == expected
    assert next_step(reversed(keys), now=NOW, overlap=OVERLAP, rotate=rotate).step is expected.step


TODAY = date(2026, 11, 24)
PAIR = {"mc20261124-rsa": "rsa", "mc20261124-ed": "ed25519"}
SECOND = {"mc20261124b-rsa": "rsa", "mc20261124b-ed": "ed25519"}
SELECTORS = [
    ((), (), False, PAIR),
    (("mc20261123-rsa", "mc20261123-ed"), (), False, PAIR),
    (PAIR, (), False, SECOND),
    (("mc20261124-rsa",), (), False, SECOND),  # half a pair is taken, so the pair is
    ((*PAIR, *SECOND), (), False, {"mc20261124c-rsa": "rsa", "mc20261124c-ed": "ed25519"}),
    ((), (), True, {"mc1": "rsa"}),
    (("mc1",), ("mc1",), True, {"mc2": "rsa"}),
    (("mc1", "mc2"), ("mc2",), True, {"mc1": "rsa"}),
    (("mc20261101-rsa",), ("mc20261101-rsa",), True, {"mc1": "rsa"}),
]


@pytest.mark.parametrize(("used", "held", "delegated", "expected"), SELECTORS)
def test_new_selectors(
    used: Iterable[str], held: Iterable[str], delegated: bool, expected: dict[str, str]
) -> None:
    assert new_selectors(set(used), set(held), TODAY, delegated=delegated) == expected


def test_two_keys_at_the_delegated_selectors_leave_none() -> None:
    with pytest.raises(ValueError, match="both delegated selectors"):
        new_selectors(set(DELEGATED_SLOTS), set(DELEGATED_SLOTS), TODAY, delegated=True)


def test_a_day_has_26_rotations() -> None:
    used: set[str] = set()
    for _ in range(26):
        pair = new_selectors(used, used, TODAY, delegated=False)
        assert not used & pair.keys()
        used |= pair.keys()
    with pytest.raises(ValueError, match="wait until tomorrow"):
        new_selectors(used, used, TODAY, delegated=False)


ORDER = [state.value for state in KeyState]


class Rotations(RuleBasedStateMachine):
    """Rotations, delegated or not, interrupted anywhere, at any pace."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, Key] = {}
        self.now = NOW
        self.delegated = False
        self.ever_active = False

    @precondition(lambda self: not self.keys)
    @rule(delegated=st.booleans())
    def choose(self, delegated: bool) -> None:
        self.delegated = delegated

    @rule(hours=st.sampled_from([1, 30, 100, 24 * 8]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(rotate=st.booleans(), interrupted=st.booleans())
    def take_a_step(self, rotate: bool, interrupted: bool) -> None:
        found = next_step(tuple(self.keys.values()), now=self.now, overlap=OVERLAP, rotate=rotate)
        if interrupted:
            return  # whatever was begun, the store does not say so: the same step again
        match found.step:
            case Step.CREATE:
                self.create()
            case Step.PUBLISH:
                self.enter("published", found.selectors)
            case Step.ACTIVATE:
                before = [key.selector for key in self.keys.values() if key.state == "active"]
                self.enter("active", found.selectors)
                self.enter("retiring", before)
                self.ever_active = True
            case Step.RETIRE:
                for selector in found.selectors:
                    since = self.keys[selector].retiring_at
                    assert since is not None
                    assert self.now - since >= OVERLAP
                self.enter("retired", found.selectors)
            case Step.OVERLAP:
                assert found.until is not None
                assert found.until > self.now
            case Step.DONE:
                assert not rotate
                assert {key.state for key in self.keys.values()} <= {"active", "retired"}

    def create(self) -> None:
        living = {key.selector for key in self.keys.values() if key.state != "retired"}
        pair = new_selectors(self.keys.keys(), living, self.now.date(), delegated=self.delegated)
        assert not living & pair.keys()
        for selector in pair:
            self.keys[selector] = Key(selector, "planned")

    def enter(self, state: str, selectors: Iterable[str]) -> None:
        for selector in selectors:
            key = self.keys[selector]
            assert ORDER.index(state) == ORDER.index(key.state) + 1
            since = self.now if state == "retiring" else key.retiring_at
            self.keys[selector] = replace(key, state=state, retiring_at=since)

    @invariant()
    def something_signs(self) -> None:
        assert not self.ever_active or any(key.state == "active" for key in self.keys.values())

    @invariant()
    def no_more_than_two_generations_live(self) -> None:
        states = [key.state for key in self.keys.values() if key.state != "retired"]
        assert len(states) <= (2 if self.delegated else 4)

    def teardown(self) -> None:
        """Left alone, and given time, every rotation comes to its end."""
        for _ in range(10):
            self.take_a_step(rotate=False, interrupted=False)
            self.now += OVERLAP
        assert next_step(tuple(self.keys.values()), now=self.now, overlap=OVERLAP) == Next(Step.DONE)


TestRotations = Rotations.TestCase
TestRotations.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
