"""How hashes are cut into chunks, and how far each chunk is searched.

Multi-index hashing (Norouzi, Punjani, Fleet, CVPR 2012): if two hashes differ in at most ``r``
bits and chunk ``c`` is searched up to ``t_c`` with the sum of ``t_c + 1`` over all chunks equal
to ``r + 1``, then some chunk is within its limit, or they would differ in more than ``r`` bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS = 256
BRUTE_FORCE_ROWS = 20_000
"""Up to here comparing with every row costs less than visiting buckets."""
MOST_CHUNKS = 16
INDEXED_RADIUS = 31
"""Beyond it so many buckets lie within the limits that comparing with every row is safer."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Where each chunk starts and how long it is, in bits, and where its offsets start."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    offset_bases: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Probes:
    """Which buckets to visit: the key of each chunk combined with each of its masks."""

    limits: NDArray[np.int64]
    masks: NDArray[np.uint32]
    mask_ends: NDArray[np.int64]


def chunk_count(rows: int) -> int:
    """Chunks for so many rows; 0 where brute force is faster.

    Chunks of about as many bits as the logarithm of the rows, so one or two rows in a bucket,
    measured best from 10^5 to 10^7.
    """
    if rows <= BRUTE_FORCE_ROWS:
        return 0
    return max(9, min(MOST_CHUNKS, round(BITS / max(1, math.log2(rows) - 0.5))))


@lru_cache(maxsize=16)
def chunks(count: int) -> Chunks:
    """Cut 256 bits into chunks of nearly the same length."""
    lengths = np.full(count, BITS // count, np.int64)
    lengths[: BITS % count] += 1
    ends = np.cumsum(lengths)
    sizes = np.cumsum((1 << lengths) + 1)
    return Chunks(ends - lengths, lengths, np.concatenate([[0], sizes[:-1]]).astype(np.int64))


def offset_count(count: int) -> int:
    """Length of the offsets of all chunks together."""
    return int(((1 << chunks(count).lengths) + 1).sum())


@lru_cache(maxsize=128)
def probes(count: int, radius: int) -> Probes:
    """Limits that miss nothing; long chunks, whose buckets hold less, are searched further."""
    shares = np.full(count, (radius + 1) // count, np.int64)
    shares[: (radius + 1) % count] += 1
    limits = shares - 1
    lists = [
        _masks(int(length), int(limit))
        for length, limit in zip(chunks(count).lengths, limits, strict=True)
    ]
    ends = np.cumsum([len(masks) for masks in lists]).astype(np.int64)
    return Probes(limits, np.concatenate(lists), ends)


@lru_cache(maxsize=64)
def _masks(length: int, limit: int) -> NDArray[np.uint32]:
    """All patterns of at most ``limit`` flipped bits, ascending: neighbours share cache lines."""
    patterns = [
        sum(1 << bit for bit in bits)
        for flipped in range(limit + 1)
        for bits in combinations(range(length), flipped)
    ]
    return np.array(sorted(patterns), np.uint32)
