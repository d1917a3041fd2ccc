"""Finding a picture's cluster by PDQ: exact, in memory, over one picture for each cluster."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from lightkeeper.cases._ports import Member

if TYPE_CHECKING:
    from numpy.typing import NDArray

RADIUS_BITS: Final = 31
LEAST_QUALITY: Final = 50
"""Below, a picture has too little structure to be told from others."""

_WORDS = 4
_BLOCK = 32_768
"""Small enough that a block's distances stay in a core's cache."""


class PictureIndex:
    """The first picture of every cluster.

    Only the first stands for its cluster: were every member to, a chain of small differences
    would lead to pictures that have nothing in common. It may be used by any number of threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._read = 0
        self._known: set[str] = set()
        self._clusters: list[str] = []
        self._words: NDArray[np.uint64] = np.empty((_WORDS, 1024), np.uint64)

    def __len__(self) -> int:
        return len(self._clusters)

    @property
    def read(self) -> int:
        """The running number up to which members have been read."""
        return self._read

    def feed(self, members: Iterable[tuple[int, Member]]) -> None:
        """Take in members in the order of their running numbers; known ones change nothing."""
        with self._lock:
            for number, member in members:
                if number > self._read:
                    self._read = number
                    self._take(member)

    def nearest(self, pdq: str) -> str | None:
        """The cluster whose first picture is nearest and within 31 bits; the oldest of equals."""
        query = _words(pdq)
        with self._lock:
            words, count = self._words, len(self._clusters)
        best, where = RADIUS_BITS + 1, -1
        for start in range(0, count, _BLOCK):
            block = words[:, start : min(start + _BLOCK, count)]
            distances = np.bitwise_count(block ^ query[:, None]).sum(axis=0, dtype=np.uint16)
            at = int(distances.argmin())
            if distances[at] < best:
                best, where = int(distances[at]), start + at
        return self._clusters[where] if where >= 0 else None

    def _take(self, member: Member) -> None:
        if member.cluster in self._known or member.pdq is None:
            return
        self._known.add(member.cluster)
        if (member.pdq_quality or 0) < LEAST_QUALITY:
            return
        count = len(self._clusters)
        if count == self._words.shape[1]:
            # Whoever searches keeps the old array; what it holds up to ``count`` is the same.
            self._words = np.concatenate([self._words, np.empty_like(self._words)], axis=1)
        self._words[:, count] = _words(member.pdq)
        self._clusters.append(member.cluster)


def _words(pdq: str) -> NDArray[np.uint64]:
    return np.frombuffer(bytes.fromhex(pdq), np.uint64)
