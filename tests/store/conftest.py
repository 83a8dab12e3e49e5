"""Databases for the tests: a SQLite file, and a real PostgreSQL that the tests start and stop themselves."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mailctl.store.upgrade import OURS, Migrations


@pytest.fixture
def tomorrow() -> Migrations:
    """Our migrations and two more, so that today's head can be behind."""
    return Migrations("test2", (*OURS.folders, Path(__file__).parent / "next_versions"))


def postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """A PostgreSQL of its own on a socket: no port, so nothing that parallel tests could fight for."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._run(
            "initdb",
            "-D",
            str(folder / "data"),
            "-U",
            "mailctl",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
            "--locale=C",
        )
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=30"
        self._run(
            "pg_ctl",
            "-D",
            str(folder / "data"),
            "-w",
            "-t",
            "30",
            "-l",
            str(folder / "log"),
            "-o",
            options,
            "start",
        )

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *words],
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    def url(self, database: str) -> str:
        return f"postgresql://mailctl@/{database}?host={self.folder}"

    def make_database(self, name: str) -> str:
        engine = sa.create_engine(
            self.url("postgres").replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
        engine.dispose()
        return self.url(name)

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL programs: apt-get install postgresql")
    # Not below pytest's folder: the user postgres cannot enter it, and a socket's path has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="mailctl-pg-"))
    try:
        started = Server(folder, programs)
        try:
            yield started
        finally:
            started.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(server: Server, request: pytest.FixtureRequest) -> str:
    number = server.__dict__.setdefault("count", 0) + 1
    server.__dict__["count"] = number
    return server.make_database(f"test{number}")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/mailctl.db"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest) -> str:
    """Each test that asks for `url` runs on both databases."""
    return str(request.getfixturevalue(f"{request.param}_url"))
