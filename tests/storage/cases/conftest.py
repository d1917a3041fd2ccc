"""The cases' data base: SQLite always, PostgreSQL where its programs are installed, and memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lightkeeper.cases import CaseStore
from lightkeeper.storage.cases import SqlCaseStore, open_cases
from lightkeeper.testing.cases import MemoryCases
from lightkeeper.testing.cases._reader import AUDIT_KEY


@pytest.fixture
def sql(url: str) -> Iterator[SqlCaseStore]:
    """An empty data base of each sort."""
    opened = open_cases(url, audit_key=AUDIT_KEY)
    yield opened
    opened.close()


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[SqlCaseStore]:
    """An empty data base on SQLite."""
    opened = open_cases(f"sqlite:///{tmp_path}/cases.db", audit_key=AUDIT_KEY)
    yield opened
    opened.close()


@pytest.fixture
def postgres(postgresql: str) -> Iterator[SqlCaseStore]:
    """An empty data base on PostgreSQL."""
    import uuid

    import psycopg

    name = f"lk_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = postgresql.replace("/postgres?", f"/{name}?")
    opened = open_cases(url, audit_key=AUDIT_KEY)
    yield opened
    opened.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> CaseStore:
    """An empty store of every sort: they all keep the same promises."""
    if request.param == "memory":
        return MemoryCases()
    kind = "lite" if request.param == "sqlite" else "postgres"
    opened: SqlCaseStore = request.getfixturevalue(kind)
    return opened
