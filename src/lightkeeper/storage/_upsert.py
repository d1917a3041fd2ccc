"""Adding and renewing entries, in bulk."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select, update

from lightkeeper.matching import Entry, HashSet, UpsertCount
from lightkeeper.matching._columns import EntryColumns
from lightkeeper.matching._ports import Refusal
from lightkeeper.storage import _history
from lightkeeper.storage._batch import Batch, Key, new_entries, read_batches
from lightkeeper.storage._insert import insert_columns
from lightkeeper.storage._plan import Plan, Planner, Stored
from lightkeeper.storage._schema import entry as entry_table
from lightkeeper.storage._schema import holding, mention, source, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection


_STORED = """
SELECT i.position, e.number, e.state, e.withdrawn, e.expires, e.variant, e.quality,
       e.industry_class, e.computer_generated, e.modelled_after_person, e.age_group,
       e.victim_identified, e.expires_given, m.entry_number, m.source_id, m.ended,
       CASE WHEN e.state = 'active' THEN 0 ELSE
            (SELECT count(*) FROM mention x WHERE x.entry_number = e.number AND x.ended IS NULL)
       END
FROM {incoming} i
{join} entry e ON e.set_number = {set} AND e.kind = i.kind AND e.value = i.value
LEFT JOIN mention m ON m.entry_number = e.number AND m.source_number = {source}
"""
# CROSS JOIN keeps SQLite from walking the set instead of probing the key's index.
_STORED_SQLITE = _STORED.format(incoming="incoming", join="CROSS JOIN", set="?", source="?")
_STORED_POSTGRESQL = _STORED.format(
    incoming="unnest(%s::int[], %s::text[], %s::bytea[]) AS",
    join="JOIN",
    set="%s",
    source="%s",
).replace("AS i", "AS i (position, kind, value)")


def upsert(
    connection: Connection, hash_set: HashSet, entries: Sequence[Entry], *, by: str, now: int
) -> UpsertCount:
    """Add or renew entries in the transaction that is open; rows that share a key go in rounds."""
    with _collector_paused():
        batches, refused = read_batches(EntryColumns.of(entries, source=by), now=now)
        work = _Upsert(connection, hash_set, source_named(connection, by), now)
        for batch in batches:
            work.take(batch)
    refused = sorted(refused + work.refused, key=lambda refusal: refusal.position)
    return UpsertCount(work.added, work.changed, work.unchanged, tuple(refused))


@contextmanager
def _collector_paused() -> Iterator[None]:
    # A batch makes a hundred thousand tuples and no cycle; to search them all for cycles again
    # and again took a quarter of the time.
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def source_named(connection: Connection, name: str) -> int:
    """Number of a source, which is made where there is none."""
    query = select(source.c.number).where(source.c.name == name)
    number: int | None = connection.scalar(query)
    if number is None:
        made = insert(source).values(name=name).returning(source.c.number)
        number = connection.scalars(made).one()
    return number


class _Upsert:
    def __init__(
        self, connection: Connection, hash_set: HashSet, source_number: int, now: int
    ) -> None:
        self._connection = connection
        self._set = hash_set
        self._source = source_number
        self._now = now
        self.added = self.changed = self.unchanged = 0
        self.refused: list[Refusal] = []

    def take(self, batch: Batch) -> None:
        """Write what one batch does to the set."""
        left: Sequence[int] = range(len(batch))
        quota = self._set.quota_per_source
        if quota is None and self._connection.dialect.name == "sqlite":
            # SQLite finds out which rows are new while it adds them: that spares to look for each.
            left = self._add(batch, verb="INSERT OR IGNORE")
            if not left:
                return
        keys = [batch.key(index) for index in left]
        stored = _stored(self._connection, self._set.number, self._source, keys)
        rows = [(key, batch.row(index)) for key, index in zip(keys, left, strict=True)]
        if quota is not None:
            rows.sort(key=lambda row: batch.positions[row[1].place])
        room = None if quota is None else quota - self._held()
        plan = Planner(self._set, now=self._now, room=room).plan(rows, stored)
        if plan.added:
            self._add(batch.chosen(plan.added))
        self._renew(plan)
        self.refused += [Refusal(batch.positions[i], "over-quota") for i in plan.over_quota]

    def _held(self) -> int:
        held: int | None = self._connection.scalar(
            select(holding.c.entries).where(
                holding.c.set_number == self._set.number, holding.c.source_number == self._source
            )
        )
        return held or 0

    def _add(self, batch: Batch, *, verb: str = "INSERT") -> list[int]:
        """Add entries; hands back the rows that were there already, which OR IGNORE passes over."""
        connection, now = self._connection, self._now
        before = connection.scalars(select(store.c.last_entry)).one()
        numbers = list(range(before + 1, before + 1 + len(batch)))
        columns = {"number": numbers, **new_entries(batch, self._set, now=now)}
        insert_columns(connection, "entry", columns, verb=verb)
        later = entry_table.c.number > before
        added = connection.scalar(select(func.count()).select_from(entry_table).where(later))
        there: list[int] = []
        if added != len(batch):
            found = set(connection.scalars(select(entry_table.c.number).where(later)))
            there = [i for i, number in enumerate(numbers) if number not in found]
            batch = batch.chosen([i for i, number in enumerate(numbers) if number in found])
            numbers = sorted(found)
        if numbers:
            last = numbers[-1]
            connection.execute(update(store).values(last_entry=last))
            _history.record_span(connection, self._set.number, after=before, last=last)
            self._mention(numbers, batch.entries.source_ids)
            hold(connection, self._set.number, self._source, len(numbers))
            self.added += len(numbers)
        return there

    def _mention(self, numbers: Sequence[int], source_ids: Sequence[str | None]) -> None:
        columns = {
            "entry_number": numbers,
            "source_number": self._source,
            "source_id": source_ids,
            "added": self._now,
            "seen": self._now,
        }
        insert_columns(self._connection, "mention", columns)

    def _renew(self, plan: Plan) -> None:
        connection = self._connection
        if plan.mentions:
            numbers, source_ids = zip(*plan.mentions, strict=True)
            self._mention(list(numbers), list(source_ids))
        if plan.seen:
            connection.execute(
                update(mention)
                .where(
                    mention.c.entry_number == bindparam("key"),
                    mention.c.source_number == self._source,
                )
                .values(seen=bindparam("seen"), source_id=bindparam("source_id"), ended=None),
                plan.seen,
            )
        _renew(connection, plan.renewed)
        _history.record_found(connection, plan.found)
        if gained := plan.gained - len(plan.added):
            hold(connection, self._set.number, self._source, gained)
        self.changed += plan.changed
        self.unchanged += plan.unchanged


def _stored(
    connection: Connection, set_number: int, source_number: int, keys: list[Key]
) -> dict[Key, Stored]:
    if not keys:
        return {}
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DELETE FROM incoming")
        rows = [(position, *key) for position, key in enumerate(keys)]
        connection.exec_driver_sql("INSERT INTO incoming VALUES (?, ?, ?)", rows)
        found = connection.exec_driver_sql(_STORED_SQLITE, (set_number, source_number))
    else:
        kinds, values = zip(*keys, strict=True)
        arrays = (list(range(len(keys))), list(kinds), list(values))
        found = connection.exec_driver_sql(_STORED_POSTGRESQL, (*arrays, set_number, source_number))
    return {keys[row[0]]: Stored(*row[1:]) for row in found}


def _renew(connection: Connection, renewed: Sequence[dict[str, Any]]) -> None:
    """Update entries; those of which the same columns changed go together."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for columns in renewed:
        alike.setdefault(tuple(columns), []).append(columns)
    for names, rows in alike.items():
        values: dict[str, Any] = {name: bindparam(name) for name in names if name != "key"}
        connection.execute(
            update(entry_table).where(entry_table.c.number == bindparam("key")).values(values), rows
        )


def hold(connection: Connection, set_number: int, source_number: int, gained: int) -> None:
    """Count entries that a source names more, or fewer, than before."""
    keyed = (holding.c.set_number == set_number, holding.c.source_number == source_number)
    changed = connection.execute(
        update(holding).where(*keyed).values(entries=holding.c.entries + gained)
    )
    if not changed.rowcount:
        connection.execute(
            insert(holding).values(
                set_number=set_number, source_number=source_number, entries=gained
            )
        )
