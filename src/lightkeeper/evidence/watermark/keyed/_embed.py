"""Put the keyed mark into a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from lightkeeper.evidence.watermark.keyed._content import BLOCK, Content, resized
from lightkeeper.evidence.watermark.keyed._pattern import SIDE
from lightkeeper.evidence.watermark.lattice import DEFAULT_PSNR
from lightkeeper.evidence.watermark.lattice._code import encode
from lightkeeper.evidence.watermark.lattice._embed import added_at, checked, visibility_mask
from lightkeeper.evidence.watermark.lattice._kernels import box_mean, luma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.keyed._pattern import KeyedPattern

PRESENCE, PAYLOAD = np.float32(0.8), np.float32(0.6)
"""Amplitudes of both planes. A mark must be found before it can be read."""
_REACH: Final = 2


def embed_keyed(
    rgb: NDArray[np.uint8],
    pattern: KeyedPattern,
    payload: int = 0,
    *,
    psnr: float | None = DEFAULT_PSNR,
) -> NDArray[np.uint8]:
    """Embed the keyed mark.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3), at least 128 pixels on each side
    pattern : KeyedPattern
    payload : int, 0 to 2**48 - 1
    psnr : float, optional
        Least peak signal-to-noise ratio in dB, as for the open mark.

    Returns
    -------
    uint8, shape (H, W, 3)

    Raises
    ------
    EvidenceError
        The picture is too small, or the payload or the PSNR out of range.
    """
    rgb = checked(rgb, payload, psnr)
    mask = visibility_mask(rgb)
    return added_at(rgb, mask, _wave(rgb, pattern, payload), psnr)


def _wave(rgb: NDArray[np.uint8], pattern: KeyedPattern, payload: int) -> NDArray[np.float32]:
    """The mark in pixels, mean about 0 and deviation 1."""
    values = luma(rgb)
    height, width = values.shape
    rows, columns = -(-height // 2), -(-width // 2)
    even = np.pad(values, ((0, 2 * rows - height), (0, 2 * columns - width)), mode="edge")
    cells = resized(even, rows, columns, (0, 0, 2 * columns, 2 * rows))
    spare = -rows % BLOCK, -columns % BLOCK
    content = Content.of(np.pad(cells, ((0, spare[0]), (0, spare[1])), mode="edge"))

    bits = (2.0 * encode(payload) - 1).astype(np.float32)
    planes = pattern.presence, pattern.payload * bits[pattern.coded].reshape(SIDE, SIDE)
    down, across = pattern.offset(rgb)
    at = np.ix_((np.arange(rows) + down) % SIDE, (np.arange(columns) + across) % SIDE)
    first, second = (content.signs(asked)[:rows, :columns] for asked in pattern.questions)
    wave = PRESENCE * first * planes[0][at] + PAYLOAD * second * planes[1][at]
    wave -= box_mean(wave, _REACH)
    whole = Image.fromarray(wave).resize((2 * columns, 2 * rows), Image.Resampling.BICUBIC)
    pixels = np.asarray(whole, np.float32)[:height, :width]
    return np.ascontiguousarray(pixels / pixels.std())
