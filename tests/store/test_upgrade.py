"""Upgrades: one after another, two at once, killed at every point, on a full disk; and what is refused."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mailctl.errors import BadInput, HostCannot, Refused
from mailctl.store import open_store
from mailctl.store.database import make_engine, parse_url
from mailctl.store.tables import Table
from mailctl.store.upgrade import OURS, Migrations, Standing, State, standing, upgrade

UPGRADE = """
import sys
from pathlib import Path
from mailctl.store.upgrade import Migrations, upgrade
print(*upgrade(sys.argv[1], line=Migrations(sys.argv[2], tuple(map(Path, sys.argv[3:])))))
"""


def start_upgrade(url: str, line: Migrations, failpoint: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", UPGRADE, url, line.head, *map(str, line.folders)],
        env={**os.environ, "MAILCTL_FAILPOINT": failpoint},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def content(url: str) -> dict[str, list[Any]]:
    """Every row of every table."""
    engine = make_engine(parse_url(url))
    with engine.connect() as connection:
        tables = sorted(sa.inspect(connection).get_table_names())
        return {
            name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}").all()))
            for name in tables
        }


@pytest.fixture
def filled(url: str) -> str:
    """A database at today's head, with something in it."""
    with open_store(url) as store:
        store.tenants.add("acme")
        store.keys.add(store.domains.add("acme", "example.org"), "s1", "rsa", "v=DKIM1; p=x")
    return url


def test_head_is_the_last_migration() -> None:
    scripts = ScriptDirectory.from_config(OURS.config())
    assert scripts.get_heads() == [OURS.head]


def test_the_migrations_make_the_tables(url: str) -> None:
    assert upgrade(url) == ("0001",)
    with make_engine(parse_url(url)).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_from_nothing_to_head_and_on(url: str, tomorrow: Migrations) -> None:
    assert standing(url) == Standing(State.ABSENT, None, "0001", ("0001",))
    assert upgrade(url) == ("0001",)
    assert upgrade(url) == ()
    assert standing(url) == Standing(State.CURRENT, "0001", "0001")
    with open_store(url) as store:
        store.tenants.add("acme")
    assert standing(url, line=tomorrow) == Standing(State.BEHIND, "0001", "test2", ("test1", "test2"))
    assert upgrade(url, line=tomorrow) == ("test1", "test2")
    assert "was acme" in content(url)["tenant"][0]


def test_standing_makes_nothing(sqlite_url: str, tmp_path: Path) -> None:
    assert standing(sqlite_url).state is State.ABSENT
    assert list(tmp_path.iterdir()) == []


def test_a_newer_database_is_refused(filled: str, tomorrow: Migrations) -> None:
    upgrade(filled, line=tomorrow)
    before = content(filled)
    assert standing(filled).state is State.NEWER
    for call in (open_store, upgrade):
        with pytest.raises(
            Refused, match=r"written by a newer mailctl: it is at revision test2, and mailctl \d"
        ):
            call(filled)
    assert content(filled) == before


def test_a_database_of_another_program_is_refused(url: str) -> None:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir()
    with make_engine(parse_url(url)).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id INTEGER)")
    assert standing(url).state is State.FOREIGN
    for call in (open_store, upgrade):
        with pytest.raises(Refused, match="tables of another program"):
            call(url)
    assert content(url) == {"orders": []}


@pytest.mark.server
def test_open_refuses_a_postgres_that_is_behind(postgres_url: str, tomorrow: Migrations) -> None:
    upgrade(postgres_url)
    with pytest.raises(Refused, match="at revision 0001, and this mailctl works on test2") as caught:
        open_store(postgres_url, line=tomorrow)
    assert "mailctl db upgrade" in caught.value.hint
    assert standing(postgres_url).state is State.CURRENT


def test_open_upgrades_a_sqlite_that_is_behind(sqlite_url: str, tomorrow: Migrations) -> None:
    with open_store(sqlite_url) as store:
        store.tenants.add("acme")
    with open_store(sqlite_url, line=tomorrow):
        assert standing(sqlite_url, line=tomorrow).state is State.CURRENT


def test_two_at_once(filled: str, tomorrow: Migrations) -> None:
    running = [start_upgrade(filled, tomorrow) for _ in range(4)]
    done = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * 4, done
    assert sorted(out.split() for out, _ in done) == [[], [], [], ["test1", "test2"]]
    assert standing(filled, line=tomorrow).state is State.CURRENT


def test_two_make_a_new_database_at_once(url: str) -> None:
    running = [start_upgrade(url, OURS) for _ in range(4)]
    done = [process.communicate() for process in running]
    assert sorted(out.split() for out, _ in done) == [[], [], [], ["0001"]], done


