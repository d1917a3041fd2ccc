"""An index that compares with every entry of a store, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.matching import EntryState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lightkeeper.matching import Entry, HashSet, SetStore


@dataclass(frozen=True, slots=True)
class MemoryHits:
    """Parallel arrays, one place per hit."""

    query: NDArray[np.int64]
    entry_number: NDArray[np.int64]
    set_number: NDArray[np.int64]
    distance: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MemoryIndexState:
    """The one thing that a look-up asks an index about itself."""

    revision: int


class MemoryIndex:
    """Implements :class:`lightkeeper.matching._lookup.HashIndex` over a store, always fresh."""

    def __init__(self, store: SetStore) -> None:
        self._store = store

    def stats(self) -> MemoryIndexState:
        """Nothing lags behind the store."""
        return MemoryIndexState(self._store.last_revision())

    def search(self, queries: NDArray[np.uint64], *, radius_bits: int) -> MemoryHits:
        """All PDQ entries within a radius."""
        asked = [int.from_bytes(query.astype(">u8").tobytes()) for query in queries]
        return _hits(
            (place, entry, hash_set, distance)
            for entry, hash_set in self._entries("pdq")
            for place, query in enumerate(asked)
            if (distance := (query ^ int(entry.value, 16)).bit_count()) <= radius_bits
        )

    def find(self, kind: str, values: Sequence[str]) -> MemoryHits:
        """All entries of a kind that equal a value."""
        return _hits(
            (place, entry, hash_set, 0)
            for entry, hash_set in self._entries(kind)
            for place, value in enumerate(values)
            if value == entry.value
        )

    def _entries(self, kind: str) -> Iterator[tuple[Entry, HashSet]]:
        for hash_set in self._store.sets():
            for entry in self._store.entries(hash_set.name):
                if entry.kind == kind and entry.state is not EntryState.WITHDRAWN:
                    yield entry, hash_set


def _hits(found: Iterable[tuple[int, Entry, HashSet, int]]) -> MemoryHits:
    rows = [(place, e.number, s.number, distance) for place, e, s, distance in found]
    return MemoryHits(*np.array(rows, np.int64).reshape(-1, 4).T)
