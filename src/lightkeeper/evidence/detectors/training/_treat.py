"""One treatment for both halves of a pair, so that no file's history can pass for its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.evaluation import Condition
from lightkeeper.evidence.detectors.evaluation._reencode import reencode

if TYPE_CHECKING:
    from numpy.typing import NDArray

CROP = 128
"""Pixels of a side that the network is trained on; it scores pictures of any size."""
_CUT = 216
"""Pixels that are treated: enough for a crop after the strongest reduction."""
_NATIVE = 0.2
_TRIES = 8
_RINGS = 48
_MOST_GAIN = 4.0


def treated(halves: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A crop of both halves, treated by the same draws.

    One of three times the round trip is given the radial spectrum of its photograph, one of three
    times the photograph that of its round trip: neither smoothness nor sharpness is a cue.

    Parameters
    ----------
    halves : uint8, shape (2, H, W, 3)

    Returns
    -------
    uint8, shape (2, CROP, CROP, 3)
    """
    cut = _cut(halves, _CUT, rng.random(2))
    way = int(rng.integers(3))
    if way:
        like = cut[way - 1]
        cut[2 - way] = _with_spectrum(cut[2 - way], like)
    places, turn, mirror = rng.random(2), int(rng.integers(4)), rng.random() < 0.5
    done = _reencoded(cut, rng)
    done = np.rot90(_cut(done, CROP, places), turn, axes=(1, 2))
    return np.ascontiguousarray(done[:, :, ::-1] if mirror else done)


def _reencoded(cut: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    if rng.random() < _NATIVE:
        return cut
    for _ in range(_TRIES):
        seed = int(rng.integers(1 << 62))
        again = [
            reencode(half, Condition.MATCHED, rng=np.random.default_rng(seed), crop=_CUT)
            for half in cut
        ]
        if min(again[0].shape[:2]) >= CROP:
            return np.stack(again)
    return cut


def _cut(halves: NDArray[np.uint8], side: int, places: NDArray[np.float64]) -> NDArray[np.uint8]:
    sides = [min(side, length) for length in halves.shape[1:3]]
    top, left = (
        int(place * (length - short + 1))
        for place, length, short in zip(places, halves.shape[1:3], sides, strict=True)
    )
    return np.array(halves[:, top : top + sides[0], left : left + sides[1]])


def _with_spectrum(rgb: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture whose energy by radius is that of another of the same shape."""
    spectrum, wanted = (np.fft.rfft2(x.astype(np.float32), axes=(0, 1)) for x in (rgb, like))
    height, width = rgb.shape[:2]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    ring = np.minimum((radius * 2 * _RINGS).astype(int), _RINGS).ravel()
    energy = [
        np.bincount(ring, (np.abs(x) ** 2).sum(2).ravel(), _RINGS + 1) for x in (spectrum, wanted)
    ]
    gain = np.sqrt((energy[1] + 1e-3) / (energy[0] + 1e-3)).clip(1 / _MOST_GAIN, _MOST_GAIN)
    shaped = spectrum * gain[ring].reshape(radius.shape)[..., None]
    return np.rint(np.fft.irfft2(shaped, s=(height, width), axes=(0, 1)).clip(0, 255)).astype(
        np.uint8
    )
