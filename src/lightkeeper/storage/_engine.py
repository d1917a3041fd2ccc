"""Connections: durable, in one order of commits, and without SQLAlchemy's errors leaking."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lightkeeper.errors import CaseError, MatchError, MissingExtra, StaleCase

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from lightkeeper.errors import LightkeeperError

# Commits wait for the disk (FULL): what an upsert acknowledged survives a pulled plug. The
# staging table lives in memory and lets a batch of keys be joined without 32,766 parameters.
_SQLITE_SETUP = """
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA busy_timeout = 60000;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -131072;
PRAGMA wal_autocheckpoint = 32768;
PRAGMA journal_size_limit = 268435456;
CREATE TEMP TABLE incoming (position INTEGER PRIMARY KEY, kind TEXT, value BLOB);
"""
_WRITES = "lightkeeper_writes"
CONNECTIONS = 20
"""Kept open to a PostgreSQL; a new one costs its server a process. Some more are opened when all
are in use. Its default of 100 is enough for a service with one process that works for it."""
# PostgreSQL: a deadlock, or a transaction that cannot be put in order with the others.
_IN_BETWEEN = frozenset({"40P01", "40001"})


def make_engine(url: str, *, raises: type[LightkeeperError] = MatchError) -> Engine:
    """Engine for ``sqlite:///…`` or ``postgresql://…`` (psycopg 3)."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise raises(
            "the store's URL is not one", hint="sqlite:///FILE or postgresql://HOST/NAME"
        ) from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise raises(f"no store on {parsed.get_backend_name()}: SQLite or PostgreSQL")
    try:
        engine = create_engine(parsed, **_pool(parsed.get_backend_name()))
    except ModuleNotFoundError as error:
        raise MissingExtra("a store on PostgreSQL", extra="postgresql") from error
    except NoSuchModuleError as error:
        raise raises(f"no driver {parsed.drivername}: SQLite or PostgreSQL") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _pool(backend: str) -> dict[str, Any]:
    # SQLite has one writer at a time, and each of its connections a cache of its own.
    return {"pool_size": CONNECTIONS} if backend == "postgresql" else {}


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin transactions late, so that two writers could deadlock.
    connection.isolation_level = None
    connection.executescript(_SQLITE_SETUP)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine, *, raises: type[LightkeeperError] = MatchError) -> Iterator[Connection]:
    """One snapshot for all statements within."""
    options: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with _plain_errors(raises), engine.connect() as bare:
        connection = bare.execution_options(**options)
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine, *, raises: type[LightkeeperError] = MatchError) -> Iterator[Connection]:
    """Commit at the end, or nothing."""
    with _plain_errors(raises), engine.connect() as bare:
        connection = bare.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def _plain_errors(raises: type[LightkeeperError]) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if raises is CaseError and getattr(error.orig, "sqlstate", None) in _IN_BETWEEN:
            raise StaleCase("somebody else has changed it in between") from None
        # Without the statement and its parameters: those are hashes, which no log should hold.
        raise raises(f"the store failed: {_first_line(error.orig)}") from None
    except PoolTimeout:
        raise raises("the store failed: all of its connections are in use") from None


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
