"""Bringing a database to the revision that this mailctl works on, and saying where it stands.

Promise: two upgrades at once, or a kill at any moment, leave a database that a rerun brings to head.
SQLite: an exclusive lock on `FILE.lock` (every open store holds it shared), the file copied with SQLite's
backup API, the copy migrated and checked, then renamed over the original; the original is not written to.
PostgreSQL: an advisory lock, and one transaction for all migrations. A database that a newer mailctl wrote,
or that is somebody else's, is refused.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from mailctl import __version__
from mailctl.errors import HostCannot, Refused
from mailctl.failpoints import failpoint
from mailctl.store import migrations as ours
from mailctl.store.database import (
    WRITES,
    FileLock,
    cannot_write,
    describe,
    make_engine,
    make_private_file,
    parse_url,
    plain_errors,
    sqlite_path,
    sync_folder,
)

if TYPE_CHECKING:
    from alembic.config import Config

PATIENCE = 30.0  # seconds to wait for another mailctl that uses or upgrades the database
_ADVISORY_KEY = 0x6D61696C63746C  # "mailctl": the number that all upgrades of a PostgreSQL database lock


@dataclass(frozen=True)
class Migrations:
    """A line of migrations: the newest revision, and the folders that hold its files."""

    head: str = ours.HEAD
    folders: tuple[Path, ...] = field(default=(Path(ours.__file__).parent / "versions",))

    def config(self) -> "Config":
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", _quoted(Path(ours.__file__).parent))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(_quoted(path) for path in self.folders))
        return config

    def after(self, revision: str | None) -> tuple[str, ...] | None:
        """What is still to do from `revision`, oldest first; None if this line does not know it."""
        from alembic.script import ScriptDirectory

        steps = [s.revision for s in ScriptDirectory.from_config(self.config()).walk_revisions()][::-1]
        if revision is None:
            return tuple(steps)
        return tuple(steps[steps.index(revision) + 1 :]) if revision in steps else None


OURS = Migrations()


class State(StrEnum):
    """How a database stands to this mailctl."""

    ABSENT = "absent"  # not there, or empty
    BEHIND = "behind"
    CURRENT = "current"
    NEWER = "newer"  # at a revision that this mailctl does not know
    FOREIGN = "foreign"  # holds tables, and none of them is ours


@dataclass(frozen=True)
class Standing:
    """Where a database stands: its revision, ours, and the migrations between them."""

    state: State
    revision: str | None
    head: str
    pending: tuple[str, ...] = ()


def standing(url: str, *, line: Migrations = OURS) -> Standing:
    """Where the database stands. Makes nothing. Raises HostCannot when it cannot be read."""
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    with plain_errors(parsed):
        if path is not None and not path.exists():
            return Standing(State.ABSENT, None, line.head, line.after(None) or ())
        with make_engine(parsed).execution_options(**{WRITES: False}).connect() as connection:
            return _standing(connection, line)


def upgrade(url: str, *, line: Migrations = OURS, patience: float = PATIENCE) -> tuple[str, ...]:
    """Bring the database to head, made if it is not there; the revisions that were applied.

    Waits `patience` seconds for others, then raises Refused; HostCannot when the disk, the rights or the
    server do not allow it, and the database is then as it was.
    """
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is None:
        return _upgrade_postgres(parsed, line, patience)
    with closing(FileLock(path)) as lock:
        lock.own(patience)
        return upgrade_file(parsed, path, line)


def file_is_ready(url: sa.URL, path: Path, line: Migrations) -> bool:
    """Whether a SQLite file can be worked on as it is. Raises Refused if it is not ours to change."""
    if not path.exists():
        return False
    with plain_errors(url), make_engine(url).execution_options(**{WRITES: False}).connect() as connection:
        found = _standing(connection, line)
        must_be_usable(found, url)
        # A copy that somebody restored need not be in WAL.
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
        return found.state is State.CURRENT and journal == "wal"


def must_be_usable(found: Standing, url: sa.URL) -> None:
    """Raise Refused for a database that is not ours to change."""
    if found.state is State.NEWER:
        raise Refused(
            f"{describe(url)} was written by a newer mailctl: it is at revision {found.revision}, "
            f"and mailctl {__version__} knows them up to {found.head}",
            hint="install the newer mailctl again, or restore the backup from before its upgrade",
        )
    if found.state is State.FOREIGN:
        raise Refused(
            f"{describe(url)} holds tables of another program", hint="name an empty database in store.url"
        )


def upgrade_file(url: sa.URL, path: Path, line: Migrations) -> tuple[str, ...]:
    """The upgrade of a SQLite file whose lock the caller owns."""
    failpoint("upgrade.locked")
    if file_is_ready(url, path, line):
        return ()
    copy = path.with_name(f"{path.name}.upgrading")
    _discard(copy)  # what a kill left
    with plain_errors(url), _kept_still(path) as original:
        try:
            make_private_file(copy, like=path)
            if original is not None:
                with closing(sqlite3.connect(copy)) as target:
                    original.backup(target)
            failpoint("upgrade.copied")
            applied = _migrate_copy(url, copy, line)
            _swap(copy, path)
        except OSError as error:
            _discard(copy)
            raise cannot_write(path, error) from error
        except BaseException:
            _discard(copy)
            raise
    return applied


@contextmanager
def _kept_still(path: Path) -> Iterator[sqlite3.Connection | None]:
    """The original in one piece, with everybody kept out, also programs that do not know our lock.

    Leaving WAL writes all of it into the file and deletes -wal and -shm, which a renamed copy must not find;
    it fails while anybody else has the file open.
    """
    if not path.exists():
        yield None
        return
    with closing(sqlite3.connect(path, isolation_level=None, timeout=2)) as original:
        original.execute("PRAGMA journal_mode=DELETE")
        # Keeps the lock of the file when the transaction is over: SQLite copies nothing out of a transaction
        # that could write, and Python's backup() would then wait for ever.
        original.execute("PRAGMA locking_mode=EXCLUSIVE")
        original.execute("BEGIN EXCLUSIVE")
        original.execute("COMMIT")
        failpoint("upgrade.still")
        yield original


def _migrate_copy(url: sa.URL, copy: Path, line: Migrations) -> tuple[str, ...]:
    engine = make_engine(url, path=copy)
    # Making a table again, as SQLite must to alter one, would else delete the rows that point at it.
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=OFF"))
    with engine.begin() as connection:
        applied = _migrate(connection, url, line)
    failpoint("upgrade.migrated")
    with closing(sqlite3.connect(copy)) as checked:
        damage = [row[0] for row in checked.execute("PRAGMA integrity_check") if row[0] != "ok"]
        orphans = [
            f"a row of {row[0]} points at no {row[2]}" for row in checked.execute("PRAGMA foreign_key_check")
        ]
        if damage or orphans:
            raise HostCannot(
                f"{describe(url)} is damaged, and was left as it is",
                details=[*damage, *orphans],
                hint="restore it from a backup",
            )
        checked.execute("PRAGMA journal_mode=WAL")
    return applied


def _swap(copy: Path, path: Path) -> None:
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    failpoint("upgrade.checked")
    copy.replace(path)
    failpoint("upgrade.swapped")
    sync_folder(path.parent)


def _discard(copy: Path) -> None:
    for leftover in (copy, *(Path(f"{copy}{end}") for end in ("-journal", "-wal", "-shm"))):
        leftover.unlink(missing_ok=True)


def _upgrade_postgres(url: sa.URL, line: Migrations, patience: float) -> tuple[str, ...]:
    with plain_errors(url), make_engine(url).begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(patience * 1000)}")
        # Held until the transaction ends, so that a kill frees it together with undoing what was done.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_KEY)))
        failpoint("upgrade.locked")
        applied = _migrate(connection, url, line)
        failpoint("upgrade.migrated")
        return applied


def _migrate(connection: sa.Connection, url: sa.URL, line: Migrations) -> tuple[str, ...]:
    """Run what is pending inside the transaction of `connection`."""
    found = _standing(connection, line)
    must_be_usable(found, url)
    if found.pending:
        from alembic import command

        config = line.config()
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")
    return found.pending


def _standing(connection: sa.Connection, line: Migrations) -> Standing:
    tables = sa.inspect(connection).get_table_names()
    revision: Any = None
    if "alembic_version" in tables:
        revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    elif tables:
        return Standing(State.FOREIGN, None, line.head)
    if revision == line.head:
        return Standing(State.CURRENT, revision, line.head)
    pending = line.after(revision)
    if pending is None:
        return Standing(State.NEWER, revision, line.head)
    return Standing(State.BEHIND if revision else State.ABSENT, revision, line.head, pending)


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%%")  # Alembic's configuration interpolates
