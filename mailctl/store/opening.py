"""Opening the store: `with open_store(settings.store.url) as store: store.domains.get("example.org")`.

Promise: what comes back is at the revision that this mailctl works on. A SQLite file is made, or upgraded,
here and now: the lock proves that nobody else has it open. A PostgreSQL database is made when it is empty;
when it is behind it is refused, because other hosts may share it, and `mailctl db upgrade` says when.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlmodel import Session

from mailctl.errors import Refused
from mailctl.store.database import (
    WRITES,
    FileLock,
    describe,
    make_engine,
    parse_url,
    plain_errors,
    sqlite_path,
)
from mailctl.store.queries import Clock, Domains, Keys, Tenants, utc_now
from mailctl.store.upgrade import (
    OURS,
    PATIENCE,
    Migrations,
    State,
    file_is_ready,
    must_be_usable,
    standing,
    upgrade,
    upgrade_file,
)


class Store:
    """The open store. Not for sharing between threads; close it, or use it with `with`."""

    def __init__(self, url: sa.URL, lock: FileLock | None, clock: Clock) -> None:
        self._url = url
        self._lock = lock
        self._engine = make_engine(url)
        self._session: Session | None = None
        self.tenants = Tenants(self._within, clock)
        self.domains = Domains(self._within, clock)
        self.keys = Keys(self._within, clock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything done inside is committed together at the end, or not at all if it raises."""
        with self._within(True):
            yield

    @contextmanager
    def _within(self, writes: bool) -> Iterator[Session]:
        """A session in a transaction: the one that is open already, or one for this call."""
        if self._session is not None:
            yield self._session
            self._session.flush()
            return
        engine = self._engine.execution_options(**{WRITES: writes})
        with plain_errors(self._url), Session(engine, expire_on_commit=False) as session, session.begin():
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    def close(self) -> None:
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_store(
    url: str, *, clock: Clock = utc_now, line: Migrations = OURS, patience: float = PATIENCE
) -> Store:
    """The store at `url` (sqlite:///PATH or postgresql://…), made if it is not there.

    Raises BadInput for another URL, Refused for a database that is newer, foreign, behind (PostgreSQL) or
    kept by others for longer than `patience` seconds, HostCannot when disk, rights or server do not allow it.
    """
    parsed = parse_url(url)
    if sqlite_path(parsed) is not None:
        return Store(parsed, _ready_file(parsed, line, patience), clock)
    found = standing(url, line=line)
    must_be_usable(found, parsed)
    if found.state is State.BEHIND:
        raise Refused(
            f"{describe(parsed)} is at revision {found.revision}, and this mailctl works on {found.head}",
            hint="when every host that shares it has this version: mailctl db upgrade",
        )
    if found.state is State.ABSENT:
        upgrade(url, line=line, patience=patience)
    return Store(parsed, None, clock)


def _ready_file(url: sa.URL, line: Migrations, patience: float) -> FileLock:
    """The lock of a SQLite file, held shared, once the file is at head."""
    path = sqlite_path(url)
    assert path is not None
    lock = FileLock(path)
    try:
        lock.share(patience)
        while not file_is_ready(url, path, line):
            lock.own(patience)
            upgrade_file(url, path, line)
            lock.share(patience)  # not in one step: somebody else may have come between, so look again
    except BaseException:
        lock.close()
        raise
    return lock
