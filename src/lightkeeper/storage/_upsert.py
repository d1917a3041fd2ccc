"""Adding and renewing entries, in bulk."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from lightkeeper.matching import Entry, HashSet, UpsertCount
from lightkeeper.storage import _history
from lightkeeper.storage._plan import (
    ENTRY_COLUMNS,
    MENTION_COLUMNS,
    Key,
    Plan,
    Planner,
    Row,
    Stored,
    read_batch,
)
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
        return _upsert(connection, hash_set, entries, by, now)


def _upsert(
    connection: Connection, hash_set: HashSet, entries: Sequence[Entry], by: str, now: int
) -> UpsertCount:
    source_number = source_named(connection, by)
    rows, again, refused = read_batch(enumerate(entries), by)
    added = changed = unchanged = 0
    while True:
        for plan in _plans(connection, hash_set, source_number, rows, now):
            _write(connection, hash_set.number, source_number, plan)
            added += len(plan.entries)
            changed += plan.changed
            unchanged += plan.unchanged
            refused += plan.refused
        if not again:
            break
        rows, again, _ = read_batch(again, by)
    refused.sort(key=lambda refusal: refusal.position)
    return UpsertCount(added, changed, unchanged, tuple(refused))


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


def _plans(
    connection: Connection, hash_set: HashSet, source_number: int, rows: list[Row], now: int
) -> Iterator[Plan]:
    """Plans for a round, each to be written before the next is asked for."""
    if connection.dialect.name == "sqlite" and hash_set.quota_per_source is None:
        # SQLite finds out which rows are new while it adds them, which spares a look-up of each.
        planner = _planner(connection, hash_set, source_number, now)
        plan = planner.plan(rows, {})
        _insert(connection, "entry", ENTRY_COLUMNS, plan.entries, verb="INSERT OR IGNORE")
        query = select(entry_table.c.number).where(entry_table.c.number > planner.last_entry)
        rows = plan.keep(set(connection.scalars(query)), rows)
        yield plan
        if not rows:
            return
    planner = _planner(connection, hash_set, source_number, now)
    stored = _stored(connection, hash_set.number, source_number, [row[:2] for row in rows])
    plan = planner.plan(rows, stored)
    _insert(connection, "entry", ENTRY_COLUMNS, plan.entries)
    yield plan


def _planner(connection: Connection, hash_set: HashSet, source_number: int, now: int) -> Planner:
    held = connection.scalar(
        select(holding.c.entries).where(
            holding.c.set_number == hash_set.number, holding.c.source_number == source_number
        )
    )
    last_entry = connection.scalars(select(store.c.last_entry)).one()
    return Planner(hash_set, source_number, now=now, held=held or 0, last_entry=last_entry)


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


def _write(connection: Connection, set_number: int, source_number: int, plan: Plan) -> None:
    if plan.entries:
        first, last = plan.entries[0][0], plan.entries[-1][0]
        connection.execute(update(store).values(last_entry=last))
        if plan.last_added:
            _history.record_span(connection, set_number, after=first - 1, last=plan.last_added)
    if plan.mentions:
        _insert(connection, "mention", MENTION_COLUMNS, plan.mentions)
    if plan.seen:
        connection.execute(
            update(mention)
            .where(
                mention.c.entry_number == bindparam("key"),
                mention.c.source_number == source_number,
            )
            .values(seen=bindparam("seen"), source_id=bindparam("source_id"), ended=None),
            plan.seen,
        )
    _renew(connection, plan.renewed)
    _history.record_found(connection, plan.found)
    if plan.gained:
        hold(connection, set_number, source_number, plan.gained)


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


def _insert(
    connection: Connection,
    table: str,
    columns: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    *,
    verb: str = "INSERT",
) -> None:
    if not rows:
        return
    # Binding a None costs the driver as much as three numbers: leave out columns without values.
    used = [i for i, column in enumerate(zip(*rows, strict=True)) if column.count(None) < len(rows)]
    named = ", ".join(columns[i] for i in used)
    chosen = map(itemgetter(*used), rows)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(used))
        statement = f"{verb} INTO {table} ({named}) VALUES ({marks})"
        connection.exec_driver_sql(statement, list(chosen))
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
        for row in chosen:
            copy.write_row(row)
