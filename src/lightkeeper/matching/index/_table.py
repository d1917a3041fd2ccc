"""One kind's entries in the order in which they are searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.errors import MatchError
from lightkeeper.matching.index._chunks import (
    INDEXED_RADIUS,
    MOST_CHUNKS,
    chunk_count,
    chunks,
    offset_count,
    probes,
)
from lightkeeper.matching.index._values import Items, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    Found = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint16]]
    """Query, row and distance of each hit."""

_NOTHING = np.zeros(0, np.uint32)
_NOTHING.flags.writeable = False
_SCRATCH = 16_384
_ROOM = 1024


@dataclass(frozen=True, slots=True)
class Table:
    """Entries of one kind: PDQ in the order of their numbers, digests sorted by first word."""

    kind: Kind
    words: NDArray[np.uint64]
    """Flat."""
    numbers: NDArray[Any]
    sets: NDArray[Any]
    order: NDArray[np.uint32]
    """Rows by entry number, for digests."""
    bucket_rows: NDArray[np.uint32]
    offsets: NDArray[np.uint32]

    @property
    def size(self) -> int:
        """How many rows there are, dead ones included."""
        return len(self.numbers)

    def no_marks(self) -> NDArray[np.uint8]:
        """A bit for each row, none set."""
        return np.zeros(self.size // 8 + 1, np.uint8)

    def mark(self, entry_numbers: NDArray[np.uint64], marks: NDArray[np.uint8]) -> int:
        """Set the bits of these entries; returns how many were new."""
        from lightkeeper.matching.index import _kernels

        wanted = read_only(entry_numbers)
        return _checked(_kernels.mark_rows(self.numbers, self.order, wanted, marks))

    def search(self, queries: NDArray[np.uint64], radius: int, dead: NDArray[np.uint8]) -> Found:
        """Rows within a radius of flat queries, except the dead."""
        from lightkeeper.matching.index import _kernels

        if not self.offsets.size or radius > INDEXED_RADIUS:
            return _collect(
                lambda *room: _kernels.search_all(self.words, dead, queries, radius, *room)
            )
        count = len(self.bucket_rows) // self.size
        plan, near = chunks(count), probes(count, radius)
        scratch = np.empty(_SCRATCH, np.uint32)
        return _collect(
            lambda *room: _kernels.search_buckets(
                self.words,
                dead,
                plan.starts,
                plan.lengths,
                near.limits,
                near.masks,
                near.mask_ends,
                self.offsets,
                plan.offset_bases,
                self.bucket_rows,
                queries,
                radius,
                scratch,
                *room,
            )
        )

    def find(self, wanted: NDArray[np.uint64], dead: NDArray[np.uint8]) -> Found:
        """Rows equal to flat digests, except the dead."""
        from lightkeeper.matching.index import _kernels

        return _collect(
            lambda query, row, _: _kernels.find_equal(
                self.words, self.kind.width, dead, wanted, query, row
            )
        )

    def rows(self, chosen: NDArray[Any]) -> Items:
        """Copies of some rows."""
        words = self.words.reshape(-1, self.kind.width)[chosen]
        numbers = self.numbers[chosen].astype(np.uint64)
        return Items(words, numbers, self.sets[chosen].astype(np.uint32))


def _collect(search: Callable[..., int]) -> Found:
    room = _ROOM
    while True:
        # The distance of equal values stays zero.
        found = (np.empty(room, np.uint32), np.empty(room, np.uint32), np.zeros(room, np.uint16))
        count = _checked(search(*found))
        if count <= room:
            return found[0][:count], found[1][:count], found[2][:count]
        room = count


def _checked(count: int) -> int:
    if count < 0:
        raise MatchError(
            "a segment of the index is damaged",
            hint="rebuild the index from the store: lightkeeper index build",
        )
    return int(count)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Contiguous and not writeable, as mapped files are: kernels are compiled for one of both."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def arrange(kind: Kind, items: Items) -> Table:
    """Sort entries as they are searched, without buckets.

    Raises
    ------
    MatchError
        An entry number stands there twice.
    """
    by_number = _by_number(items.entry_numbers)
    if kind is Kind.PDQ:
        order, rows = _NOTHING, by_number
    else:
        rows = np.argsort(items.words[:, 0], kind="stable")
        order = _inverse(rows)[by_number]
    narrow = np.uint32 if _largest(items.entry_numbers) <= np.iinfo(np.uint32).max else np.uint64
    set_type = np.min_scalar_type(_largest(items.set_numbers))
    return Table(
        kind,
        read_only(items.words[rows].reshape(-1)),
        read_only(items.entry_numbers[rows].astype(narrow)),
        read_only(items.set_numbers[rows].astype(set_type)),
        read_only(order),
        _NOTHING,
        _NOTHING,
    )


def _by_number(numbers: NDArray[np.uint64]) -> Any:
    if not np.all(numbers[1:] > numbers[:-1]):
        rows = np.argsort(numbers, kind="stable")
        ordered = numbers[rows]
        if np.any(ordered[1:] == ordered[:-1]):
            raise MatchError("an entry number stands twice in what the index is to be built from")
        return rows
    return slice(None)


def _inverse(rows: NDArray[np.intp]) -> NDArray[np.uint32]:
    inverse = np.empty(len(rows), np.uint32)
    inverse[rows] = np.arange(len(rows), dtype=np.uint32)
    return inverse


def _largest(numbers: NDArray[Any]) -> int:
    return int(numbers.max(initial=0))


def table_parts(table: Table) -> Iterator[tuple[str, NDArray[Any]]]:
    """Arrays of a table for its file; buckets are made one chunk at a time."""
    label = table.kind.label
    yield f"{label}.words", table.words
    yield f"{label}.numbers", table.numbers
    yield f"{label}.sets", table.sets
    if table.kind is not Kind.PDQ:
        yield f"{label}.order", table.order
    elif count := chunk_count(table.size):
        yield from _bucket_parts(table, count)


def _bucket_parts(table: Table, count: int) -> Iterator[tuple[str, NDArray[Any]]]:
    from lightkeeper.matching.index import _kernels

    plan = chunks(count)
    all_offsets = []
    for start, length in zip(plan.starts.tolist(), plan.lengths.tolist(), strict=True):
        offsets, rows = np.zeros((1 << length) + 1, np.uint32), np.empty(table.size, np.uint32)
        _kernels.sort_into_buckets(table.words, start, length, offsets, rows)
        all_offsets.append(offsets)
        yield "pdq.bucket_rows", rows
    for offsets in all_offsets:
        yield "pdq.offsets", offsets


def table_of(kind: Kind, arrays: Mapping[str, NDArray[Any]]) -> Table:
    """The table of a kind from the arrays of a file; ValueError where they do not fit."""
    parts = ("words", "numbers", "sets", "order", "bucket_rows", "offsets")
    found = {part: arrays.get(f"{kind.label}.{part}", _NOTHING) for part in parts}
    types = {part: array.dtype.itemsize for part, array in found.items()}
    size = len(found["numbers"])
    fits = (
        len(found["words"]) == size * kind.width
        and len(found["sets"]) == size
        and len(found["order"]) == (0 if kind is Kind.PDQ else size)
        and _buckets_fit(size, len(found["bucket_rows"]), len(found["offsets"]))
        and types["words"] == 8
        and types["order"] == types["bucket_rows"] == types["offsets"] == 4
        and types["numbers"] in (4, 8)
    )
    if not fits:
        raise ValueError(f"arrays of {kind.label} do not fit together")
    return Table(kind, **found)


def _buckets_fit(size: int, rows: int, offsets: int) -> bool:
    if not rows or not size:
        return rows == offsets == 0
    count, rest = divmod(rows, size)
    return not rest and count <= MOST_CHUNKS and offsets == offset_count(count)
