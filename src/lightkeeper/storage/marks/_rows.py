"""Reading and writing rows of registries and entries, within a transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from lightkeeper.errors import InvalidConfiguration, MatchError
from lightkeeper.evidence.watermark.registry._wire import entry_id, entry_line, parse_entry
from lightkeeper.storage.marks._tables import mark_entry, mark_registry, mark_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from lightkeeper.evidence.watermark.registry import MarkEntry

    Lines = Mapping[bytes, tuple[int, bytes]]

_PAGE: Final = 500
"""Of digests in one statement."""


def begin(connection: Connection) -> None:
    """Keep other writers out until the end, and count this change."""
    connection.execute(select(mark_store.c.id).with_for_update())
    connection.execute(update(mark_store).values(revision=mark_store.c.revision + 1))


def registry_named(connection: Connection, name: str) -> Any:
    """The row of a registry, or ``None``."""
    query = select(mark_registry).where(mark_registry.c.name == name)
    return connection.execute(query).one_or_none()


def known_registry(connection: Connection, name: str) -> Any:
    """The row of a registry that must be there."""
    row = registry_named(connection, name)
    if row is None:
        raise MatchError(f"there is no registry '{name}'")
    return row


def make_registry(connection: Connection, **values: Any) -> int:
    """Number of a new registry."""
    made = connection.execute(insert(mark_registry).values(**values)).inserted_primary_key
    assert made is not None
    return int(made[0])


def set_registry(connection: Connection, number: int, **values: Any) -> None:
    """Change what is said of a registry."""
    mine = mark_registry.c.number == number
    connection.execute(update(mark_registry).where(mine).values(**values))


def kept_entry(record: bytes, name: str) -> MarkEntry:
    """The entry of a row.

    Raises
    ------
    MatchError
        It is none: the data base was changed by another hand.
    """
    try:
        return parse_entry(bytes(record), where=name)
    except InvalidConfiguration as error:
        raise MatchError(
            f"an entry that is kept cannot be read: {error}", hint=error.hint
        ) from None


def lines_of(entries: Iterable[MarkEntry]) -> dict[bytes, tuple[int, bytes]]:
    """Payload and line of each entry, by its identity, which a withdrawal leaves as it is."""
    return {entry_id(entry): (entry.payload, entry_line(entry)) for entry in entries}


def insert_lines(connection: Connection, number: int, lines: Lines) -> int:
    """Add those that are not there yet; how many were added."""
    added = 0
    for digests in _pages(list(lines)):
        held = select(mark_entry.c.digest).where(
            mark_entry.c.registry_number == number, mark_entry.c.digest.in_(digests)
        )
        there = {bytes(digest) for digest in connection.scalars(held)}
        rows = [_row(number, d, *lines[d]) for d in digests if d not in there]
        if rows:
            connection.execute(insert(mark_entry), rows)
        added += len(rows)
    return added


def follow_changes(connection: Connection, number: int, lines: Lines, name: str) -> None:
    """Write what became of entries that are there already: withdrawn, or shown with a sketch.

    Raises
    ------
    MatchError
        One that was withdrawn would count again.
    """
    for digests in _pages(list(lines)):
        held = select(mark_entry.c.number, mark_entry.c.digest, mark_entry.c.record).where(
            mark_entry.c.registry_number == number, mark_entry.c.digest.in_(digests)
        )
        for row in connection.execute(held).all():
            line = lines[bytes(row.digest)][1]
            if line == bytes(row.record):
                continue
            old, new = kept_entry(row.record, name), parse_entry(line, where=name)
            if old.withdrawn not in (None, new.withdrawn):
                raise MatchError(
                    f"an entry of '{name}' was withdrawn, and this file says otherwise",
                    hint="a withdrawal is final; ask its owner for an entry of its own",
                )
            if new.fingerprint.sketch is None:
                # What was seen once stays: the entry commits to it.
                new = replace(new, fingerprint=old.fingerprint)
            set_record(connection, row.number, entry_line(new))


def entries_of(connection: Connection, number: int, payload: int) -> list[Any]:
    """Number and record of the entries of a payload in one registry, oldest first."""
    query = (
        select(mark_entry.c.number, mark_entry.c.record)
        .where(mark_entry.c.registry_number == number, mark_entry.c.payload == payload)
        .order_by(mark_entry.c.number)
    )
    return list(connection.execute(query).all())


def set_record(connection: Connection, number: int, line: bytes) -> None:
    """Change what is kept of an entry, whose identity stays."""
    mine = mark_entry.c.number == number
    connection.execute(update(mark_entry).where(mine).values(record=line))


def remove_others(connection: Connection, number: int, lines: Lines) -> int:
    """Remove the entries of a registry that are none of these; how many went."""
    held = select(mark_entry.c.digest).where(mark_entry.c.registry_number == number)
    gone = [d for digest in connection.scalars(held) if (d := bytes(digest)) not in lines]
    for digests in _pages(gone):
        connection.execute(
            delete(mark_entry).where(
                mark_entry.c.registry_number == number, mark_entry.c.digest.in_(digests)
            )
        )
    return len(gone)


def _row(number: int, digest: bytes, payload: int, line: bytes) -> dict[str, Any]:
    return {"registry_number": number, "payload": payload, "digest": digest, "record": line}


def _pages(values: list[bytes]) -> Iterator[list[bytes]]:
    return (values[start : start + _PAGE] for start in range(0, len(values), _PAGE))
