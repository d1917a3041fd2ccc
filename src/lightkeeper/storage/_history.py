"""The order in which entries began and ceased to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, insert, select, update

from lightkeeper.matching import Change
from lightkeeper.storage._engine import reading
from lightkeeper.storage._rows import from_value
from lightkeeper.storage._schema import entry, span, store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine

STANDING = entry.c.state.in_(("active", "seed", "parked"))
"""Entries that a look-up finds: what matches, and what it shows as leads."""
_PAGE = 10_000


class _Span(NamedTuple):
    first_revision: int
    set_number: int
    after_number: int
    last_number: int

    @property
    def last_revision(self) -> int:
        return self.first_revision + self.last_number - self.after_number - 1


def record_span(connection: Connection, set_number: int, *, after: int, last: int) -> None:
    """Record that standing entries in (after, last] changed; ``last`` is one of them."""
    revision = last_revision(connection)
    newest = connection.execute(
        select(span).order_by(span.c.first_revision.desc()).limit(1)
    ).first()
    # A run of batches is one span: a million single additions must not cost a page each to read.
    if (
        newest is not None
        and _Span(*newest).last_revision == revision
        and (newest.set_number, newest.last_number) == (set_number, after)
    ):
        connection.execute(
            update(span)
            .where(span.c.first_revision == newest.first_revision)
            .values(last_number=last)
        )
    else:
        connection.execute(
            insert(span).values(
                first_revision=revision + 1,
                set_number=set_number,
                after_number=after,
                last_number=last,
            )
        )
    _advance(connection, revision + last - after)


def record_found(connection: Connection, numbers: Sequence[int]) -> None:
    """Record that single entries are to be found, as matches or as leads."""
    if not numbers:
        return
    revision = last_revision(connection)
    rows = [{"key": number, "to": revision + 1 + i} for i, number in enumerate(numbers)]
    connection.execute(
        update(entry).where(entry.c.number == bindparam("key")).values(revision=bindparam("to")),
        rows,
    )
    _advance(connection, revision + len(rows))


def lose(connection: Connection, chosen: ColumnElement[bool], **values: Any) -> int:
    """Change those chosen that are standing, and record that they are not to be found any more."""
    revision = last_revision(connection)
    # One statement: each rewrite of a row costs PostgreSQL an entry in every index.
    lost = connection.execute(
        update(entry).where(chosen, STANDING).values(revision=entry.c.number + revision, **values)
    )
    if lost.rowcount:
        _advance(connection, connection.scalars(select(func.max(entry.c.revision))).one())
    return int(lost.rowcount)


def last_revision(connection: Connection) -> int:
    """Revision of the newest change."""
    return connection.scalar(select(store.c.revision)) or 0


def _advance(connection: Connection, revision: int) -> None:
    connection.execute(update(store).values(revision=revision))


def changes(engine: Engine, after: int) -> Iterator[Change]:
    """History after a revision, a page at a time, so that no snapshot is held for long."""
    finished = False
    while not finished:
        found: list[Change] = []
        with reading(engine) as connection:
            while not finished and len(found) < _PAGE:
                page, after, finished = _page(connection, after)
                found += page
        yield from found


def _page(connection: Connection, after: int) -> tuple[list[Change], int, bool]:
    """Changes after a revision, the revision up to which that is all, and whether it is the end."""
    begun = select(func.max(span.c.first_revision)).where(span.c.first_revision <= after + 1)
    ends = span.c.first_revision + span.c.last_number - span.c.after_number
    row = connection.execute(
        select(span)
        .where(span.c.first_revision >= func.coalesce(begun.scalar_subquery(), 0))
        .where(ends > after + 1)
        .order_by(span.c.first_revision)
        .limit(1)
    ).first()
    run = None if row is None else _Span(*row)
    if run is None or run.first_revision > after + 1:
        until = last_revision(connection) if run is None else run.first_revision - 1
        page = _single(connection, after, until)
        if len(page) == _PAGE:
            return page, page[-1].revision, False
        return page, until, run is None
    page = _of_span(connection, run, after)
    reached = page[-1].revision if len(page) == _PAGE else run.last_revision
    return page, reached, reached >= last_revision(connection)


def _single(connection: Connection, after: int, until: int) -> list[Change]:
    rows = connection.execute(
        select(
            entry.c.revision,
            entry.c.number,
            entry.c.set_number,
            entry.c.kind,
            entry.c.value,
            STANDING,
        )
        .where(entry.c.revision > after, entry.c.revision <= until)
        .order_by(entry.c.revision)
        .limit(_PAGE)
    )
    return [Change(r[0], r[1], r[2], r[3], from_value(r[3], r[4]), bool(r[5])) for r in rows]


def _of_span(connection: Connection, run: _Span, after: int) -> list[Change]:
    """Standing entries of a span: others that once stood carry a later revision of their own."""
    offset = run.first_revision - run.after_number - 1
    rows = connection.execute(
        select(entry.c.number, entry.c.kind, entry.c.value)
        .where(
            entry.c.set_number == run.set_number,
            entry.c.number > max(run.after_number, after - offset),
            entry.c.number <= run.last_number,
            STANDING,
        )
        .order_by(entry.c.number)
        .limit(_PAGE)
    )
    return [
        Change(offset + r[0], r[0], run.set_number, r[1], from_value(r[1], r[2]), matches=True)
        for r in rows
    ]
