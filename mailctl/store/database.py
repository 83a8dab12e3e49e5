"""One database by URL: its engine, its rights and locks, and what its errors mean.

Promise: SQLite runs in WAL with `synchronous=FULL` and foreign keys, a transaction that writes begins
IMMEDIATE (otherwise a read that turns into a write fails at once, whatever the timeout), and the file is
0600 in a folder of 0700. Who uses a SQLite file holds `FILE.lock` shared, who replaces it exclusively.
What a full disk, a read-only one or a silent server does becomes HostCannot, never a traceback.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from mailctl.errors import BadInput, HostCannot, Refused

BUSY_SECONDS = 10
WRITES = "mailctl_writes"  # the execution option of a transaction that will write

# SQLite's primary result codes (sqlite.org/rescode.html) that say something about this host.
_SQLITE = {
    sqlite3.SQLITE_FULL: ("the disk is full", "make room: df -h {folder}"),
    sqlite3.SQLITE_READONLY: ("it is read-only", "check the mount and the rights: ls -ld {folder}"),
    sqlite3.SQLITE_IOERR: ("reading or writing the disk failed", "look at: df -h {folder}; dmesg"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check the rights: ls -ld {folder}"),
    sqlite3.SQLITE_PERM: ("access is denied", "check the rights: ls -ld {folder}"),
    sqlite3.SQLITE_BUSY: ("another program keeps it locked", "end that program, and run this again"),
    sqlite3.SQLITE_NOTADB: ("it is not a SQLite database", "name another file in store.url"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "restore it from a backup"),
}
# PostgreSQL's SQLSTATE (appendix A of its manual), by class or in full.
_POSTGRES = {
    "53100": ("its disk is full", "make room on the database server"),
    "25006": ("it takes no writes", "name the primary server in store.url"),
    "42501": ("the user lacks the rights", "grant them: the user must own the database"),
    "55P03": ("another program keeps it locked", "end that program, and run this again"),
    "08": ("the connection failed", "check that the server runs and that store.url is right"),
    "28": ("the server refused the user or the password", "check store.url"),
    "3D": ("there is no such database", "make it: createdb NAME"),
    "53": ("the server has no room for more", "look at its connections, memory and disk"),
    "57P": ("the server is going down", "run this again when it is up"),
}


_URLS = "write it like sqlite:////var/lib/mailctl/mailctl.db or postgresql://mailctl@db.example/mailctl"


def parse_url(url: str) -> sa.URL:
    """The URL of a database mailctl can use. Raises BadInput, or HostCannot when psycopg is missing."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise BadInput("store.url is not a database URL", hint=_URLS) from error
    if parsed.drivername == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise BadInput("store.url must name a file: sqlite:///PATH", hint=_URLS)
        return parsed
    if parsed.drivername not in ("postgresql", "postgresql+psycopg"):
        raise BadInput(f"store.url must be sqlite or postgresql, not {parsed.drivername}", hint=_URLS)
    try:
        import psycopg  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise HostCannot(
            "a PostgreSQL database needs psycopg, which is not installed",
            hint="pip install 'mailctl[postgres]'",
        ) from error
    return parsed.set(drivername="postgresql+psycopg")


def sqlite_path(url: sa.URL) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL."""
    return Path(url.database or "").resolve() if url.drivername == "sqlite" else None


def describe(url: sa.URL) -> str:
    """The database as messages name it, without user and password."""
    path = sqlite_path(url)
    if path is not None:
        return f"the database {path}"
    return f"the database {url.database} at {url.host or 'the local server'}"


def make_engine(url: sa.URL, *, path: Path | None = None) -> sa.Engine:
    """An engine for `url`; `path` is another SQLite file to open in its place (the copy of an upgrade)."""
    file = path or sqlite_path(url)
    if file is None:
        return sa.create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": BUSY_SECONDS})
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)),
        poolclass=NullPool,
        # The driver must not begin transactions by itself: it would begin deferred ones.
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # WAL is a property of the file, and set where the file is made (upgrade.py).
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def plain_errors(url: sa.URL) -> Iterator[None]:
    """Turn what the database driver raises about this host or the server into HostCannot."""
    try:
        yield
    except DBAPIError as error:
        raise _explained(error.orig or error, url) or error from error
    except sqlite3.Error as error:
        raise _explained(error, url) or error from error


def _explained(cause: BaseException, url: sa.URL) -> HostCannot | None:
    """What a driver's error says about this host or the server; None if it says nothing about them."""
    path = sqlite_path(url)
    if isinstance(cause, sqlite3.Error):
        found = _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    else:
        # A connection that never came to be has no SQLSTATE.
        lost = "08" if type(cause).__name__ == "OperationalError" else ""
        state = getattr(cause, "sqlstate", None) or lost
        found = next((_POSTGRES[state[:n]] for n in (5, 3, 2) if state[:n] in _POSTGRES), None)
    if found is None:
        return None
    what, hint = found
    return HostCannot(
        f"{describe(url)} cannot be used: {what}",
        hint=hint.format(folder=path.parent if path else ""),
        details=[str(cause).strip()],
    )


def cannot_write(database: Path, error: OSError) -> HostCannot:
    """What a failure to make, rename or sync a file beside the database means."""
    return HostCannot(
        f"the database {database} cannot be written: {error.strerror}: {error.filename or database.parent}",
        hint=f"check the rights and the room: ls -ld {database.parent}; df -h {database.parent}",
    )


def make_private_folder(path: Path) -> None:
    """The folder `path`, made 0700 if it is not there; its parents as the umask has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def make_private_file(path: Path, *, like: Path | None = None) -> None:
    """An empty file of 0600, which must not be there yet.

    It belongs to whom `like` does, or else the folder: root may run a command for the user of the service,
    who must be able to go on with what it makes.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _hand_over(handle, like if like is not None and like.exists() else path.parent)
    finally:
        os.close(handle)


def _hand_over(handle: int, like: Path) -> None:
    wanted = like.stat()
    if os.geteuid() == 0 and os.fstat(handle).st_uid != wanted.st_uid:
        os.fchown(handle, wanted.st_uid, wanted.st_gid)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk: a rename is not, before this."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FileLock:
    """The lock of a SQLite file, kept in `FILE.lock`; released when its process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        self._database = database
        try:
            make_private_folder(database.parent)
            self._handle = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            _hand_over(self._handle, database.parent)
        except OSError as error:
            raise cannot_write(database, error) from error

    def share(self, patience: float) -> None:
        """Say that the file is in use. Waits `patience` seconds for who is replacing it, else Refused."""
        self._take(fcntl.LOCK_SH, patience, "is being upgraded by another mailctl")

    def own(self, patience: float) -> None:
        """Keep everybody else away. Waits `patience` seconds for those who use the file, else Refused."""
        self._take(fcntl.LOCK_EX, patience, "is in use by another mailctl, so it cannot be upgraded now")

    def _take(self, kind: int, patience: float, otherwise: str) -> None:
        deadline = time.monotonic() + patience
        while True:
            try:
                # Going from one kind to the other gives up the first, so two who wait never block each other.
                fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    hint = "wait for it or stop it, and run this again"
                    raise Refused(f"the database {self._database} {otherwise}", hint=hint) from error
            time.sleep(0.02)

    def close(self) -> None:
        os.close(self._handle)
