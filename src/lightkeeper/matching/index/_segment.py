"""A segment: entries that no longer change, and the marks of those that no longer count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.matching.index._sections import damaged, open_sections, write_sections
from lightkeeper.matching.index._table import Table, arrange, table_of, table_parts
from lightkeeper.matching.index._values import Items, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.matching.index._manifest import SegmentName

    Marks = dict[Kind, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Segment:
    """Tables by kind, and bits of their dead rows; marks are replaced, never changed in place."""

    tables: Mapping[Kind, Table]
    marks: Marks
    size_bytes: int = 0

    @property
    def rows(self) -> int:
        """Rows, dead ones included."""
        return sum(table.size for table in self.tables.values())

    def live(self, kind: Kind) -> int:
        """Rows of a kind that count."""
        return self.tables[kind].size - int(np.bitwise_count(self.marks[kind]).sum())

    def live_rows(self) -> int:
        """Rows that count."""
        return sum(self.live(kind) for kind in self.tables)

    def dead(self) -> int:
        """Rows that no longer count."""
        return self.rows - self.live_rows()

    def without(self, entry_numbers: NDArray[np.uint64]) -> Segment:
        """The same tables with more rows marked; itself where none of them is new."""
        marks: Marks = {}
        for kind, table in self.tables.items():
            copy = self.marks[kind].copy()
            if table.mark(entry_numbers, copy):
                marks[kind] = copy
        return Segment(self.tables, {**self.marks, **marks}, self.size_bytes) if marks else self

    def live_items(self, kind: Kind) -> Items:
        """Copies of the rows of a kind that count."""
        table = self.tables[kind]
        dead = np.unpackbits(self.marks[kind], count=table.size, bitorder="little")
        return table.rows(dead == 0)


def segment_of(items: Mapping[Kind, Items]) -> Segment:
    """A segment in memory, without buckets."""
    tables = {kind: arrange(kind, rows) for kind, rows in items.items() if len(rows.words)}
    return Segment(tables, {kind: table.no_marks() for kind, table in tables.items()})


def write_segment(path: Path, segment: Segment) -> None:
    """Write the tables of a segment durably, with buckets."""
    write_sections(path, (p for table in segment.tables.values() for p in table_parts(table)))


def write_marks(path: Path, segment: Segment) -> None:
    """Write the marks of a segment durably."""
    write_sections(path, ((kind.label, marks) for kind, marks in segment.marks.items()))


def open_segment(
    folder: Path, names: SegmentName, *, known: Segment | None = None, thoroughly: bool = False
) -> Segment:
    """Map a segment, unless its tables are known, and copy its marks.

    Raises
    ------
    MatchError
        A header is damaged or, ``thoroughly``, anything is.
    FileNotFoundError
    """
    opened = known or _open_tables(folder / names.segment, thoroughly)
    marks = {kind: table.no_marks() for kind, table in opened.tables.items()}
    if names.marks:
        _read_marks(folder / names.marks, marks)
    return Segment(opened.tables, marks, opened.size_bytes)


def _open_tables(path: Path, thoroughly: bool) -> Segment:
    file = open_sections(path)
    if thoroughly:
        file.check(path)
    kinds = [kind for kind in Kind if f"{kind.label}.words" in file.arrays]
    try:
        return Segment({k: table_of(k, file.arrays) for k in kinds}, {}, file.size_bytes)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def _read_marks(path: Path, marks: Marks) -> None:
    file = open_sections(path)
    file.check(path)  # small, and a wrong bit hides an entry
    for kind, none in marks.items():
        found = file.arrays.get(kind.label)
        if found is None or len(found) != len(none) or found.dtype != np.uint8:
            raise damaged(path, f"it does not fit the segment's {kind.label}")
        marks[kind] = found.copy()


def join(parts: list[Items]) -> Items:
    """Rows of several in one."""
    return Items(
        np.concatenate([part.words for part in parts]),
        np.concatenate([part.entry_numbers for part in parts]),
        np.concatenate([part.set_numbers for part in parts]),
    )