BOTH = ["upgrade.locked", "upgrade.step:1", "upgrade.step:2", "upgrade.migrated"]
FILE = ["upgrade.still", "upgrade.copied", "upgrade.checked", "upgrade.swapped"]


def kill_and_rerun(url: str, line: Migrations, point: str) -> tuple[dict[str, list[Any]], Standing]:
    """Kill an upgrade at `point`; what was there then, and where it stands."""
    process = start_upgrade(url, line, point)
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    between = content(url), standing(url, line=line)
    upgrade(url, line=line)
    assert standing(url, line=line).state is State.CURRENT
    assert "was acme" in content(url)["tenant"][0]
    assert len(content(url)["dkim_key"]) == 1
    return between


@pytest.mark.parametrize("point", BOTH)
def test_killed_in_the_middle(filled: str, tomorrow: Migrations, point: str) -> None:
    before = content(filled)
    after, found = kill_and_rerun(filled, tomorrow, point)
    assert (after, found.revision) == (before, "0001")


@pytest.mark.parametrize("point", FILE)
def test_a_file_killed_in_the_middle(sqlite_url: str, tomorrow: Migrations, point: str) -> None:
    with open_store(sqlite_url) as store:
        store.tenants.add("acme")
        store.keys.add(store.domains.add("acme", "example.org"), "s1", "rsa", "v=DKIM1; p=x")
    before = content(sqlite_url)
    after, found = kill_and_rerun(sqlite_url, tomorrow, point)
    assert (found.revision == "test2") == (point == "upgrade.swapped")
    assert (after == before) == (point != "upgrade.swapped")
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert {path.name for path in folder.iterdir()} <= {
        "mailctl.db",
        "mailctl.db.lock",
        "mailctl.db-wal",
        "mailctl.db-shm",
    }


@pytest.mark.parametrize("point", [*BOTH[:2], BOTH[3]])
def test_killed_while_making_a_new_one(url: str, point: str) -> None:
    process = start_upgrade(url, OURS, point)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    with open_store(url) as store:
        store.tenants.add("acme")
    assert standing(url).state is State.CURRENT


def test_writes_that_are_only_in_the_wal_survive(sqlite_url: str, tomorrow: Migrations) -> None:
    with open_store(sqlite_url) as store:
        store.tenants.add("acme")
    script = (
        "import os, sqlite3, sys; from mailctl.store import open_store;"
        "store = open_store(sys.argv[1]);"
        "keep = sqlite3.connect(sys.argv[1].removeprefix('sqlite:///'));"
        "keep.execute('SELECT * FROM tenant').fetchall();"  # so that closing checkpoints nothing
        "store.tenants.add('late'); store.tenants.add('later'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, sqlite_url], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert Path(sqlite_url.removeprefix("sqlite:///") + "-wal").stat().st_size > 0
    upgrade(sqlite_url, line=tomorrow)
    rows = content(sqlite_url)["tenant"]
    assert [name for name in ("acme", "late", "later") if any(f"was {name}'" in row for row in rows)] == [
        "acme",
        "late",
        "later",
    ]


def test_an_open_store_keeps_upgrades_away(sqlite_url: str, tomorrow: Migrations) -> None:
    with open_store(sqlite_url) as store:
        for call in (upgrade, open_store):
            with pytest.raises(Refused, match="in use by another mailctl"):
                call(sqlite_url, line=tomorrow, patience=0.1)
        store.tenants.add("acme")  # and goes on unharmed
    assert upgrade(sqlite_url, line=tomorrow) == ("test1", "test2")


def test_a_program_that_does_not_know_the_lock_is_noticed(sqlite_url: str, tomorrow: Migrations) -> None:
    with open_store(sqlite_url):
        pass
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    try:
        other.execute("SELECT * FROM tenant").fetchall()
        with pytest.raises(HostCannot, match="another program keeps it locked"):
            upgrade(sqlite_url, line=tomorrow)
        assert other.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    finally:
        other.close()
    assert upgrade(sqlite_url, line=tomorrow) == ("test1", "test2")


def test_files_are_private_and_in_wal(sqlite_url: str) -> None:
    old = os.umask(0o000)
    try:
        with open_store(sqlite_url) as store:
            store.tenants.add("acme")
            folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    finally:
        os.umask(old)
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}
    with sqlite3.connect(folder / "mailctl.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_connection_of_the_store_is_durable_and_checks_foreign_keys(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store, store._engine.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "foreign_keys", "journal_mode", "busy_timeout")
        ]
    assert pragmas == [2, 1, "wal", 10000]


