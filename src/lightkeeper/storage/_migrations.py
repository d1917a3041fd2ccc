"""Chains of migrations: each brings one group of tables up to date, beside others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from lightkeeper.storage._engine import make_engine, reading, writing

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from lightkeeper.errors import LightkeeperError

_ENVIRONMENT = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Chain:
    """Migrations in a folder, named ``0001_….py`` and so on; the newest is what the code needs."""

    folder: Path
    version_table: str
    """Where a data base says how far it is; another chain may share the data base."""
    raises: type[LightkeeperError]

    @property
    def newest(self) -> str:
        """The version that this Lightkeeper is written for."""
        return max(path.name for path in self.folder.glob("[0-9]*.py"))[:4]

    def open(self, url: str, *, create: bool) -> Engine:
        """Connect, and make or migrate the tables where that is asked for."""
        engine = make_engine(url, raises=self.raises)
        database = engine.url.database
        if engine.dialect.name == "sqlite" and database:
            if create:
                self._make_folder(Path(database).parent)
            elif not Path(database).is_file():
                raise self.raises(f"there is no store at {database}")
        try:
            found = self._found(engine)
            if found != self.newest:
                self._check(found, create=create)
                self._migrate(engine)
        except self.raises:
            engine.dispose()
            raise
        return engine

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.raises(
                f"cannot make the store's folder {folder}: {error.strerror}"
            ) from error

    def _found(self, engine: Engine) -> str | None:
        with reading(engine, raises=self.raises) as connection:
            if not inspect(connection).has_table(self.version_table):
                return None
            version: str | None = connection.scalar(
                text(f"SELECT version_num FROM {self.version_table}")
            )
            return version

    def _check(self, found: str | None, *, create: bool) -> None:
        if found is not None and found > self.newest:
            raise self.raises(
                f"the store is of version {found}, this Lightkeeper knows {self.newest}",
                hint="use a newer Lightkeeper",
            )
        if not create:
            what = "has no tables yet" if found is None else f"is of an older version, {found}"
            raise self.raises(
                f"the store {what}", hint="open it with a command that may write to it"
            )

    def _migrate(self, engine: Engine) -> None:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", _escaped(_ENVIRONMENT))
        config.set_main_option("version_locations", _escaped(self.folder))
        config.set_main_option("path_separator", "newline")
        with writing(engine, raises=self.raises) as connection:
            if engine.dialect.name == "postgresql":
                # Two processes may open a new store at once.
                connection.execute(text("SELECT pg_advisory_xact_lock(7264181)"))
            config.attributes["connection"] = connection
            config.attributes["version_table"] = self.version_table
            command.upgrade(config, "head")


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
