"""Put the mark into a picture, where the eye notices it least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.lattice._code import PAYLOAD_BITS
from lightkeeper.evidence.watermark.lattice._kernels import box_mean, luma
from lightkeeper.evidence.watermark.lattice._pattern import tile

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_SIDE = 128
_REACH = 4
_LEAST, _MOST = 1.3, 12.0
_SHARE = 0.35
_WEAKEST, _STRONGEST = 0.25, 2.0


def embed(
    rgb: NDArray[np.uint8], payload: int, *, psnr: float | None = 38.0
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
    if rgb.ndim != 3 or rgb.shape[2] != 3 or min(rgb.shape[:2]) < SMALLEST_SIDE:
        raise EvidenceError("a picture needs 128 pixels on each side to carry the open mark")
    if not 0 <= payload < 1 << PAYLOAD_BITS:
        raise EvidenceError(f"a payload has {PAYLOAD_BITS} bits: {payload:#x} is out of range")
    if psnr is not None and not 20 <= psnr <= 60:
        raise EvidenceError(f"the PSNR must be from 20 to 60 dB, not {psnr}")
    wave = _masked(rgb, payload)
    marked = _added(rgb, wave, 1.0)
    if psnr is None:
        return marked
    strength = 1.0
    for _ in range(3):
        # Rounding and clipping change the error a little, so the strength is measured.
        wanted = strength * 10 ** ((_psnr(rgb, marked) - psnr) / 20)
        strength = min(max(wanted, _WEAKEST), _STRONGEST)
        marked = _added(rgb, wave, strength)
    return marked


def _masked(rgb: NDArray[np.uint8], payload: int) -> NDArray[np.float32]:
    """The repeated tile times what each place can hide, in grey levels."""
    height, width = rgb.shape[:2]
    values = luma(np.ascontiguousarray(rgb))
    values -= box_mean(values, _REACH, False)
    activity = np.sqrt(_least_near(np.maximum(box_mean(values, _REACH, True), 0)))
    mask = np.clip(_LEAST + _SHARE * activity, _LEAST, _MOST)
    one = tile(payload)
    rows, columns = -(-height // one.shape[0]), -(-width // one.shape[1])
    repeated = np.tile(one, (rows, columns))[:height, :width]
    return np.asarray(mask * repeated, np.float32)


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


def _added(
    rgb: NDArray[np.uint8], wave: NDArray[np.float32], strength: float
) -> NDArray[np.uint8]:
    total = rgb + (strength * wave)[..., None]
    return np.clip(np.rint(total), 0, 255).astype(np.uint8)


def _psnr(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    error = float(np.mean((before.astype(np.float32) - after.astype(np.float32)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
