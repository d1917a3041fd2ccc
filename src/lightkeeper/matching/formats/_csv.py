"""CSV: Lightkeeper's own columns, or anybody's through a mapping."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching.formats._fields import FIELDS, LABELS, columns_of, entry_of
from lightkeeper.matching.formats._lines import is_text, pieces
from lightkeeper.matching.formats._mapping import Mapping, hash_columns, meaning
from lightkeeper.matching.formats._row import RAW_CHARACTERS, Block, RejectedRowError, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from lightkeeper.matching._columns import EntryColumns

PROVENANCE: Final = ("set", "origin", "owner", "handling", "terms", "exported")
"""Columns of an export that repeat what is known of the set."""

_OWN: Final = (FIELDS - {"labels"}) | set(LABELS)
_COMMON: Final = frozenset({"kind", "value", "source_id", "variant", "quality", *LABELS})
"""Fields that are read many at once."""
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


def read_csv(
    stream: BinaryIO, *, source: str | None, now: datetime, mapping: Mapping | None = None
) -> Iterator[Row | Block]:
    """Read a CSV file; without a mapping the header must name fields of the own format.

    Raises
    ------
    InvalidConfiguration
        The header lacks a column of the mapping, or has one that is not a field.
    """
    delimiter = mapping.delimiter if mapping else ","
    feed = _Feed(stream, mapping.comment if mapping else None, delimiter)
    records = csv.reader(feed, delimiter=delimiter, strict=True)
    header = None if mapping and not mapping.header else _header(records)
    plan = _own_plan(header or []) if mapping is None else _mapped_plan(mapping, header)
    yield from _rows(records, feed, plan, source=source, now=now)


class _Feed:
    """Lines for the CSV reader, and which of them it has taken."""

    def __init__(self, stream: BinaryIO, comment: str | None, delimiter: str) -> None:
        self._pieces = pieces(stream)
        self._piece: list[str | None] = []
        self._taken = 0
        self._comment = comment
        self.delimiter = delimiter
        self.number = 0
        self.line = ""
        self.too_long: list[int] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        while True:
            if not self._more():
                raise StopIteration
            line = self._piece[self._taken]
            self._taken += 1
            self.number += 1
            if line is None:
                self.too_long.append(self.number)
            elif self._comment is None or not line.startswith(self._comment):
                self.line = line
                return line + "\n"

    def plain_piece(self) -> list[Any]:
        """Lines that follow, where they are records without quotes and none is taken yet."""
        if not self._more() or self._taken or None in self._piece:
            return []
        lines: list[Any] = self._piece
        text = "\n".join(lines)
        comments = self._comment is not None and self._comment in text
        return [] if comments or '"' in text or not is_text(text) else lines

    def skip(self) -> None:
        """Take all of a piece."""
        self.number += len(self._piece) - self._taken
        self._taken = len(self._piece)

    def _more(self) -> bool:
        if self._taken == len(self._piece):
            self._piece, self._taken = next(self._pieces, []), 0
        return bool(self._piece)


class _Column(NamedTuple):
    cell: int
    name: str
    read: Callable[[str], Any]


class _Plan(NamedTuple):
    width: int | None
    """Cells of every row; ``None`` where there is no header to say so."""
    columns: Sequence[_Column]
    hashes: Sequence[tuple[int, str]]
    """Columns that each hold a hash of its own kind."""
    constants: dict[str, Any]


def _header(records: Iterator[list[str]]) -> list[str]:
    try:
        return [name.strip() for name in next(records)]
    except StopIteration:
        raise InvalidConfiguration("the CSV file is empty") from None
    except csv.Error as error:
        raise InvalidConfiguration(f"the header of the CSV file is broken: {error}") from error


def _own_plan(header: list[str]) -> _Plan:
    strange = [name for name in header if name not in _OWN and name not in PROVENANCE]
    if strange or "value" not in header or len(set(header)) != len(header):
        raise InvalidConfiguration(
            "the columns are not Lightkeeper's own",
            hint="say what the columns mean in a mapping file: --mapping FILE",
        )
    columns = [_column(i, name, None) for i, name in enumerate(header) if name in _OWN]
    return _Plan(len(header), columns, (), {})


def _mapped_plan(mapping: Mapping, header: list[str] | None) -> _Plan:
    hashes = hash_columns(mapping)
    columns = [
        _column(_index(column, header), target, mapping)
        for column, target in mapping.columns.items()
        if column not in hashes
    ]
    constants = {name: _reader(name, None)(text) for name, text in mapping.constants.items()}
    kinds = [(_index(column, header), kind) for column, kind in hashes.items()]
    return _Plan(len(header) if header else None, columns, kinds, constants)


def _index(column: str, header: list[str] | None) -> int:
    if header is None:
        if not column.isdecimal() or int(column) < 1:
            raise InvalidConfiguration(
                f"without a header a column is its number from 1, not '{column}'"
            )
        return int(column) - 1
    if header.count(column) != 1:
        raise InvalidConfiguration(f"the file has no single column '{column}'")
    return header.index(column)


def _column(index: int, name: str, mapping: Mapping | None) -> _Column:
    return _Column(index, name, _reader(name, mapping))


def _rows(
    records: Iterator[list[str]],
    feed: _Feed,
    plan: _Plan,
    *,
    source: str | None,
    now: datetime,
) -> Iterator[Row | Block]:
    while True:
        if block := _block(feed, plan, source, now):
            yield block
            continue
        try:
            record = next(records)
            yield from _too_long(feed)
            if record:
                yield from _entries(record, feed, plan, source, now)
        except StopIteration:
            yield from _too_long(feed)
            return
        except csv.Error:
            yield _rejected(feed, "bad-csv")
        except RejectedRowError as error:
            yield _rejected(feed, error.reason)


def _block(feed: _Feed, plan: _Plan, source: str | None, now: datetime) -> Block | None:
    """Many records at once; ``None`` where one of them is not like most."""
    lines = feed.plain_piece()
    if not lines or plan.hashes or plan.constants.keys() - _COMMON:
        return None
    try:
        records = list(csv.reader(lines, delimiter=feed.delimiter, strict=True))
        if plan.width is not None and {*map(len, records)} != {plan.width}:
            return None
        entries = _columns(list(zip(*records, strict=True)), plan, source, now)
    except (csv.Error, ValueError, IndexError, RejectedRowError):
        return None
    first = feed.number + 1
    feed.skip()
    return Block(entries, list(range(first, first + len(lines))), lines)


def _columns(
    cells: list[tuple[str, ...]], plan: _Plan, source: str | None, now: datetime
) -> EntryColumns:
    rows = len(cells[0])
    said: dict[str, Sequence[Any]] = {n: [v] * rows for n, v in plan.constants.items()}
    for cell, name, read in plan.columns:
        texts = cells[cell]
        meant = {text: read(text.strip()) if text.strip() else None for text in {*texts}}
        if name in plan.constants or (name not in _COMMON and {*meant.values()} != {None}):
            raise RejectedRowError("unlike-most")
        said[name] = [meant[text] for text in texts]
    unsaid = [None] * rows
    return columns_of(
        said.get("kind", unsaid),
        said.get("value", unsaid),
        source=source,
        now=now,
        source_ids=said.get("source_id", unsaid),
        variants=said.get("variant", unsaid),
        qualities=said.get("quality", unsaid),
        labels=list(zip(*(said.get(name, unsaid) for name in LABELS), strict=True)),
    )


def _entries(
    record: list[str], feed: _Feed, plan: _Plan, source: str | None, now: datetime
) -> Iterator[Row]:
    if plan.width is not None and len(record) != plan.width:
        raise RejectedRowError("bad-columns")
    if not is_text(feed.line):
        raise RejectedRowError("bad-encoding")
    fields = _fields(record, plan)
    speaker = _speaker(fields, source)
    if not plan.hashes:
        yield Row(
            feed.number,
            entry_of(fields, source=speaker, now=now),
            raw=feed.line,
            source=speaker if speaker != source else None,
        )
        return
    yield from _several(record, feed, plan, fields, (speaker, source), now)


def _several(
    record: list[str],
    feed: _Feed,
    plan: _Plan,
    fields: dict[str, Any],
    voices: tuple[str | None, str | None],
    now: datetime,
) -> Iterator[Row]:
    """One entry for each cell that holds a hash; a bad one does not spoil its neighbours."""
    speaker, source = voices
    found = [(_cell(record, i).strip(), kind) for i, kind in plan.hashes]
    if not any(value for value, _ in found):
        raise RejectedRowError("missing-value")
    for value, kind in found:
        if not value:
            continue
        try:
            entry = entry_of({**fields, "kind": kind, "value": value}, source=speaker, now=now)
        except RejectedRowError as error:
            yield _rejected(feed, error.reason)
        else:
            other = speaker if speaker != source else None
            yield Row(feed.number, entry, raw=feed.line, source=other)


def _fields(record: list[str], plan: _Plan) -> dict[str, Any]:
    fields = dict(plan.constants)
    labels = {name: fields.pop(name) for name in LABELS if name in fields}
    for cell, name, read in plan.columns:
        text = _cell(record, cell).strip()
        if text:
            value = read(text)
            if name in LABELS:
                labels[name] = value
            else:
                fields[name] = value
    if labels:
        fields["labels"] = labels
    return fields


def _speaker(fields: dict[str, Any], source: str | None) -> str | None:
    """The organisation that a column names stands under the one that sent the list."""
    own = fields.pop("source", None)
    return source if own is None or source is None else f"{source}/{own}"


def _cell(record: list[str], index: int) -> str:
    if index >= len(record):
        raise RejectedRowError("bad-columns")
    return record[index]


def _reader(name: str, mapping: Mapping | None) -> Callable[[str], Any]:
    read = _READ.get(name, str)
    if mapping is None or name not in mapping.values:
        return read

    def mapped(text: str) -> Any:
        means = meaning(mapping, name, text)
        if means is None:
            raise RejectedRowError("unmapped-value")
        return read(means) if means else None

    return mapped


def _flag(text: str) -> bool:
    lower = text.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    raise RejectedRowError("bad-field")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 10:
        raise RejectedRowError("bad-field")
    return int(text)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RejectedRowError("bad-field") from None


_READ: Final[dict[str, Callable[[str], Any]]] = {
    "quality": _number,
    "votes_for": _number,
    "votes_against": _number,
    "computer_generated": _flag,
    "modelled_after_person": _flag,
    "victim_identified": _flag,
    "mentions": _json,
}


def _too_long(feed: _Feed) -> Iterator[Row]:
    for number in feed.too_long:
        yield Row(number, reason="line-too-long")
    feed.too_long.clear()


def _rejected(feed: _Feed, reason: str) -> Row:
    return Row(feed.number, reason=reason, raw=feed.line[:RAW_CHARACTERS])
