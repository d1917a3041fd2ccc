"""Huffman decoding that keeps a JPEG's DC coefficients and skips the rest.

Safe on any input: every table has an entry for every index, the scan stops in time before the
padded end of the data, and every irregularity ends with ``False``.

A table entry packs bits to consume (0-7), how far the symbol or symbols advance (8-15) and, for
single symbols, the length of the code (16-23); 0 is no code. An advance is the size of a DC
difference, or positions in a block's 63 AC coefficients, plus 64 at the end-of-block.

References
----------
.. [1] ITU-T T.81, annexes C and F.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import uint64

from lightkeeper.media._compile import compiled, inlined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Entries = NDArray[np.uint32]

SLACK = 4096
"""Zeros after the data: more than one MCU of ten blocks of 64 symbols of 31 bits."""
MANY_BITS = 12
END_OF_BLOCK = 64


@compiled
def fill_many(single: Entries, many: Entries) -> None:
    """For each window of 12 bits, all AC symbols whose codes it holds, as one entry."""
    for window in range(1 << MANY_BITS):
        bits = advance = 0
        while bits < MANY_BITS and advance < END_OF_BLOCK:
            rest = (window << bits) & ((1 << MANY_BITS) - 1)
            entry = int(single[rest << (16 - MANY_BITS)])
            step = (entry >> 8) & 255
            fits = entry != 0 and bits + (entry >> 16) <= MANY_BITS
            if not fits or (step < END_OF_BLOCK and advance + step >= END_OF_BLOCK):
                break
            bits += entry & 255
            advance += step
        many[window] = bits | (advance << 8)


@compiled
def _refill_bytewise(
    data: Bytes, at: uint64, window: uint64, held: uint64, feigned: uint64
) -> tuple[uint64, uint64, uint64, uint64]:
    """Take bytes one by one: drop the zero stuffed after 0xFF, feign zeros at a marker."""
    while held <= uint64(56):
        value = data[at]
        if value != 255:
            at += uint64(1)
        elif data[at + uint64(1)] == 0:
            at += uint64(2)
        else:
            value = np.uint8(0)
            feigned += uint64(8)
        window |= uint64(value) << (uint64(56) - held)
        held += uint64(8)
    return at, window, held, feigned


@inlined
def _refill(
    data: Bytes, at: uint64, window: uint64, held: uint64, feigned: uint64
) -> tuple[uint64, uint64, uint64, uint64]:
    """Fill the 64-bit window, at its top ``held`` valid bits, to at least 56."""
    # Unsigned indices keep numba from testing for negative ones, and the loads become one.
    ahead = (
        (uint64(data[at]) << uint64(56))
        | (uint64(data[at + uint64(1)]) << uint64(48))
        | (uint64(data[at + uint64(2)]) << uint64(40))
        | (uint64(data[at + uint64(3)]) << uint64(32))
        | (uint64(data[at + uint64(4)]) << uint64(24))
        | (uint64(data[at + uint64(5)]) << uint64(16))
        | (uint64(data[at + uint64(6)]) << uint64(8))
        | uint64(data[at + uint64(7)])
    )
    # A byte of 0xFF is a zero byte of the complement.
    ones = (~ahead - uint64(0x0101010101010101)) & ahead & uint64(0x8080808080808080)
    if ones == uint64(0):
        window |= ahead >> held
        at += (uint64(63) - held) >> uint64(3)
        held |= uint64(56)
    else:
        at, window, held, feigned = _refill_bytewise(data, at, window, held, feigned)
    return at, window, held, feigned


@inlined
def _difference(window: uint64, entry: uint64) -> np.int64:
    """Value of a DC difference whose code is at the top of the window (F.2.2.1)."""
    size = (entry >> uint64(8)) & uint64(255)
    raw = np.int64(((window << (entry >> uint64(16))) >> uint64(1)) >> (uint64(63) - size))
    span = np.int64(uint64(1) << size)
    return raw + ((((raw << 1) - span) >> 63) & (1 - span))


@compiled
def read_dc(
    data: Bytes,
    start: int,
    restart_interval: int,
    sampling: NDArray[np.int64],
    table_numbers: NDArray[np.int64],
    single: Entries,
    many: Entries,
    luma: NDArray[np.int32],
) -> bool:
    """Decode the interleaved scan that starts at ``start``; fills ``luma`` with DC values.

    ``sampling`` and ``table_numbers`` have a row for each component: horizontal and vertical
    factor; rows of ``single`` and ``many`` for DC and for AC. ``luma`` has whole MCUs.
    """
    across, down = sampling[0, 0], sampling[0, 1]
    row = column = interval = 0
    at, limit = uint64(start), uint64(data.shape[0] - SLACK)
    while row < luma.shape[0]:
        window = held = feigned = uint64(0)
        level, left = np.int64(0), restart_interval
        while left > 0 and row < luma.shape[0]:
            if at > limit:
                return False
            for component in range(sampling.shape[0]):
                dc = single[table_numbers[component, 0]]
                ac = single[table_numbers[component, 1]]
                ac_many = many[table_numbers[component, 1]]
                for v in range(sampling[component, 1]):
                    for h in range(sampling[component, 0]):
                        if held < uint64(32):
                            at, window, held, feigned = _refill(data, at, window, held, feigned)
                        entry = uint64(dc[window >> uint64(48)])
                        if entry == uint64(0):
                            return False
                        if component == 0:
                            level += _difference(window, entry)
                            luma[row + v, column + h] = level
                        window <<= entry & uint64(255)
                        held -= entry & uint64(255)
                        k = uint64(1)
                        while k < uint64(64):
                            if held < uint64(32):
                                at, window, held, feigned = _refill(data, at, window, held, feigned)
                            entry = uint64(ac_many[window >> uint64(64 - MANY_BITS)])
                            step = (entry >> uint64(8)) & uint64(255)
                            # Symbols after a block's last coefficient belong to the next block.
                            last = k + (step & uint64(63)) + (step >> uint64(6))
                            if entry == uint64(0) or last > uint64(64):
                                entry = uint64(ac[window >> uint64(48)])
                                if entry == uint64(0):
                                    return False
                                step = (entry >> uint64(8)) & uint64(255)
                            window <<= entry & uint64(255)
                            held -= entry & uint64(255)
                            k += step
            if held < feigned:
                return False
            left -= 1
            column += across
            if column == luma.shape[1]:
                column, row = 0, row + down
        # Fewer than eight bits may pad the interval before the marker that ends it.
        if held - feigned >= uint64(8) or data[at] != 255:
            return False
        marker = 0xD0 + (interval & 7) if row < luma.shape[0] else 0xD9
        if data[at + uint64(1)] != marker:
            return False
        interval += 1
        at += uint64(2)
    return True
