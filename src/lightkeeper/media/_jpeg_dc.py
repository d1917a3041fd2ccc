"""Read the mean of each 8x8 block of a JPEG without decoding the rest.

Twice as fast as libjpeg's decode at 1/8, with the same result to the bit. It reads what nearly all
cameras and programs write (Huffman-coded, sequential, 8 bits, one interleaved scan, grey or YCbCr
with full-size luminance) and only where it is undamaged. For all else it gives ``None``, and
libjpeg, whose tolerance of damage is known, decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEQUENTIAL = (0xC0, 0xC1)
_OTHER_FRAMES = frozenset({*range(0xC2, 0xD0)} - {0xC4, 0xC8})
_DHT, _DQT, _DRI, _SOS, _APP14 = 0xC4, 0xDB, 0xDD, 0xDA, 0xEE
_MOST_SEGMENTS = 10_000
_MOST_TABLES = 64
"""Definitions of tables; a file without scripts of scans has four of each kind, or fewer."""
_BARE = range(0xD0, 0xDA)
"""Markers without a segment: libjpeg would look for the next marker directly after them."""


@dataclass(slots=True)
class _Headers:
    huffman: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    """Counts and symbols by class (high nibble) and destination."""
    quanta: dict[int, int] = field(default_factory=dict)
    """Of the DC coefficient."""
    frame: bytes = b""
    scan: bytes = b""
    restart_interval: int = 0
    is_ycbcr: bool = True
    scan_start: int = 0
    tables: int = 0


class _Unusual(Exception):
    """Left to libjpeg."""


def read_dc_luma(content: bytes) -> NDArray[np.uint8] | None:
    """Luminance at 1/8, shape (ceil(H / 8), ceil(W / 8)); ``None`` where libjpeg should look.

    Time and memory are linear in the bytes of the file.
    """
    try:
        headers = _read_headers(content)
        return _decode(content, headers)
    except (_Unusual, IndexError, KeyError):
        return None


def _read_headers(content: bytes) -> _Headers:
    headers, at = _Headers(), 2
    for _ in range(_MOST_SEGMENTS):
        if content[at] != 0xFF:
            break
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        data = content[at + 4 : at + 2 + length]
        at += 2 + length
        if length < 2 or at > len(content):
            break
        if marker < 0xC0 or marker in _OTHER_FRAMES or marker in _BARE:
            break
        _take(headers, marker, data)
        if marker == _SOS:
            headers.scan_start = at
            return headers
    raise _Unusual


def _take(headers: _Headers, marker: int, data: bytes) -> None:
    if marker in _SEQUENTIAL:
        if headers.frame:
            raise _Unusual
        headers.frame = data
    elif marker == _SOS:
        headers.scan = data
    elif marker == _DRI:
        headers.restart_interval = int.from_bytes(data[:2])
    elif marker == _APP14 and data.startswith(b"Adobe"):
        headers.is_ycbcr = data[11] == 1
    elif marker == _DQT:
        _take_quanta(headers, data)
    elif marker == _DHT:
        _take_huffman(headers, data)


def _take_quanta(headers: _Headers, data: bytes) -> None:
    while data:
        _count_table(headers)
        size = 2 if data[0] >> 4 else 1
        headers.quanta[data[0] & 15] = int.from_bytes(data[1 : 1 + size])
        data = data[1 + 64 * size :]


def _take_huffman(headers: _Headers, data: bytes) -> None:
    while data:
        _count_table(headers)
        counts, end = data[1:17], 17 + sum(data[1:17])
        if len(data) < end or data[0] >> 4 > 1 or data[0] & 15 > 3:
            raise _Unusual
        headers.huffman[data[0]] = counts, data[17:end]
        data = data[end:]


def _count_table(headers: _Headers) -> None:
    headers.tables += 1
    if headers.tables > _MOST_TABLES:
        raise _Unusual


def _decode(content: bytes, headers: _Headers) -> NDArray[np.uint8] | None:
    from lightkeeper.media import _jpeg_dc_kernels as kernels

    height, width, sampling, quantum = _read_frame(headers)
    across, down = sampling[0]
    columns, rows = -(-width // (8 * across)), -(-height // (8 * down))
    blocks = rows * columns * int((sampling[:, 0] * sampling[:, 1]).sum())
    # A block takes two bits or more: what claims to hold more than it can needs no memory.
    if blocks > 4 * (len(content) - headers.scan_start):
        return None
    numbers = _table_numbers(headers, len(sampling))
    single = np.zeros((8, 1 << 16), np.uint32)
    many = np.zeros((8, 1 << kernels.MANY_BITS), np.uint32)
    for number in np.unique(numbers):
        counts, symbols = headers.huffman[int(number) % 4 | int(number) // 4 << 4]
        single[number] = _codes(counts, symbols, is_ac=bool(number >= 4))
        if number >= 4:
            kernels.fill_many(single[number], many[number])
    data = np.frombuffer(content[headers.scan_start :] + bytes(kernels.SLACK), np.uint8)
    luma = np.empty((rows * down, columns * across), np.int32)
    interval = headers.restart_interval or rows * columns
    if not kernels.read_dc(data, 0, interval, sampling, numbers, single, many, luma):
        return None
    # libjpeg wraps levels far out of range around; only damage makes them.
    if max(-int(luma.min()), int(luma.max())) * quantum >= 8 * 500:
        return None
    return _levels(luma[: -(-height // 8), : -(-width // 8)], quantum)


@lru_cache(maxsize=16)
def _codes(counts: bytes, symbols: bytes, *, is_ac: bool) -> NDArray[np.uint32]:
    """A Huffman table with an entry for each window of 16 bits; most files share four tables."""
    from lightkeeper.media._jpeg_dc_kernels import END_OF_BLOCK

    entries = np.zeros(1 << 16, np.uint32)
    code = known = 0
    for length in range(1, 17):
        for symbol in symbols[known : known + counts[length - 1]]:
            size, run = symbol & 15, symbol >> 4
            if not is_ac:
                size = advance = symbol
            elif size:
                advance = run + 1
            else:
                advance = 16 if run == 15 else END_OF_BLOCK
            first, last = code << (16 - length), (code + 1) << (16 - length)
            if last > 1 << 16 or size > (15 if is_ac else 11):
                raise _Unusual
            entries[first:last] = (length + size) | (advance << 8) | (length << 16)
            code += 1
        known += counts[length - 1]
        code <<= 1
    return entries


def _levels(coefficients: NDArray[np.int32], quantum: int) -> NDArray[np.uint8]:
    """Means of the blocks as 8-bit luminance, rounded as libjpeg's 1x1 inverse DCT does."""
    levels = coefficients * np.int32(quantum)
    levels += 4
    levels >>= 3
    levels += 128
    np.clip(levels, 0, 255, out=levels)
    return levels.astype(np.uint8)