def test_a_restored_copy_that_is_not_in_wal_is_put_right(sqlite_url: str) -> None:
    with open_store(sqlite_url) as store:
        store.tenants.add("acme")
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    with open_store(sqlite_url) as store, store._engine.connect() as reader:
        assert reader.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert [tenant.name for tenant in store.tenants.list()] == ["acme"]


def test_a_symbolic_link_stays_one(sqlite_url: str, tmp_path: Path, tomorrow: Migrations) -> None:
    with open_store(sqlite_url):
        pass
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_url.removeprefix("sqlite:///"))
    upgrade(f"sqlite:///{link}", line=tomorrow)
    assert link.is_symlink()
    assert standing(sqlite_url, line=tomorrow).state is State.CURRENT


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_leaves_the_files_to_their_owner(sqlite_url: str, tmp_path: Path, tomorrow: Migrations) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12346)
    with open_store(sqlite_url):
        pass
    upgrade(sqlite_url, line=tomorrow)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.iterdir()} == {(12345, 12346)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nothing be mounted")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Take all the room on a disk but `leave` bytes."""
    path = disk / "filling"
    room = os.statvfs(disk)
    path.write_bytes(b"x" * max(room.f_bavail * room.f_frsize - leave, 0))
    return path


@pytest.mark.root
@pytest.mark.parametrize("leave", [0, 20_000, 70_000])
def test_a_full_disk_leaves_the_database_as_it_was(
    small_disk: Path, tomorrow: Migrations, leave: int
) -> None:
    url = f"sqlite:///{small_disk}/state/mailctl.db"
    with open_store(url) as store:
        store.tenants.add("acme")
    before = content(url)
    filling = fill(small_disk, leave)
    with pytest.raises(HostCannot) as caught:
        upgrade(url, line=tomorrow)
    assert "df -h" in caught.value.hint
    filling.unlink()  # a full disk has no room for WAL's -shm either, so nothing can be read until now
    assert content(url) == before
    assert upgrade(url, line=tomorrow) == ("test1", "test2")


@pytest.mark.root
def test_a_full_disk_when_there_is_no_database_yet(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/state/mailctl.db"
    filling = fill(small_disk, 20_000)
    with pytest.raises(HostCannot):
        open_store(url)
    filling.unlink()
    assert standing(url).state is State.ABSENT
    with open_store(url) as store:
        assert store.tenants.list() == ()


@pytest.mark.root
def test_a_full_disk_loses_no_row(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/state/mailctl.db"
    with open_store(url) as store:
        store.tenants.add("acme")
        filling = fill(small_disk, 0)
        with pytest.raises(HostCannot, match=r"cannot be used: the disk is full|disk failed"):
            for number in range(1000):
                store.tenants.add(f"tenant{number}")
        filling.unlink()
        count = len(store.tenants.list())
        store.tenants.add("again")
        assert len(store.tenants.list()) == count + 1


def test_a_file_size_limit_is_a_full_disk_for_everybody(sqlite_url: str, tomorrow: Migrations) -> None:
    """The same as on a full disk, without root: RLIMIT_FSIZE."""
    with open_store(sqlite_url) as store:
        store.tenants.add("acme")
    before = content(sqlite_url)
    limited = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))"
    done = subprocess.run(
        [sys.executable, "-c", limited + UPGRADE, sqlite_url, tomorrow.head, *map(str, tomorrow.folders)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "mailctl.errors.HostCannot: the database" in done.stderr
    assert content(sqlite_url) == before
    assert upgrade(sqlite_url, line=tomorrow) == ("test1", "test2")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("mysql://h/x", "must be sqlite or postgresql, not mysql"),
        ("nonsense", "not a database URL"),
    ],
)
def test_other_urls(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        open_store(url)


def test_a_file_that_is_no_database(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.parent.mkdir()
    path.write_text("not a database " * 100)
    for call in (open_store, upgrade, standing):
        with pytest.raises(HostCannot, match="not a SQLite database"):
            call(sqlite_url)
    assert path.read_text() == "not a database " * 100


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostCannot, match=r"cannot be written: (Not a directory|File exists)"):
        open_store(f"sqlite:///{tmp_path}/file/mailctl.db")


@pytest.mark.server
def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    for call in (open_store, upgrade, standing):
        with pytest.raises(HostCannot, match="the connection failed") as caught:
            call(f"postgresql://mailctl:hunter2@/mailctl?host={tmp_path}")
        assert "hunter2" not in "".join((caught.value.message, caught.value.hint, *caught.value.details))


def test_psycopg_that_is_not_installed() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None; from mailctl.store import open_store;"
        "open_store('postgresql://db/mailctl')"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert (
        "mailctl.errors.HostCannot: a PostgreSQL database needs psycopg, which is not installed"
        in done.stderr
    )
