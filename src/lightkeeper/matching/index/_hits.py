"""What a search of the index found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lightkeeper.matching.index._table import Found, Table


@dataclass(frozen=True, slots=True)
class Hits:
    """Arrays of one length, ordered by query, distance and entry number."""

    query: NDArray[np.uint32]
    """Position of the query in the call."""
    entry_number: NDArray[np.uint64]
    set_number: NDArray[np.uint32]
    distance: NDArray[np.uint16]
    """In bits; 0 for kinds that are found by equality."""

    def __len__(self) -> int:
        return len(self.query)


def hits_of(found: Iterable[tuple[Table, Found]]) -> Hits:
    """Rows of several tables as hits."""
    parts = [
        (query, table.numbers[row].astype(np.uint64), table.sets[row].astype(np.uint32), distance)
        for table, (query, row, distance) in found
        if len(query)
    ]
    if not parts:
        return Hits(
            np.zeros(0, np.uint32),
            np.zeros(0, np.uint64),
            np.zeros(0, np.uint32),
            np.zeros(0, np.uint16),
        )
    query, number, set_number, distance = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.lexsort((number, distance, query))
    return Hits(query[order], number[order], set_number[order], distance[order])
