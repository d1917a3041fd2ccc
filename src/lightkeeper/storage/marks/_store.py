"""The data base of marked pictures: one transaction for each call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from lightkeeper.errors import MatchError
from lightkeeper.evidence.watermark.registry._file import (
    RegistryHead,
    check_name,
    registry_bytes,
)
from lightkeeper.evidence.watermark.registry._wire import entry_id, entry_line
from lightkeeper.storage._engine import reading, writing
from lightkeeper.storage.marks._owners import check_newer, check_own
from lightkeeper.storage.marks._rows import (
    begin,
    entries_of,
    follow_changes,
    insert_lines,
    kept_entry,
    known_registry,
    lines_of,
    make_registry,
    registry_named,
    remove_others,
    set_record,
    set_registry,
)
from lightkeeper.storage.marks._tables import mark_entry, mark_registry, mark_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from sqlalchemy import Engine

    from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry, RegistryFile
    from lightkeeper.evidence.watermark.registry._withdrawal import Withdrawal

_PAGE: Final = 1_000
_MOST_FOUND: Final = 64
_ASKED: Final = 500
_SPREAD, _DECOYS = 48, 16
"""Places that are looked at for decoys: some are empty, or their sketches were withheld."""


@dataclass(frozen=True, slots=True)
class KeptRegistry:
    """A registry in the data base; without ``public_key`` it is the operator's own."""

    name: str
    public_key: bytes | None
    version: int
    """Of the file that was last read or written; 0 before the first."""
    sha256: str | None
    entries: int


