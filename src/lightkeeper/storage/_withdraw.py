"""Entries that cease to match, or begin to on a person's word."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, any_, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY

from lightkeeper.storage import _history
from lightkeeper.storage._rows import to_value
from lightkeeper.storage._schema import entry, mention
from lightkeeper.storage._upsert import hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Connection

    _Chosen = ColumnElement[bool]

_CHUNK = 10_000
_NAMED = exists().where(mention.c.entry_number == entry.c.number, mention.c.ended.is_(None))


def withdraw(
    connection: Connection,
    set_number: int,
    keys: Sequence[tuple[str, str]],
    *,
    reason: str,
    now: int,
    source_number: int | None,
) -> int:
    """Withdraw by key; for a source, only what no other names."""
    withdrawn = 0
    for numbers in numbers_of(connection, set_number, keys):
        chosen = _among(connection, entry.c.number, numbers)
        if source_number is not None:
            taken = _among(connection, mention.c.entry_number, numbers)
            ended = _end_mentions(connection, set_number, source_number, taken, now)
            chosen = and_(chosen, ended, ~_NAMED)
        withdrawn += _withdraw(connection, chosen, reason, now)
    return withdrawn


def withdraw_missing(
    connection: Connection, set_number: int, *, source_number: int, before: int, now: int
) -> int:
    """End a source's old mentions, and withdraw the entries that nobody names any more."""
    of_set = select(entry.c.number).where(entry.c.set_number == set_number)
    missing = and_(mention.c.seen < before, mention.c.entry_number.in_(of_set))
    ended = _end_mentions(connection, set_number, source_number, missing, now)
    chosen = and_(entry.c.set_number == set_number, ended, ~_NAMED)
    return _withdraw(connection, chosen, "no longer listed by its source", now)


def expire(connection: Connection, *, now: int) -> int:
    """Withdraw what has expired, in every set; being named again brings it back."""
    due = and_(entry.c.expires <= now, _history.STANDING)
    numbers = select(entry.c.number).where(due)
    counted = connection.execute(
        select(entry.c.set_number, mention.c.source_number, func.count())
        .join(mention, mention.c.entry_number == entry.c.number)
        .where(due, mention.c.ended.is_(None))
        .group_by(entry.c.set_number, mention.c.source_number)
    ).all()
    connection.execute(
        update(mention)
        .where(mention.c.entry_number.in_(numbers), mention.c.ended.is_(None))
        .values(ended=now)
    )
    for set_number, source_number, count in counted:
        hold(connection, set_number, source_number, -count)
    return _withdraw(connection, due, "expired", now)


def confirm(
    connection: Connection,
    set_number: int,
    keys: Sequence[tuple[str, str]],
    *,
    person: str,
    now: int,
) -> int:
    """Make leads active, parked entries too."""
    return _turn(
        connection,
        set_number,
        keys,
        entry.c.state.in_(("seed", "parked")),
        state="active",
        changed=now,
        reason=f"confirmed by {person}",
    )


def park(
    connection: Connection,
    set_number: int,
    keys: Sequence[tuple[str, str]],
    *,
    reason: str,
    now: int,
) -> int:
    """Make entries leads until a person confirms them."""
    free = entry.c.state.in_(("active", "seed"))
    values = {"state": "parked", "changed": now, "reason": reason}
    return _turn(connection, set_number, keys, free, **values)


def _turn(
    connection: Connection,
    set_number: int,
    keys: Sequence[tuple[str, str]],
    chosen: _Chosen,
    **values: Any,
) -> int:
    """Change the state of entries that stay to be found; a delta tells it."""
    turned = 0
    for numbers in numbers_of(connection, set_number, keys):
        query = select(entry.c.number).where(_among(connection, entry.c.number, numbers), chosen)
        found = connection.scalars(query.order_by(entry.c.number)).all()
        connection.execute(
            update(entry).where(_among(connection, entry.c.number, found)).values(**values)
        )
        _history.record_found(connection, found)
        turned += len(found)
    return turned


def numbers_of(
    connection: Connection, set_number: int, keys: Sequence[tuple[str, str]]
) -> Iterator[list[int]]:
    """Numbers of the entries of these keys, in chunks; a key that is not there is passed over."""
    by_kind: dict[str, set[bytes]] = {}
    for kind, value in keys:
        try:
            by_kind.setdefault(kind, set()).add(to_value(kind, value.strip()))
        except ValueError:
            continue
    for kind, values in by_kind.items():
        for chunk in _chunks(values):
            query = select(entry.c.number).where(
                entry.c.set_number == set_number,
                entry.c.kind == kind,
                _among(connection, entry.c.value, chunk),
            )
            yield list(connection.scalars(query))


def _end_mentions(
    connection: Connection,
    set_number: int,
    source_number: int,
    chosen: _Chosen,
    now: int,
) -> _Chosen:
    """End mentions of a source; the condition finds the entries that they named."""
    of_source = mention.c.source_number == source_number
    ended = connection.execute(
        update(mention).where(chosen, of_source, mention.c.ended.is_(None)).values(ended=now)
    )
    if ended.rowcount:
        hold(connection, set_number, source_number, -ended.rowcount)
    named = mention.c.entry_number == entry.c.number
    return exists().where(named, of_source, mention.c.ended == now)


def _withdraw(connection: Connection, chosen: _Chosen, reason: str, now: int) -> int:
    return _history.lose(
        connection, chosen, state="withdrawn", withdrawn=now, changed=now, reason=reason
    )


def _among(connection: Connection, column: Column[Any], values: Sequence[Any]) -> _Chosen:
    """Rows whose column has one of many values."""
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    # One array: ten thousand parameters cost more to bind and to plan than rows to find.
    return column == any_(literal(values, ARRAY(column.type)))


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(values)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk
