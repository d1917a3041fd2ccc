"""One treatment for both halves of a pair, so that no file's history can pass for its origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.treatment import Condition, reencode

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CUT = 320
"""Longest side that is treated; the network scores pictures of any size."""
_NATIVE = 0.2
_RINGS = 48
_MOST_GAIN = 4.0


def treated(halves: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The same part of both halves, treated by the same draws.

    One of three times the round trip is given the radial spectrum of its photograph, one of three
    times the photograph that of its round trip: neither smoothness nor sharpness is a cue.

    Parameters
    ----------
    halves : uint8, shape (2, H, W, 3)

    Returns
    -------
    uint8, shape (2, h, w, 3)
    """
    cut = _cut(halves, rng.random(2))
    way, mirror, native = int(rng.integers(3)), rng.random() < 0.5, rng.random() < _NATIVE
    if way:
        cut[2 - way] = _with_spectrum(cut[2 - way], cut[way - 1])
    if not native:
        seed = int(rng.integers(1 << 62))
        cut = np.stack([_reencoded(half, seed) for half in cut])
    return np.ascontiguousarray(cut[:, :, ::-1] if mirror else cut)


def _reencoded(half: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    return reencode(half, Condition.MATCHED, rng=np.random.default_rng(seed), crop=_CUT)


def _cut(halves: NDArray[np.uint8], places: NDArray[np.float64]) -> NDArray[np.uint8]:
    # Less than there is, so that the decoder's grid starts anywhere.
    lengths = halves.shape[1:3]
    sides = [min(_CUT, length - 8) for length in lengths]
    top, left = (
        int(place * (length - side + 1))
        for place, length, side in zip(places, lengths, sides, strict=True)
    )
    return np.array(halves[:, top : top + sides[0], left : left + sides[1]])


def _with_spectrum(rgb: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture whose energy by radius is that of another of the same shape."""
    spectrum, wanted = (np.fft.rfft2(x.astype(np.float32), axes=(0, 1)) for x in (rgb, like))
    height, width = rgb.shape[:2]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    ring = np.minimum((radius * 2 * _RINGS).astype(int), _RINGS)
    energy = [
        np.bincount(ring.ravel(), (np.abs(x) ** 2).sum(2).ravel(), _RINGS + 1)
        for x in (spectrum, wanted)
    ]
    gain = np.sqrt((energy[1] + 1e-3) / (energy[0] + 1e-3)).clip(1 / _MOST_GAIN, _MOST_GAIN)
    shaped = np.fft.irfft2(spectrum * gain[ring][..., None], s=(height, width), axes=(0, 1))
    return np.asarray(np.rint(shaped.clip(0, 255)), np.uint8)
