"""Stores to test: SQLite always, PostgreSQL where its programs are installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightkeeper.storage import open_store
from lightkeeper.storage._store import SqlSetStore

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join(map(str, _PROGRAMS))) or shutil.which(name)


def _has_user(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name)) and shutil.which("runuser") is not None
    except KeyError:
        return False


def _run(folder: Path, *command: str) -> None:
    # PostgreSQL refuses to run as root.
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*become, *command], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a throw-away PostgreSQL cluster that listens on a socket in its own folder."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    if os.geteuid() == 0 and not _has_user("postgres"):
        pytest.skip("PostgreSQL does not run as root, and there is no user 'postgres'")
    # A socket's path may have no more than 107 characters, and pytest's folders are private.
    folder = Path("/tmp") / f"lk-pg-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    try:
        _run(folder, initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        _run(
            folder, pg_ctl, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start"
        )
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run(folder, pg_ctl, "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty data base of each sort."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sets.db"
    import psycopg

    server: str = request.getfixturevalue("postgresql")
    name = f"lk_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def store(url: str) -> Iterator[SqlSetStore]:
    opened = open_store(url)
    yield opened
    opened.close()
