"""The published pattern: which frequencies carry what, and the tile that they make.

Everything pseudo-random comes from SHAKE-256 of a published label, so that any implementation can
build the same tile.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.lattice._code import GENERATORS, STEPS, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERIOD = 61
"""Side of the tile in pixels. A prime: no frequency of the mark meets those of 8×8 blocks."""
_LABEL = b"lightkeeper lattice mark 1"
_INNER, _OUTER = 2.0, 17.5
_SYNC_EVERY = 4
_TILT = -0.5


@dataclass(frozen=True, slots=True)
class Pattern:
    """Points of the Fourier lattice, in cycles per tile, innermost first.

    ``points`` has shape (n, 2): horizontal and vertical frequency. ``sync`` holds the indices of
    the synchronising points and ``phases`` their unit phasors; ``payload`` the indices of the
    others. Their real and imaginary parts are the slots: slot ``i`` carries the coded bit
    ``coded[i]``, its sign scrambled by ``signs[i]``. ``gains`` are the amplitudes of all points.
    """

    points: NDArray[np.int64]
    gains: NDArray[np.float64]
    sync: NDArray[np.int64]
    phases: NDArray[np.complex128]
    payload: NDArray[np.int64]
    coded: NDArray[np.int64]
    signs: NDArray[np.float64]


def _stream(name: bytes, count: int) -> NDArray[np.uint32]:
    digest = hashlib.shake_256(_LABEL + b": " + name).digest(4 * count)
    return np.frombuffer(digest, "<u4")


@cache
def pattern() -> Pattern:
    """The one pattern of this version of the mark."""
    most = int(_OUTER)
    across, down = np.meshgrid(np.arange(-most, most + 1), np.arange(most + 1))
    radius = np.hypot(across, down)
    kept = (radius >= _INNER) & (radius <= _OUTER) & ((down > 0) | (across > 0))
    points = np.column_stack([across[kept], down[kept]])
    radius = radius[kept]
    order = np.lexsort((points[:, 0], points[:, 1], radius))
    points, radius = points[order], radius[order]
    index = np.arange(len(points))
    sync = index[::_SYNC_EVERY]
    payload = index[index % _SYNC_EVERY > 0]
    turns = _stream(b"sync", len(sync)) / 2.0**32
    slots = 2 * len(payload)
    return Pattern(
        points=points,
        gains=(radius / radius.mean()) ** _TILT,
        sync=sync,
        phases=np.exp(2j * np.pi * turns),
        payload=payload,
        coded=_coded_bits(slots),
        signs=np.where(_stream(b"signs", slots) & 1, 1.0, -1.0),
    )


def _coded_bits(slots: int) -> NDArray[np.int64]:
    """Which coded bit each slot carries: every round of slots serves every step of the code once.

    A reduced picture loses the outer slots; those that stay still inform all steps alike.
    """
    rounds = -(-slots // STEPS)
    keys = _stream(b"rounds", rounds * STEPS).reshape(rounds, STEPS)
    steps = np.argsort(keys, axis=1, kind="stable")
    generators = (steps + np.arange(rounds)[:, None]) % GENERATORS
    coded: NDArray[np.int64] = (steps * GENERATORS + generators).reshape(-1)[:slots]
    return coded


def slot_signs(payload: int) -> NDArray[np.float64]:
    """The sign that each slot has in a picture with this payload."""
    known = pattern()
    return np.asarray((2.0 * encode(payload) - 1)[known.coded] * known.signs)


def coefficients(payload: int) -> NDArray[np.complex128]:
    """What every point carries in a picture with this payload."""
    known = pattern()
    signs = slot_signs(payload)
    values = np.zeros(len(known.points), np.complex128)
    values[known.sync] = known.phases
    values[known.payload] = (signs[0::2] + 1j * signs[1::2]) / np.sqrt(2)
    return np.asarray(values * known.gains)


def tile(payload: int) -> NDArray[np.float32]:
    """One period of the mark, shape (61, 61), mean 0 and deviation 1."""
    points = pattern().points
    spectrum = np.zeros((PERIOD, PERIOD), np.complex128)
    spectrum[points[:, 1], points[:, 0]] = coefficients(payload)
    wave = np.fft.ifft2(spectrum).real
    return np.asarray(wave / wave.std(), np.float32)
