"""Reading entries, a page at a time."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lightkeeper.storage._engine import reading
from lightkeeper.storage._rows import to_entry, to_set
from lightkeeper.storage._schema import entry, hash_set, mention, source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine

    from lightkeeper.matching import Entry, HashSet

_PAGE = 5_000


def entries(
    engine: Engine, set_number: int, *, after: int, changed_since: int | None
) -> Iterator[Entry]:
    """Entries of a set by number."""
    while True:
        chosen = [entry.c.set_number == set_number, entry.c.number > after]
        if changed_since is not None:
            chosen.append(entry.c.changed >= changed_since)
        with reading(engine) as connection:
            page = _page(connection, *chosen)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].number


def entries_by_number(engine: Engine, numbers: Sequence[int]) -> dict[int, tuple[HashSet, Entry]]:
    """Entries and their sets."""
    found: dict[int, tuple[HashSet, Entry]] = {}
    with reading(engine) as connection:
        known = {row.number: to_set(row) for row in connection.execute(select(hash_set))}
        for start in range(0, len(numbers), _PAGE):
            chosen = entry.c.number.in_(numbers[start : start + _PAGE])
            rows = connection.execute(select(entry.c.number, entry.c.set_number).where(chosen))
            of_set = {row.number: known[row.set_number] for row in rows}
            for one in _page(connection, chosen):
                found[one.number] = (of_set[one.number], one)
    return found


def _page(connection: Connection, *chosen: ColumnElement[bool]) -> list[Entry]:
    page = select(entry).where(*chosen).order_by(entry.c.number).limit(_PAGE)
    rows = connection.execute(page).all()
    named = _mentions(connection, page.with_only_columns(entry.c.number).subquery())
    return [to_entry(row, _told(row, named.get(row.number, ()))) for row in rows]


def _told(row: Any, mentions: Sequence[Any]) -> Sequence[Any]:
    """Who names an entry at present; of a withdrawn one, who ever did."""
    if row.state == "withdrawn":
        return mentions
    return [mention for mention in mentions if mention.ended is None]


def _mentions(connection: Connection, numbers: Any) -> dict[int, list[Any]]:
    rows = connection.execute(
        select(mention, source.c.name)
        .join(source, source.c.number == mention.c.source_number)
        .where(mention.c.entry_number.in_(select(numbers.c.number)))
        .order_by(mention.c.entry_number)
    )
    return {
        number: list(of_entry) for number, of_entry in groupby(rows, attrgetter("entry_number"))
    }
