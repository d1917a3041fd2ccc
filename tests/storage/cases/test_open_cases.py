from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from lightkeeper.errors import CaseError
from lightkeeper.matching import HashSet
from lightkeeper.storage import open_store
from lightkeeper.storage._engine import make_engine, writing
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.cases._metadata import metadata
from lightkeeper.storage.cases._open import CHAIN

KEY = b"k" * 32


def test_migrations_end_where_the_code_begins(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    open_cases(url, audit_key=KEY).close()
    engine = make_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": CHAIN.version_table}
        )
        assert context.get_current_revision() == CHAIN.newest
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_cases_and_hash_sets_share_a_data_base(url: str) -> None:
    open_cases(url, audit_key=KEY).close()
    sets = open_store(url)
    sets.create_set(HashSet(name="bicycles", owner="Harbour Office", purpose="wheels"))
    sets.close()
    open_cases(url, audit_key=KEY, create=False).close()


def test_a_data_base_that_must_exist_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    with pytest.raises(CaseError, match="there is no store at"):
        open_cases(f"sqlite:///{path}", audit_key=KEY, create=False)
    assert not path.exists()


def test_a_data_base_of_a_newer_version_is_refused(url: str) -> None:
    open_cases(url, audit_key=KEY).close()
    engine = make_engine(url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE cases_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(CaseError, match="version 9999"):
        open_cases(url, audit_key=KEY)


def test_a_url_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(CaseError, match="no store on mysql"):
        open_cases("mysql://harbour/cases", audit_key=KEY)
