"""Searching an index that others change meanwhile."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import MatchError
from lightkeeper.matching.index._chunks import BITS, INDEXED_RADIUS
from lightkeeper.matching.index._hits import Hits, hits_of
from lightkeeper.matching.index._snapshot import Snapshot, take
from lightkeeper.matching.index._stats import IndexStats, stats_of
from lightkeeper.matching.index._table import read_only
from lightkeeper.matching.index._values import Kind, kind_of, value_bytes, words_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_REFRESH_SECONDS = 0.2


class IndexReader:
    """A view of an index that follows its changes; one may serve many threads.

    Files are mapped read-only and shared with every other reader on the machine. A search works on
    what was there when it began, and never waits for a writer or a merge.

    Parameters
    ----------
    folder : path

    Raises
    ------
    MatchError
        There is no index, or a file is damaged or missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._snapshot: Snapshot = take(self._folder)
        self._refreshing = threading.Lock()
        self._due = time.monotonic() + _REFRESH_SECONDS

    def search(self, queries: NDArray[np.uint64], radius_bits: int = INDEXED_RADIUS) -> Hits:
        """All PDQ entries within a radius of each query, without exception.

        Parameters
        ----------
        queries : uint64, shape (Q, 4)
            From :func:`pdq_words`.
        radius_bits : int
            0-256. Up to 31 buckets are searched; beyond, every entry is compared, which is exact
            too and at ten million entries a hundred times slower.

        Raises
        ------
        MatchError
            Queries or radius are out of range, or the index is damaged.
        """
        if not 0 <= radius_bits <= BITS:
            raise MatchError(f"a radius is 0 to {BITS} bits, not {radius_bits}")
        if queries.ndim != 2 or queries.shape[1] != Kind.PDQ.width or queries.dtype != np.uint64:
            raise MatchError("queries must be 64-bit words of shape (Q, 4)")
        flat = read_only(queries.reshape(-1))
        return hits_of(
            (part.tables[Kind.PDQ], part.tables[Kind.PDQ].search(flat, radius_bits, dead))
            for part in self._current().parts()
            if (dead := part.marks.get(Kind.PDQ)) is not None
        )

    def find(self, kind: str, values: Sequence[str | bytes]) -> Hits:
        """All entries of a kind that equal each value.

        Parameters
        ----------
        kind : str
            As in :class:`lightkeeper.matching.Entry`.
        values : sequence of str or bytes
            Hexadecimal or the digest's bytes; opaque values as the source wrote them.

        Raises
        ------
        MatchError
            A value is not of its kind, or the index is damaged.
        """
        words = words_of(b"".join(value_bytes(kind, value) for value in values))
        table_kind = kind_of(kind)
        if table_kind is Kind.PDQ:
            return self.search(words, radius_bits=0)
        wanted = read_only(words[:, : table_kind.width]).reshape(-1)
        return hits_of(
            (part.tables[table_kind], part.tables[table_kind].find(wanted, dead))
            for part in self._current().parts()
            if (dead := part.marks.get(table_kind)) is not None
        )

    def refresh(self) -> bool:
        """Look for changes now; searches do so by themselves five times a second.

        Returns
        -------
        bool
            Whether there were any.
        """
        with self._refreshing:
            return self._take()

    @property
    def revision(self) -> int:
        """Revision of the store up to which changes are visible."""
        return self._current().revision

    def counts(self) -> Mapping[str, int]:
        """Entries that can be found, by kind; all opaque kinds together."""
        return stats_of(self._current()).entries

    def stats(self) -> IndexStats:
        """What the index holds now."""
        self.refresh()
        return stats_of(self._snapshot)

    def _current(self) -> Snapshot:
        if time.monotonic() >= self._due and self._refreshing.acquire(blocking=False):
            try:
                self._take()
            finally:
                self._refreshing.release()
        return self._snapshot

    def _take(self) -> bool:
        before = self._snapshot
        self._snapshot = take(self._folder, before)
        self._due = time.monotonic() + _REFRESH_SECONDS
        return self._snapshot.revision != before.revision
