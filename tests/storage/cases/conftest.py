"""The cases' data base, on SQLite always and on PostgreSQL where its programs are installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lightkeeper.storage.cases import SqlCaseStore, open_cases

AUDIT_KEY = b"k" * 32


@pytest.fixture
def sql(url: str) -> Iterator[SqlCaseStore]:
    """An empty store of each sort."""
    opened = open_cases(url, audit_key=AUDIT_KEY)
    yield opened
    opened.close()