def _read_frame(headers: _Headers) -> tuple[int, int, NDArray[np.int64], int]:
    """Height, width, sampling factors of each component, quantum of luma's DC."""
    frame = headers.frame
    height, width = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    components = [frame[i : i + 3] for i in range(6, 6 + 3 * frame[5], 3)]
    if frame[0] != 8 or not height or not width or len(components) not in (1, 3):
        raise _Unusual
    if len(components) == 3 and (not headers.is_ycbcr or bytes(c[0] for c in components) == b"RGB"):
        raise _Unusual
    sampling = np.array([(c[1] >> 4, c[1] & 15) for c in components], np.int64)
    if len(components) == 1:
        # A scan of one component is not interleaved: its MCU is one block.
        sampling[:] = 1
    # Also keeps an MCU to the ten blocks that T.81 allows.
    per_mcu = int((sampling[:, 0] * sampling[:, 1]).sum())
    if sampling.min() < 1 or (sampling[0] != sampling.max(axis=0)).any() or per_mcu > 10:
        raise _Unusual
    # libjpeg refuses a picture of which any table is missing, also one that luma does not need.
    quanta = [headers.quanta[component[2]] for component in components]
    return height, width, sampling, quanta[0]


def _table_numbers(headers: _Headers, components: int) -> NDArray[np.int64]:
    """Rows of the tables, DC 0-3 and AC 4-7, for each component of the scan."""
    scan, frame = headers.scan, headers.frame
    selectors = [scan[i : i + 2] for i in range(1, 1 + 2 * scan[0], 2)]
    in_order = [s[0] for s in selectors] == [frame[i] for i in range(6, 6 + 3 * components, 3)]
    if len(selectors) != components or not in_order or scan[1 + 2 * components :] != b"\0\x3f\0":
        raise _Unusual
    if any(s[1] >> 4 > 3 or s[1] & 15 > 3 for s in selectors):
        raise _Unusual
    return np.array([(s[1] >> 4, 4 + (s[1] & 15)) for s in selectors], np.int64)
