"""Opening a store, and bringing its tables up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from lightkeeper.errors import MatchError
from lightkeeper.storage._engine import make_engine, reading, writing
from lightkeeper.storage._store import SqlSetStore

if TYPE_CHECKING:
    from sqlalchemy import Engine

VERSION = "0001"
"""The newest migration, which this version of the code is written for."""
_MIGRATIONS = Path(__file__).parent / "migrations"


def open_store(url: str, *, create: bool = True) -> SqlSetStore:
    """Open the store of hash sets at a URL.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
    create : bool
        Make the tables, or bring them up to date, where needed.

    Returns
    -------
    SqlSetStore
        A :class:`lightkeeper.matching.SetStore`, for any number of threads and processes.

    Raises
    ------
    MatchError
        It cannot be reached, was written by a newer Lightkeeper, or has to be made or migrated
        and ``create`` is false.
    """
    engine = make_engine(url)
    database = engine.url.database
    if engine.dialect.name == "sqlite" and database:
        if create:
            _make_folder(Path(database).parent)
        elif not Path(database).is_file():
            raise MatchError(f"there is no store at {database}")
    try:
        found = _version(engine)
        if found != VERSION:
            _check_version(found, create=create)
            _migrate(engine)
    except MatchError:
        engine.dispose()
        raise
    return SqlSetStore(engine)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MatchError(f"cannot make the store's folder {folder}: {error.strerror}") from error


def _version(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def _check_version(found: str | None, *, create: bool) -> None:
    if found is not None and found > VERSION:
        raise MatchError(
            f"the store is of version {found}, this Lightkeeper knows {VERSION}",
            hint="use a newer Lightkeeper",
        )
    if not create:
        what = "has no tables yet" if found is None else f"is of an older version, {found}"
        raise MatchError(f"the store {what}", hint="open it with a command that may write to it")


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            # Two processes may open a new store at once.
            connection.execute(text("SELECT pg_advisory_xact_lock(7264181)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
