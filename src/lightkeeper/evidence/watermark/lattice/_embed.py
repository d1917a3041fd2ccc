"""Put the mark into a picture, where the eye notices it least."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.lattice._code import PAYLOAD_BITS
from lightkeeper.evidence.watermark.lattice._kernels import (
    add,
    box_mean,
    gradients,
    luma,
    weaker,
)
from lightkeeper.evidence.watermark.lattice._pattern import tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SIDE = 128
DEFAULT_PSNR = 36.0
_REACH = 4
_FLOOR = np.float32(1.0)
"""Grey levels of the mark in flat places."""
_MASKED, _POWER = np.float32(1.2), np.float32(0.8)
"""Gradient (grey levels per pixel) at which texture begins to hide the mark, and how fast."""
_WEAKEST, _TRIALS = 0.1, 3


def embed(
    rgb: NDArray[np.uint8], payload: int, *, psnr: float | None = DEFAULT_PSNR
) -> NDArray[np.uint8]:
    """Embed the open mark.

    The mark is added to luma alone, where texture hides it. It proves nothing: anyone can write it,
    and one marked picture is enough to copy it.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3), at least 128 pixels on each side
    payload : int, 0 to 2**48 - 1
    psnr : float, optional
        Least peak signal-to-noise ratio in dB of the marked picture. Pictures with little texture
        cannot hide so much and get a higher one; below 36 dB the mark may show. ``None`` leaves
        the strength to the mask.

    Returns
    -------
    uint8, shape (H, W, 3)

    Raises
    ------
    EvidenceError
        The picture is too small, or the payload or the PSNR out of range.
    """
    rgb = checked(rgb, payload, psnr)
    return added_at(rgb, visibility_mask(rgb), tile(payload), psnr)


def checked(rgb: NDArray[np.uint8], payload: int, psnr: float | None) -> NDArray[np.uint8]:
    """The picture, if it can carry the payload.

    Raises
    ------
    EvidenceError
        As for :func:`embed`.
    """
    if rgb.dtype != np.uint8:
        raise EvidenceError(f"a picture has uint8 pixels, not {rgb.dtype}")
    rgb = np.ascontiguousarray(rgb)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < SMALLEST_SIDE:
        raise EvidenceError("a picture needs 128 pixels on each side to carry the mark")
    if not 0 <= payload < 1 << PAYLOAD_BITS:
        raise EvidenceError(f"a payload has {PAYLOAD_BITS} bits: {payload:#x} is out of range")
    if psnr is not None and not 20 <= psnr <= 60:
        raise EvidenceError(f"the PSNR must be from 20 to 60 dB, not {psnr}")
    return rgb


def added_at(
    rgb: NDArray[np.uint8], mask: NDArray[np.float32], one: NDArray[np.float32], psnr: float | None
) -> NDArray[np.uint8]:
    """Add a wave of deviation 1, repeated, where the mask hides it; no closer than ``psnr``."""
    strength = 1.0
    marked: NDArray[np.uint8]
    marked, error = add(rgb, mask, one, strength)
    if psnr is None:
        return marked
    most = 10 ** (max(DEFAULT_PSNR - psnr, 0) / 20)
    for _ in range(_TRIALS):
        # Rounding and clipping change the error a little, so the strength is measured.
        wanted = strength * 10 ** ((_decibels(error) - psnr) / 20)
        before, strength = strength, min(max(wanted, _WEAKEST), most)
        if strength == before:
            break
        marked, error = add(rgb, mask, one, strength)
    return marked


def visibility_mask(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What each place hides, in grey levels, shape (H, W).

    Contrast is masked by a power of the texture around it (Legge and Foley, 1980). Grey levels are
    already even steps to the eye: more of the mark in dark places was seen there.
    """
    products = [box_mean(plane, _REACH) for plane in gradients(luma(rgb))]
    texture = _least_near(weaker(*products))
    return np.asarray(_FLOOR * (1 + texture / _MASKED**2) ** (_POWER / 2), np.float32)


def _least_near(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Least of a sample and four diagonal neighbours: the smooth side of an edge hides nothing."""
    padded = np.pad(power, _REACH, mode="edge")
    least = power.copy()
    span = 2 * _REACH
    for dy in (0, span):
        for dx in (0, span):
            view = padded[dy : dy + power.shape[0], dx : dx + power.shape[1]]
            np.minimum(least, view, out=least)
    return least


def _decibels(error: float) -> float:
    return 10 * math.log10(255**2 / max(error, 1e-9))
