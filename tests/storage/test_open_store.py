from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from lightkeeper.errors import MatchError
from lightkeeper.matching import HashSet
from lightkeeper.storage import open_store
from lightkeeper.storage._engine import make_engine, writing
from lightkeeper.storage._open import VERSION
from lightkeeper.storage._schema import metadata

BICYCLES = HashSet(name="bicycles", owner="Harbour Office", purpose="wheels")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Connections to the data base behind a store's back."""
    made = make_engine(url)
    yield made
    made.dispose()


def test_a_store_is_made_with_its_folder_and_found_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/sets.db"
    made = open_store(url).create_set(BICYCLES)
    assert open_store(url, create=False).hash_set("bicycles") == made


def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "sets.db"
    with pytest.raises(MatchError, match="there is no store at"):
        open_store(f"sqlite:///{path}", create=False)
    assert not path.exists()


def test_tables_are_not_made_where_that_is_not_asked_for(url: str, engine: Engine) -> None:
    engine.connect().close()
    with pytest.raises(MatchError, match="has no tables yet"):
        open_store(url, create=False)


def test_a_store_of_a_newer_version_is_refused(url: str, engine: Engine) -> None:
    open_store(url).close()
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MatchError, match="version 9999, this Lightkeeper knows 0001"):
        open_store(url)


def test_migrations_end_where_the_code_begins(url: str, engine: Engine) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    open_store(url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == VERSION
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_what_is_no_data_base_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sets.db"
    path.write_bytes(b"a lighthouse at dusk" * 1000)
    with pytest.raises(MatchError, match="not a database"):
        open_store(f"sqlite:///{path}")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MatchError, match="cannot make the store's folder"):
        open_store(f"sqlite:///{tmp_path}/file/sets.db")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("harbour", "URL is not one"),
        ("mysql://harbour/sets", "no store on mysql"),
        ("oracle://harbour/sets", "no store on oracle"),
        ("sqlite+nonsense:///sets.db", "no driver"),
        ("postgresql://nobody@/sets?host=/nonexistent", "the store failed"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, message: str) -> None:
    with pytest.raises(MatchError, match=message):
        open_store(url)


def test_an_error_of_the_data_base_shows_no_hash(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sets.db"
    store = open_store(url)
    store.create_set(BICYCLES)
    with create_engine(url).begin() as connection:
        connection.execute(text("DROP TABLE entry"))
    with pytest.raises(MatchError) as caught:
        store.withdraw(
            "bicycles", [("md5", "ab" * 16)], reason="r", now=datetime(2026, 3, 1, tzinfo=UTC)
        )
    assert "no such table" in str(caught.value)
    assert "ab" * 16 not in str(caught.value)
    assert caught.value.__suppress_context__


def test_an_answer_costs_no_import_of_the_migrations(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sets.db"
    open_store(url).close()
    code = (
        "import sys; from lightkeeper.storage import open_store; "
        f"open_store({url!r}, create=False).sets(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
