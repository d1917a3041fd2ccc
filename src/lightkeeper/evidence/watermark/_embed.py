"""Write a public mark into a picture, so that the reference library reads it, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark._marks import Mark, Method, Variant
from lightkeeper.evidence.watermark._read import SMALLEST_AREA

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP = 36.0
_LEAD = 2.0
_U_CENTRE = {"uint8": 128.0, "float32": 0.5}
# Change of a pixel's first and second channel for one unit of U, Y and V kept (OpenCV's weights).
_FIRST_PER_U, _GREEN_PER_U = 2.032, -0.395


def embed(rgb: NDArray[np.uint8], mark: Mark, *, variant: Variant) -> NDArray[np.uint8]:
    """Embed a mark.

    Unlike the reference, details of the Haar transform keep their place and samples are rounded,
    not cut, so that pixels change less. A public mark proves nothing alone: anyone can write it.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3), at least 65,536 pixels
    mark : Mark
    variant : Variant
        Number type, channel order and method that decoders must assume.

    Returns
    -------
    uint8, shape (H, W, 3)

    Raises
    ------
    EvidenceError
        The picture is too small to repeat the message, or the mark is for another method.
    """
    height, width = rgb.shape[0] // 4 * 4, rgb.shape[1] // 4 * 4
    if mark.method not in (None, variant.method):
        raise EvidenceError(f"the mark '{mark.id}' is for {mark.method}, not {variant.method}")
    blocks = (height // 8) * (width // 8)
    if rgb.shape[0] * rgb.shape[1] < SMALLEST_AREA or blocks < len(mark.bits):
        raise EvidenceError("the picture is too small for a mark: it needs 65,536 pixels")
    number, order = variant.value.split("-")[:2]
    first, third = (2, 0) if order == "bgr" else (0, 2)
    pixels = rgb[:height, :width].astype(np.float64)
    luma = 0.114 * pixels[..., first] + 0.587 * pixels[..., 1] + 0.299 * pixels[..., third]
    u = 0.492 * (pixels[..., first] - luma) + _U_CENTRE[number]
    change = np.zeros_like(u)
    change[: height // 8 * 8, : width // 8 * 8] = _change_of_u(u, mark, variant.method)
    pixels[..., first] += _FIRST_PER_U * change
    pixels[..., 1] += _GREEN_PER_U * change
    marked = rgb.copy()
    marked[:height, :width] = np.clip(np.rint(pixels), 0, 255)
    return marked


def _change_of_u(u: NDArray[np.float64], mark: Mark, method: Method) -> NDArray[np.float64]:
    """What to add to each sample of U, over all whole blocks of 8×8 pixels."""
    rows, columns = u.shape[0] // 8, u.shape[1] // 8
    whole = u[: rows * 8, : columns * 8].reshape(rows * 4, 2, columns * 4, 2)
    low = whole.sum(axis=(1, 3)) / 2
    blocks = low.reshape(rows, 4, columns, 4).transpose(0, 2, 1, 3).reshape(-1, 4, 4)
    bits = np.resize(np.asarray(mark.bits, np.float64), len(blocks))
    write = _on_largest_value if method is Method.DWT_DCT_SVD else _on_largest_coefficient
    change = write(blocks, bits).reshape(rows, columns, 4, 4).transpose(0, 2, 1, 3)
    # The inverse Haar transform spreads half of a low-band sample's change over each pixel.
    spread: NDArray[np.float64] = np.empty(whole.shape)
    spread[:] = change.reshape(rows * 4, 1, columns * 4, 1) / 2
    return spread.reshape(rows * 8, columns * 8)


def _quantise(values: NDArray[np.float64], bits: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values // _STEP + 0.25 + 0.5 * bits) * _STEP


def _on_largest_coefficient(
    blocks: NDArray[np.float64], bits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """dwtDct: the largest sample of each block but its first (no DCT is ever applied).

    A value that its cell makes smaller could lose its place to a neighbour, and decoders would
    read that one: neighbours are kept below it.
    """
    flat = blocks.reshape(-1, 16)
    size = np.abs(flat)
    at = size[:, 1:].argmax(axis=1) + 1
    index = np.arange(len(flat))
    written = _quantise(size[index, at], bits)
    kept = np.minimum(size, written[:, None] - _LEAD)
    kept[:, 0] = size[:, 0]
    kept[index, at] = written
    change: NDArray[np.float64] = np.copysign(kept, flat) - flat
    return change


def _on_largest_value(
    blocks: NDArray[np.float64], bits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """dwtDctSvd: the largest singular value, which an orthonormal DCT leaves as it is."""
    left, values, right = np.linalg.svd(blocks)
    by = _quantise(values[:, 0], bits) - values[:, 0]
    change: NDArray[np.float64] = by[:, None, None] * left[:, :, :1] * right[:, :1, :]
    return change