class SqlMarkRegistry:
    """Entries of all registries; a :class:`lightkeeper.evidence.watermark.registry.MarkRegistry`.

    Parameters
    ----------
    engine : Engine
        Whose tables are up to date; see :func:`open_marks`.
    """

    name = "the registries kept here"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Give the connections back; it opens new ones if it is used again."""
        self._engine.dispose()

    @property
    def revision(self) -> str:
        """Number of changes so far."""
        with reading(self._engine) as connection:
            return str(connection.scalar(select(mark_store.c.revision)))

    def find(self, payload: int) -> tuple[MarkEntry, ...]:
        """Entries that this payload names, at most 64, as in :meth:`found`."""
        return tuple(entry for _, entry in self.found(payload))

    def found(self, payload: int) -> tuple[tuple[str, MarkEntry], ...]:
        """The same, each with the name of its registry.

        The oldest of each registry comes first, then the second of each: none can hide the entries
        of another by many of its own.
        """
        return self.found_all([payload])[payload]

    def found_all(self, payloads: Iterable[int]) -> dict[int, tuple[tuple[str, MarkEntry], ...]]:
        """The same of many payloads, in one query for each 500 of them."""
        found: dict[int, list[tuple[str, MarkEntry]]] = {payload: [] for payload in payloads}
        place = func.row_number().over(
            partition_by=(mark_entry.c.payload, mark_entry.c.registry_number),
            order_by=mark_entry.c.number,
        )
        for start in range(0, len(found), _ASKED):
            asked = list(islice(found, start, start + _ASKED))
            mine = mark_entry.c.payload.in_(asked)
            ranked = select(mark_entry.c.number, place.label("place")).where(mine).subquery()
            query = (
                select(mark_entry.c.payload, mark_registry.c.name, mark_entry.c.record)
                .join(mark_registry, mark_registry.c.number == mark_entry.c.registry_number)
                .join(ranked, ranked.c.number == mark_entry.c.number)
                .where(ranked.c.place <= _MOST_FOUND)
                .order_by(ranked.c.place, ranked.c.number)
            )
            with reading(self._engine) as connection:
                for payload, name, record in connection.execute(query):
                    if len(found[payload]) < _MOST_FOUND:
                        found[payload].append((name, kept_entry(record, name)))
        return {payload: tuple(entries) for payload, entries in found.items()}

    def decoys(self, payload: int) -> tuple[Fingerprint, ...]:
        """Fingerprints of entries with other payloads, spread over all that are kept."""
        query = select(func.min(mark_entry.c.number), func.max(mark_entry.c.number))
        with reading(self._engine) as connection:
            first, last = connection.execute(query).one()
            if first is None:
                return ()
            step = (last - first) / _SPREAD
            numbers = {first + round(step * place) for place in range(_SPREAD + 1)}
            spread = (
                select(mark_entry.c.record)
                .where(mark_entry.c.number.in_(numbers), mark_entry.c.payload != payload)
                .order_by(mark_entry.c.number)
            )
            records = connection.scalars(spread).all()
        prints = (kept_entry(record, "the store").fingerprint for record in records)
        return tuple(islice((p for p in prints if p.sketch is not None), _DECOYS))

    def __len__(self) -> int:
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(mark_entry)) or 0

    def registries(self) -> tuple[KeptRegistry, ...]:
        """All registries, by name."""
        query = (
            select(mark_registry, func.count(mark_entry.c.number).label("entries"))
            .outerjoin(mark_entry, mark_registry.c.number == mark_entry.c.registry_number)
            .group_by(*mark_registry.c)
            .order_by(mark_registry.c.name)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return tuple(
            KeptRegistry(r.name, r.public_key, r.version, r.sha256, r.entries) for r in rows
        )

    def entries(self, name: str) -> Iterator[MarkEntry]:
        """Entries of one registry, oldest first, a page at a time.

        Raises
        ------
        MatchError
            There is no such registry.
        """
        with reading(self._engine) as connection:
            number = known_registry(connection, name).number
        after = 0
        while rows := self._page(number, after):
            yield from (kept_entry(row.record, name) for row in rows)
            after = rows[-1].number

    def add(self, name: str, entries: Iterable[MarkEntry]) -> int:
        """Add entries to the operator's own registry of this name, which is made if need be.

        Returns
        -------
        int
            How many are new; one that is there already stays as it is, withdrawn or not.

        Raises
        ------
        InvalidConfiguration
            It is no name of a registry.
        MatchError
            The registry was taken over from its owner's file.
        """
        check_name(name)
        lines = lines_of(entries)
        with writing(self._engine) as connection:
            begin(connection)
            row = registry_named(connection, name)
            if row is not None:
                check_own(row)
                return insert_lines(connection, row.number, lines)
            number = make_registry(connection, name=name, version=0)
            return insert_lines(connection, number, lines)

    def withdraw(
        self, name: str, payload: int, withdrawal: Withdrawal, *, entry: str | None = None
    ) -> MarkEntry:
        """Let an entry of the operator's own registry count no more. It stays, and says so.

        Parameters
        ----------
        name : str
            The registry.
        payload : int
        withdrawal : Withdrawal
        entry : str, optional
            The entry's identity in hexadecimal, where the payload has several.

        Returns
        -------
        MarkEntry
            As it is kept now; one that was withdrawn before keeps its first day and reason.

        Raises
        ------
        MatchError
            There is no such registry or entry, it is another owner's, or several are meant.
        """
        with writing(self._engine) as connection:
            begin(connection)
            row = known_registry(connection, name)
            check_own(row)
            kept = [
                (number, kept_entry(record, name))
                for number, record in entries_of(connection, row.number, payload)
            ]
            meant = [(n, e) for n, e in kept if entry is None or entry_id(e).hex() == entry]
            if len(meant) != 1:
                raise MatchError(
                    f"'{name}' has {len(meant)} such entries",
                    hint="; ".join(f"{e.maker}, {e.period}: {entry_id(e).hex()}" for _, e in kept),
                )
            ((number, old),) = meant
            if old.withdrawn is not None:
                return old
            new = replace(old, withdrawn=withdrawal)
            set_record(connection, number, entry_line(new))
            return new

    def take_over(self, file: RegistryFile) -> tuple[int, int]:
        """Replace what is kept of a registry by a newer version of its file.

        Returns
        -------
        tuple of int
            How many entries came, and how many went.

        Raises
        ------
        MatchError
            It is the operator's own registry, signed by another key than before, an older
            version than the one that is kept, or an entry that was withdrawn would count again.
        """
        lines = lines_of(file.entries())
        said: dict[str, Any] = {
            "public_key": file.public_key,
            "version": file.head.version,
            "sha256": file.sha256,
        }
        with writing(self._engine) as connection:
            begin(connection)
            row = registry_named(connection, file.name)
            if row is None:
                number = make_registry(connection, name=file.name, **said)
            else:
                check_newer(row, file)
                number = row.number
                set_registry(connection, number, **said)
            gone = remove_others(connection, number, lines)
            follow_changes(connection, number, lines, file.name)
            return insert_lines(connection, number, lines), gone

    def export(
        self, name: str, *, key: Ed25519PrivateKey, now: datetime, sketches: bool = False
    ) -> bytes:
        """The operator's own registry as a signed file, one version after the last one.

        Parameters
        ----------
        name : str
        key : Ed25519PrivateKey
        now : datetime
        sketches : bool
            Whether readers may see the sketches and so say what is registered.

        Raises
        ------
        MatchError
            There is no such registry, or it is another owner's.
        """
        with writing(self._engine) as connection:
            begin(connection)
            row = known_registry(connection, name)
            check_own(row)
            mine = mark_entry.c.registry_number == row.number
            records = connection.scalars(select(mark_entry.c.record).where(mine))
            head = RegistryHead(name=name, version=row.version + 1, made=now, previous=row.sha256)
            entries = (kept_entry(record, name) for record in records)
            content = registry_bytes(head, entries, key=key, sketches=sketches)
            digest = hashlib.sha256(content).hexdigest()
            set_registry(connection, row.number, version=head.version, sha256=digest)
            return content

    def _page(self, number: int, after: int) -> list[Any]:
        query = (
            select(mark_entry.c.number, mark_entry.c.record)
            .where(mark_entry.c.registry_number == number, mark_entry.c.number > after)
            .order_by(mark_entry.c.number)
            .limit(_PAGE)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(query).all())
