"""Adding rows that are given as columns."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain, count, islice, repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

_ROWS = 500
"""Rows of one statement in SQLite."""


def insert_columns(
    connection: Connection, table: str, columns: Mapping[str, Any], *, verb: str = "INSERT"
) -> None:
    """Add rows; a value that is no list is that of every row. At least one column is a list."""
    rows = max(len(values) for values in columns.values() if isinstance(values, list))
    same, varying = _sorted_out(columns, rows)
    if connection.dialect.name == "sqlite":
        _insert_sqlite(connection, (verb, table), same, varying, rows)
    else:
        _copy(connection, table, same, varying, rows)


def _sorted_out(
    columns: Mapping[str, Any], rows: int
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Columns with one value in all rows, if any at all, and the others."""
    same: dict[str, Any] = {}
    varying: dict[str, list[Any]] = {}
    for name, values in columns.items():
        if not isinstance(values, list):
            same[name] = values
        elif values[0] != values[-1] or values.count(values[0]) < rows:
            varying[name] = values
        elif values[0] is not None:
            same[name] = values[0]
    return same, varying


def _insert_sqlite(
    connection: Connection,
    into: tuple[str, str],
    same: Mapping[str, Any],
    varying: Mapping[str, list[Any]],
    rows: int,
) -> None:
    # Many rows in one statement, and what they share bound once, take a third less than the same
    # statement for each row.
    remaining = zip(*varying.values(), strict=True)
    for start in range(0, rows, _ROWS):
        size = min(_ROWS, rows - start)
        statement = _statement(*into, tuple(same), tuple(varying), size)
        values = chain.from_iterable(islice(remaining, size))
        connection.exec_driver_sql(statement, (*same.values(), *values))


@lru_cache(maxsize=32)
def _statement(
    verb: str, table: str, same: tuple[str, ...], varying: tuple[str, ...], rows: int
) -> str:
    shared = [f"?{i + 1}" for i in range(len(same))]
    marks = count(len(same) + 1)
    values = (", ".join((*shared, *(f"?{next(marks)}" for _ in varying))) for _ in range(rows))
    return f"{verb} INTO {table} ({', '.join((*same, *varying))}) VALUES ({'), ('.join(values)})"


def _copy(
    connection: Connection,
    table: str,
    same: Mapping[str, Any],
    varying: Mapping[str, list[Any]],
    rows: int,
) -> None:
    driver: Any = connection.connection.driver_connection
    named = ", ".join((*same, *varying))
    constant = (repeat(value, rows) for value in same.values())
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
        for row in zip(*constant, *varying.values(), strict=True):
            copy.write_row(row)
