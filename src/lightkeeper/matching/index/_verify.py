"""Checking that an index holds what was written to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import MatchError
from lightkeeper.matching.index._log import is_whole_but_wrong
from lightkeeper.matching.index._sections import damaged
from lightkeeper.matching.index._snapshot import Snapshot, take
from lightkeeper.matching.index._stats import IndexStats, stats_of
from lightkeeper.matching.index._values import Kind

if TYPE_CHECKING:
    import os

    from lightkeeper.matching.index._table import Table


def verify(folder: str | os.PathLike[str]) -> IndexStats:
    """Compare every array of an index with its digest, and the order that searches rely on.

    A record that was cut off at the end of the log is no damage: it was never acknowledged. May
    run beside a writer.

    Raises
    ------
    MatchError
        There is no index, or something is damaged; the message names the file.
    """
    snapshot = take(Path(folder), thoroughly=True)
    _check_log_end(Path(folder), snapshot)
    for (name, _), segment in snapshot.segments.items():
        for table in segment.tables.values():
            if reason := _disorder(table):
                raise damaged(Path(folder) / name, reason)
    _check_lives(snapshot)
    return stats_of(snapshot)


def _check_log_end(folder: Path, snapshot: Snapshot) -> None:
    """A last record of full length whose digest differs was written, and then changed."""
    (name, _), view = list(snapshot.logs.items())[-1]
    if view.is_torn and is_whole_but_wrong(folder / name, view.end):
        raise damaged(folder / name, "the digest of its last record differs")


def _disorder(table: Table) -> str | None:
    label = table.kind.label
    by_number = table.numbers if table.kind is Kind.PDQ else table.numbers[table.order]
    if np.any(by_number[1:] <= by_number[:-1]):
        return f"entry numbers of {label} are out of order"
    first = table.words[:: table.kind.width]
    if table.kind is not Kind.PDQ and np.any(first[1:] < first[:-1]):
        return f"values of {label} are out of order"
    return None


def _check_lives(snapshot: Snapshot) -> None:
    numbers = [
        part.live_items(kind).entry_numbers for part in snapshot.parts() for kind in part.tables
    ]
    if numbers:
        ordered = np.sort(np.concatenate(numbers))
        if np.any(ordered[1:] == ordered[:-1]):
            raise MatchError(
                "an entry stands in the index twice",
                hint="rebuild the index from the store: lightkeeper index build",
            )
