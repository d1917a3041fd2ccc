"""Put the mark into a picture, where the eye notices it least."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.lattice._code import PAYLOAD_BITS
from lightkeeper.evidence.watermark.lattice._kernels import LEAST, SHARE, add, box_mean, luma
from lightkeeper.evidence.watermark.lattice._pattern import tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SIDE = 128
DEFAULT_PSNR = 37.0
_REACH = 4
_MOST = 10.0
_WEAKEST, _STRONGEST = 0.25, 1.2


def embed(
    rgb: NDArray[np.uint8], payload: int, *, psnr: float | None = DEFAULT_PSNR
) -> NDArray[np.uint8]:
    """Embed the open mark.

    The mark is added to luma alone, in proportion to local activity. It proves nothing: anyone can
    write it, and one marked picture is enough to copy it.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3), at least 128 pixels on each side
    payload : int, 0 to 2**48 - 1
    psnr : float, optional
        Peak signal-to-noise ratio in dB of the marked picture. Pictures with little activity
        cannot hide so much and get a higher one. ``None`` leaves the strength to the mask.

    Returns
    -------
    uint8, shape (H, W, 3)

    Raises
    ------
    EvidenceError
        The picture is too small, or the payload or the PSNR out of range.
    """
    if rgb.dtype != np.uint8:
        raise EvidenceError(f"a picture has uint8 pixels, not {rgb.dtype}")
    rgb = np.ascontiguousarray(rgb)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < SMALLEST_SIDE:
        raise EvidenceError("a picture needs 128 pixels on each side to carry the open mark")
    if not 0 <= payload < 1 << PAYLOAD_BITS:
        raise EvidenceError(f"a payload has {PAYLOAD_BITS} bits: {payload:#x} is out of range")
    if psnr is not None and not 20 <= psnr <= 60:
        raise EvidenceError(f"the PSNR must be from 20 to 60 dB, not {psnr}")
    mask, one = _mask(rgb), tile(payload)
    strength = 1.0
    marked: NDArray[np.uint8]
    marked, error = add(rgb, mask, one, strength)
    for _ in range(3 if psnr is not None else 0):
        # Rounding and clipping change the error a little, so the strength is measured.
        wanted = strength * 10 ** ((_decibels(error) - (psnr or 0)) / 20)
        strength = min(max(wanted, _WEAKEST), _STRONGEST)
        marked, error = add(rgb, mask, one, strength)
    return marked


def _mask(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What each place can hide, in grey levels, shape (H, W)."""
    values = luma(rgb)
    values -= box_mean(values, _REACH, False)
    activity = np.sqrt(_least_near(np.maximum(box_mean(values, _REACH, True), 0)))
    return np.asarray(np.clip(LEAST + SHARE * activity, LEAST, _MOST), np.float32)


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
