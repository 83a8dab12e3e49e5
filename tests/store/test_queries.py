"""The store's calls, the same table on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from mailctl.errors import BadInput, Refused
from mailctl.store import Store, open_store
from mailctl.store.database import make_engine, parse_url
from mailctl.store.tables import DkimKey, KeyState, Tenant, TenantState, new_id

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url, clock=Clock()) as opened:
        yield opened


def test_tenants(store: Store) -> None:
    added = store.tenants.add("acme")
    assert (added.name, added.state, added.created_at) == (
        "acme",
        TenantState.ACTIVE,
        START + timedelta(seconds=1),
    )
    store.tenants.add("a")
    assert [tenant.name for tenant in store.tenants.list()] == ["a", "acme"]
    assert store.tenants.suspend("acme").state is TenantState.SUSPENDED
    assert store.tenants.need("acme") == store.tenants.get("acme") == store.tenants.suspend("acme")
    assert store.tenants.resume("acme").state is TenantState.ACTIVE
    assert store.tenants.remove("acme") == ()
    assert store.tenants.get("acme") is None


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "Acme", "a b", "a_b", "a\n", "a" * 64, "ä", "a/../b", "a;b", "$(a)", "{{a}}"]
)
def test_a_tenants_name_is_strict(sqlite_url: str, name: str) -> None:
    with open_store(sqlite_url) as store:
        with pytest.raises(BadInput, match="cannot be a tenant's name"):
            store.tenants.add(name)
        assert store.tenants.list() == ()


def test_what_is_there_already_is_refused(store: Store) -> None:
    store.tenants.add("acme")
    with pytest.raises(Refused, match="there is a tenant acme already"):
        store.tenants.add("acme")
    domain = store.domains.add("acme", "example.org")
    with pytest.raises(Refused, match=r"there is a domain example\.org already"):
        store.domains.add("acme", "EXAMPLE.org.")
    store.keys.add(domain, "s1", "rsa", "v=DKIM1; p=x")
    with pytest.raises(Refused, match="a key at the selector s1 already"):
        store.keys.add(domain, "S1", "ed25519", "v=DKIM1; k=ed25519; p=y")
    assert len(store.tenants.list()) == len(store.domains.list()) == len(store.keys.list(domain)) == 1


def test_what_is_missing_names_what_is_near(store: Store) -> None:
    store.tenants.add("acme")
    store.domains.add("acme", "example.org")
    with pytest.raises(BadInput, match="no tenant 'acne'") as caught:
        store.domains.add("acne", "example.net")
    assert caught.value.hint == "did you mean acme?"
    with pytest.raises(BadInput, match=r"no domain exmaple\.org") as caught:
        store.domains.set("exmaple.org", delegated=True)
    assert caught.value.hint == "did you mean example.org?"
    for call in (store.tenants.need, store.tenants.suspend, store.tenants.remove, store.domains.remove):
        with pytest.raises(BadInput):
            call("zzz.example.com")
    assert store.domains.get("zzz.example.com") is None


def test_domains(store: Store) -> None:
    store.tenants.add("acme")
    store.tenants.add("other")
    domain = store.domains.add(
        "acme", "Bücher.Example", hostname="Mail.example.org", dmarc_policy="quarantine"
    )
    assert (domain.name, domain.hostname, domain.dmarc_policy) == (
        "xn--bcher-kva.example",
        "mail.example.org",
        "quarantine",
    )
    assert (domain.delegated, domain.receives_mail) == (False, False)
    store.domains.add("other", "example.net", delegated=True, receives_mail=True)
    assert [found.name for found in store.domains.list()] == ["example.net", "xn--bcher-kva.example"]
    assert [found.name for found in store.domains.list("other")] == ["example.net"]
    changed = store.domains.set("bücher.example", delegated=True, dmarc_policy=None)
    assert changed == store.domains.get("xn--bcher-kva.example")
    assert (changed.delegated, changed.dmarc_policy, changed.hostname) == (True, None, "mail.example.org")
    with pytest.raises(TypeError, match="has no tenant_id to set"):
        store.domains.set("example.net", tenant_id=domain.id)


def test_a_domain_that_cannot_be_stored_has_every_reason(store: Store) -> None:
    store.tenants.add("acme")
    with pytest.raises(BadInput) as caught:
        store.domains.add("acme", "example.org", hostname="a_b", dmarc_policy="strict")
    assert len(caught.value.details) >= 2
    for name in (
        "a\nb.example",
        "co.uk",
        "-a.example",
        "x" * 64 + ".example",
        "$(id).example",
        "{{a}}.example",
    ):
        with pytest.raises(BadInput, match="cannot be a domain"):
            store.domains.add("acme", name)
    assert store.domains.list() == ()


def test_removing_takes_what_hangs_on_it(store: Store) -> None:
    store.tenants.add("acme")
    domain = store.domains.add("acme", "example.org")
    store.keys.add(domain, "s1", "rsa", "v=DKIM1; p=x")
    with pytest.raises(Refused, match="still has domains") as caught:
        store.tenants.remove("acme")
    assert caught.value.details == ("example.org",)
    assert store.tenants.remove("acme", force=True) == ("example.org",)
    assert (store.tenants.list(), store.domains.list(), store.keys.list(domain)) == ((), (), ())
    store.tenants.add("acme")
    again = store.domains.add("acme", "example.org")
    store.keys.add(again, "s1", "rsa", "v=DKIM1; p=x")
    store.domains.remove("example.org")
    assert (store.domains.list(), store.keys.list(again)) == ((), ())


def test_a_key_goes_forward_and_keeps_each_moment(store: Store) -> None:
    store.tenants.add("acme")
    domain = store.domains.add("acme", "example.org")
    first = store.keys.add(domain, "r2026", "rsa", "v=DKIM1; p=x")
    second = store.keys.add(domain.id, "e2026", "ed25519", "v=DKIM1; k=ed25519; p=y", state="published")
    assert store.keys.list(domain) == store.keys.list(domain.id) == (first, second)
    assert second.published_at == second.created_at
    before = first.created_at
    for state, stamp in [
        ("published", "published_at"),
        ("active", "activated_at"),
        ("retiring", "retiring_at"),
        ("retired", "retired_at"),
    ]:
        first = store.keys.set_state(first, state)
        assert first.state == state
        moment = getattr(first, stamp)
        assert moment > before
        assert store.keys.set_state(first.id, state) == first  # once more changes nothing
        before = moment
    for earlier in ("planned", "active"):
        with pytest.raises(Refused, match="cannot become"):
            store.keys.set_state(first, earlier)
    with pytest.raises(BadInput, match="not in the store"):
        store.keys.set_state(uuid4(), "active")
    with pytest.raises(ValueError, match="lost"):
        store.keys.set_state(second, "lost")
    with pytest.raises(BadInput, match="cannot be a selector"):
        store.keys.add(domain, "a b", "rsa", "v=DKIM1; p=x")


def test_a_retired_key_makes_room_at_its_selector(store: Store) -> None:
    store.tenants.add("acme")
    domain = store.domains.add("acme", "example.org")
    first = store.keys.add(domain, "mc1", "rsa", "v=DKIM1; p=old")
    for state in ("planned", "published", "active", "retiring"):
        store.keys.set_state(first, state)
        with pytest.raises(Refused, match="there is a key at the selector mc1 already"):
            store.keys.add(domain, "mc1", "rsa", "v=DKIM1; p=new")
    store.keys.set_state(first, "retired")
    other = store.keys.add(
        store.domains.add("acme", "example.net"), "mc1", "rsa", "v=DKIM1; p=other", "retired"
    )
    second = store.keys.add(domain, "mc1", "rsa", "v=DKIM1; p=new")
    assert store.keys.list(domain) == (second,)
    assert (second.state, second.retired_at) == (KeyState.PLANNED, None)
    assert store.keys.list(other.domain_id) == (other,)


def test_only_a_key_that_nobody_saw_or_needs_is_forgotten(store: Store) -> None:
    store.tenants.add("acme")
    domain = store.domains.add("acme", "example.org")
    planned = store.keys.add(domain, "mc1", "rsa", "v=DKIM1; p=x")
    store.keys.set_state(planned, "published")
    with pytest.raises(Refused, match="the key mc1 is published"):
        store.keys.remove(planned)  # the row that the caller holds is old
    store.keys.remove(store.keys.add(domain, "mc2", "rsa", "v=DKIM1; p=y"))
    store.keys.remove(store.keys.add(domain, "mc3", "rsa", "v=DKIM1; p=y", "retired"))
    assert [key.selector for key in store.keys.list(domain)] == ["mc1"]


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), store.transaction():
        store.tenants.add("acme")
        store.domains.add("acme", "example.org")
        raise RuntimeError("on purpose")
    assert store.tenants.list() == ()
    with store.transaction():
        store.tenants.add("acme")
        with pytest.raises(Refused):
            store.tenants.add("acme")  # does not spoil what came before
        store.domains.add("acme", "example.org")
    assert [domain.name for domain in store.domains.list("acme")] == ["example.org"]


def test_rows_stay_when_the_store_is_closed(url: str) -> None:
    with open_store(url) as store:
        store.tenants.add("acme")
        domain = store.domains.add("acme", "example.org")
    with open_store(url) as store:
        assert store.domains.get("example.org") == domain
    assert domain.name == "example.org"


def test_naive_times_are_refused(url: str) -> None:
    with open_store(url, clock=lambda: datetime(2026, 11, 24)) as store:  # noqa: DTZ001 - that is the point
        with pytest.raises(ValueError, match="a time without its zone cannot be stored: 2026-11-24T00:00:00"):
            store.tenants.add("acme")
        assert store.tenants.list() == ()
    engine = make_engine(parse_url(url))
    naive = Tenant(name="acme", created_at=datetime(2026, 11, 24))  # noqa: DTZ001
    with (
        Session(engine) as session,
        pytest.raises(sa.exc.StatementError, match="must have timezone information"),
    ):
        session.add(naive)
        session.flush()


def test_times_come_back_in_utc(url: str) -> None:
    berlin = timezone(timedelta(hours=1))
    with open_store(url, clock=lambda: datetime(2026, 11, 24, 12, tzinfo=berlin)) as store:
        store.tenants.add("acme")
        found = store.tenants.need("acme").created_at
    assert (found, found.tzinfo) == (datetime(2026, 11, 24, 11, tzinfo=UTC), UTC)


def test_enums_are_stored_as_their_words(url: str) -> None:
    with open_store(url) as store:
        store.tenants.add("acme")
        domain = store.domains.add("acme", "example.org", dmarc_policy="reject")
        store.keys.add(domain, "s1", "ed25519", "v=DKIM1; k=ed25519; p=x", state="retiring")
    with make_engine(parse_url(url)).connect() as connection:
        words = [
            connection.exec_driver_sql(f"SELECT {column} FROM {table}").scalar()
            for table, column in [
                ("tenant", "state"),
                ("domain", "dmarc_policy"),
                ("dkim_key", "state"),
                ("dkim_key", "algorithm"),
            ]
        ]
    assert words == ["active", "reject", "retiring", "ed25519"]


def test_ids_sort_by_age() -> None:
    ids = [new_id() for _ in range(3)]
    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
    assert [each.int >> 80 for each in ids] == sorted(each.int >> 80 for each in ids)
    assert len(set(ids)) == 3


def test_states_are_in_the_order_of_a_keys_life() -> None:
    stamps = [name for name in DkimKey.model_fields if name.endswith("_at")]
    assert len(stamps) == len(KeyState)
