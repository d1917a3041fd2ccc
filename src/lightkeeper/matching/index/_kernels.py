"""Compiled loops of the index: bucket search, brute force, bisection and counting sort.

Hashes are rows of four 64-bit words, most significant first. Kernels trust no file: a bucket or
row number out of range ends the search with ``DAMAGED`` instead of reading beyond an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lightkeeper.media._compile import compiled, inlined

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Integers = NDArray[np.int64]
    Rows = NDArray[np.uint32]

DAMAGED = -1
_BLOCK = 4096
"""Rows that brute force compares with every query while they are in the cache."""


def _popcount(_typing: Any, word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        count = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(count, arguments)

    return types.uint64(types.uint64), generate


def _prefetch(_typing: Any, array: Any, _position: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(view.data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        # To the second-level cache (locality 2): a sixth faster here than to the first.
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(fetch, [address, *(ir.Constant(flag, value) for value in (0, 2, 1))])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


popcount = cast("Callable[[Any], Any]", intrinsic(_popcount))
prefetch = cast("Callable[[Any, Any], None]", intrinsic(_prefetch))


@inlined
def _chunk_of(words: Words, row: Any, start: Any, length: Any) -> Any:
    """Bits ``start`` to ``start + length`` of a hash in flat words, as a bucket number."""
    word = 4 * row + (start >> 6)
    shift = start & 63
    value = words[word] >> np.uint64(shift)
    if shift + length > 64:
        value |= words[word + 1] << np.uint64(64 - shift)
    return np.int64(value & np.uint64((1 << length) - 1))


@compiled
def sort_into_buckets(words: Words, start: int, length: int, offsets: Rows, rows: Rows) -> None:
    """Counting sort by one chunk: ``rows[offsets[b]:offsets[b + 1]]`` are the rows of bucket b."""
    count = words.shape[0] // 4
    for row in range(count):
        offsets[_chunk_of(words, row, start, length) + 1] += np.uint32(1)
    for bucket in range(1 << length):
        offsets[bucket + 1] += offsets[bucket]
    # The scatter moves each start to its bucket's end, which is the next one's start.
    for row in range(count):
        bucket = _chunk_of(words, row, start, length)
        rows[offsets[bucket]] = row
        offsets[bucket] += np.uint32(1)
    for bucket in range((1 << length) - 1, -1, -1):
        offsets[bucket + 1] = offsets[bucket]
    offsets[0] = 0


@compiled
def search_buckets(
    words: Words,
    dead: NDArray[np.uint8],
    starts: Integers,
    lengths: Integers,
    limits: Integers,
    masks: Rows,
    mask_ends: Integers,
    offsets: Rows,
    offset_bases: Integers,
    rows: Rows,
    queries: Words,
    radius: int,
    scratch: Rows,
    found_query: Rows,
    found_row: Rows,
    found_distance: NDArray[np.uint16],
) -> Any:
    """All live rows within the radius of each query; counts on beyond the room for them."""
    total = np.int64(words.shape[0] // 4)
    found, room = np.int64(0), np.int64(found_row.shape[0])
    space = np.int64(scratch.shape[0])
    begins, ends = np.empty(masks.shape[0], np.uint32), np.empty(masks.shape[0], np.uint32)
    for query in range(queries.shape[0] // 4):
        q0, q1 = queries[4 * query], queries[4 * query + 1]
        q2, q3 = queries[4 * query + 2], queries[4 * query + 3]
        for chunk in range(starts.shape[0]):
            key = _chunk_of(queries, query, starts[chunk], lengths[chunk])
            base, first_row = offset_bases[chunk], chunk * total
            first = np.int64(0) if chunk == 0 else mask_ends[chunk - 1]
            for at in range(first, mask_ends[chunk]):
                prefetch(offsets, base + (key ^ np.int64(masks[at])))
            bucket_count = mask_ends[chunk] - first
            for at in range(bucket_count):
                bucket = base + (key ^ np.int64(masks[first + at]))
                begins[at] = offsets[bucket]
                ends[at] = offsets[bucket + 1]
                prefetch(rows, first_row + np.int64(begins[at]))
            visited = np.int64(0)
            position = np.int64(0)
            while visited < bucket_count:
                gathered = np.int64(0)
                while visited < bucket_count and gathered < space:
                    end = np.int64(ends[visited])
                    position = max(position, np.int64(begins[visited]))
                    if end > total or position > end:
                        return DAMAGED
                    stop = min(end, position + space - gathered)
                    for place in range(position, stop):
                        near = rows[first_row + place]
                        prefetch(words, 4 * np.int64(near))
                        scratch[gathered] = near
                        gathered += 1
                    position = stop
                    if stop == end:
                        visited += 1
                        position = np.int64(0)
                for candidate in range(gathered):
                    row = np.int64(scratch[candidate])
                    if row >= total:
                        return DAMAGED
                    distance = popcount(words[4 * row] ^ q0) + popcount(words[4 * row + 1] ^ q1)
                    if distance > radius:
                        continue
                    distance += popcount(words[4 * row + 2] ^ q2)
                    distance += popcount(words[4 * row + 3] ^ q3)
                    if distance > radius or dead[row >> 3] >> (row & 7) & 1:
                        continue
                    is_new = True  # an earlier chunk has reported it if it was near there
                    for other in range(chunk):
                        a = _chunk_of(words, row, starts[other], lengths[other])
                        b = _chunk_of(queries, query, starts[other], lengths[other])
                        if np.int64(popcount(np.uint64(a ^ b))) <= limits[other]:
                            is_new = False
                            break
                    if is_new:
                        if found < room:
                            found_query[found] = query
                            found_row[found] = row
                            found_distance[found] = distance
                        found += 1
    return found


@compiled
def search_all(
    words: Words,
    dead: NDArray[np.uint8],
    queries: Words,
    radius: int,
    found_query: Rows,
    found_row: Rows,
    found_distance: NDArray[np.uint16],
) -> Any:
    """Compare every row with every query; counts on beyond the room for results."""
    total = words.shape[0] // 4
    found, room = np.int64(0), np.int64(found_row.shape[0])
    for block in range(0, total, _BLOCK):
        for query in range(queries.shape[0] // 4):
            q0, q1 = queries[4 * query], queries[4 * query + 1]
            q2, q3 = queries[4 * query + 2], queries[4 * query + 3]
            for row in range(block, min(total, block + _BLOCK)):
                distance = np.int64(
                    popcount(words[4 * row] ^ q0)
                    + popcount(words[4 * row + 1] ^ q1)
                    + popcount(words[4 * row + 2] ^ q2)
                    + popcount(words[4 * row + 3] ^ q3)
                )
                if distance <= radius and not dead[row >> 3] >> (row & 7) & 1:
                    if found < room:
                        found_query[found] = query
                        found_row[found] = row
                        found_distance[found] = distance
                    found += 1
    return found


@compiled
def find_equal(
    words: Words,
    width: int,
    dead: NDArray[np.uint8],
    wanted: Words,
    found_query: Rows,
    found_row: Rows,
) -> Any:
    """Live rows equal to each wanted digest; rows are sorted by their first word."""
    total = words.shape[0] // width
    found, room = np.int64(0), np.int64(found_row.shape[0])
    for query in range(wanted.shape[0] // width):
        key = wanted[width * query]
        low, high = 0, total
        while low < high:
            middle = (low + high) // 2
            if words[width * middle] < key:
                low = middle + 1
            else:
                high = middle
        while low < total and words[width * low] == key:
            equal = not dead[low >> 3] >> (low & 7) & 1
            for word in range(1, width):
                equal = equal and words[width * low + word] == wanted[width * query + word]
            if equal:
                if found < room:
                    found_query[found] = query
                    found_row[found] = low
                found += 1
            low += 1
    return found


@compiled
def mark_rows(numbers: NDArray[Any], order: Rows, wanted: Words, marks: NDArray[np.uint8]) -> Any:
    """Set the mark of each row that bears a wanted entry number; returns how many were new.

    ``order`` lists the rows by number; where it is empty they are in that order themselves.
    """
    total = numbers.shape[0]
    marked = 0
    for number in wanted:
        low, high = 0, total
        while low < high:
            middle = (low + high) // 2
            row = np.int64(order[middle]) if order.shape[0] else middle
            if row >= total:
                return DAMAGED
            if np.uint64(numbers[row]) < number:
                low = middle + 1
            else:
                high = middle
        if low == total:
            continue
        row = np.int64(order[low]) if order.shape[0] else low
        if row < total and np.uint64(numbers[row]) == number:
            bit = np.uint8(1 << (row & 7))
            if not marks[row >> 3] & bit:
                marks[row >> 3] |= bit
                marked += 1
    return marked
