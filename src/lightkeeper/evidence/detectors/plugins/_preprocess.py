"""From pixels to a batch and from outputs to one score, as a manifest declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.plugins._manifest import Input, Score

_BOX_NUMBERS = 4
_FEW_TILES = 4
_KERNELS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
_CELL, _FLAT = 8, 2
"""A cell of JPEG, and a span of levels that its rounding leaves in a flat one."""


def batch_of(rgb: NDArray[np.uint8], declared: Input) -> NDArray[np.float32] | None:
    """Crops of one picture, normalised.

    Returns
    -------
    float32, shape (crops, 3, H, W), or ``None``
        ``None`` where the picture is smaller than a crop, since it is never enlarged in silence,
        where it has more tiles than ``crops``, and where too little of it has texture.
    """
    if declared.textured and _textured(rgb) < declared.textured:
        return None
    crops = _crops(rgb, declared)
    if not crops:
        return None
    scaled = np.stack(crops).astype(np.float32) / np.float32(255)
    normalised = (scaled - np.array(declared.mean, np.float32)) / np.array(declared.std, np.float32)
    return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2), dtype=np.float32)


def _textured(rgb: NDArray[np.uint8]) -> float:
    """Share of cells of 8 by 8 pixels whose green differs by more than two levels."""
    high, wide = (side // _CELL * _CELL for side in rgb.shape[:2])
    if not high or not wide:
        return 0.0
    cells = rgb[:high, :wide, 1].reshape(high // _CELL, _CELL, wide // _CELL, _CELL)
    span = cells.max(axis=(1, 3)) - cells.min(axis=(1, 3))
    return float((span > _FLAT).mean())


def score_of(outputs: NDArray[Any], declared: Score) -> float:
    """One number from the outputs of all crops; larger speaks for generation.

    Raises
    ------
    ValueError
        The output has another shape than the manifest declares.
    """
    values = _per_crop(np.asarray(outputs, dtype=np.float64), declared)
    value = float(values.max() if declared.combine == "max" else values.mean())
    if declared.higher == "captured":
        return 1 - value if declared.meaning == "probability" else -value
    return value


def _per_crop(outputs: NDArray[np.float64], declared: Score) -> NDArray[np.float64]:
    if declared.boxes:
        return _best_box(outputs, declared)
    if outputs.ndim > 2:
        # A map of logits: its mean is what global pooling would have given.
        outputs = outputs.reshape(*outputs.shape[:2], -1).mean(axis=-1)
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    if outputs.ndim != 2 or outputs.shape[1] <= declared.output:
        raise ValueError(f"the output has the shape {outputs.shape}")
    if declared.softmax:
        if outputs.shape[1] == 1:
            raise ValueError("a softmax over one column is always 1: score.softmax must be false")
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = shifted / shifted.sum(axis=1, keepdims=True)
    column: NDArray[np.float64] = outputs[:, declared.output]
    return column


def _best_box(outputs: NDArray[np.float64], declared: Score) -> NDArray[np.float64]:
    """Highest score of the classes that count, over all boxes."""
    if outputs.ndim != 3 or outputs.shape[1] <= _BOX_NUMBERS + max(declared.classes):
        raise ValueError(f"the output has the shape {outputs.shape}, not that of boxes")
    chosen = outputs[:, [_BOX_NUMBERS + c for c in declared.classes]]
    best: NDArray[np.float64] = chosen.reshape(chosen.shape[0], -1).max(axis=1)
    return best


def _crops(rgb: NDArray[np.uint8], declared: Input) -> list[NDArray[np.uint8]]:
    side = declared.side
    if declared.resize == "shortest":
        return [_centre(_by_shorter(rgb, declared), side, side)]
    if declared.resize != "forbidden":
        return [_resized(rgb, declared)]
    if declared.crop == "whole":
        return [_centre(rgb, min(side, rgb.shape[0]), min(side, rgb.shape[1]))]
    whole = rgb[: _multiple(rgb.shape[0], declared), : _multiple(rgb.shape[1], declared)]
    if min(whole.shape[:2], default=0) < side:
        if declared.small == "abstain" or not whole.size:
            return []
        whole = _enlarged(whole, declared)
    if declared.crop == "grid":
        return _grid(whole, declared)
    if declared.crop == "tiles":
        return _tiles(whole, declared)
    return _five(whole, declared) if declared.crop == "five" else [_centre(whole, side, side)]


def _multiple(length: int, declared: Input) -> int:
    return length // declared.align * declared.align


def _enlarged(rgb: NDArray[np.uint8], declared: Input) -> NDArray[np.uint8]:
    """As large as a crop: with black, mirrored, or repeated from its first corner."""
    lacks = [max(0, declared.side - length) for length in rgb.shape[:2]]
    if declared.small == "repeat":
        return np.pad(rgb, ((0, lacks[0]), (0, lacks[1]), (0, 0)), mode="wrap")
    edges = [(lack // 2, lack - lack // 2) for lack in lacks]
    if declared.small == "zeros":
        return np.pad(rgb, (*edges, (0, 0)))
    # A side of one pixel has nothing to be mirrored.
    mode: Literal["reflect", "edge"] = "reflect" if min(rgb.shape[:2]) > 1 else "edge"
    return np.pad(rgb, (*edges, (0, 0)), mode=mode)


def _centre(rgb: NDArray[np.uint8], height: int, width: int, align: int = 1) -> NDArray[np.uint8]:
    top, left = (
        (length - side) // align // 2 * align
        for length, side in zip(rgb.shape[:2], (height, width), strict=True)
    )
    return rgb[top : top + height, left : left + width]


def _five(rgb: NDArray[np.uint8], declared: Input) -> list[NDArray[np.uint8]]:
    side = declared.side
    middle = _centre(rgb, side, side, declared.align)
    ends = (slice(side), slice(-side, None))
    corners = [rgb[y, x] for y in ends for x in ends]
    return [middle, *corners]


def _tiles(rgb: NDArray[np.uint8], declared: Input) -> list[NDArray[np.uint8]]:
    """Side by side from the first corner; of a picture with few of them, the five crops."""
    side = declared.side
    high, wide = (length // side for length in rgb.shape[:2])
    if high * wide > declared.crops:
        return []
    if high * wide < _FEW_TILES:
        return _five(rgb, declared)
    return [
        rgb[y * side : (y + 1) * side, x * side : (x + 1) * side]
        for y in range(high)
        for x in range(wide)
    ]


def _grid(rgb: NDArray[np.uint8], declared: Input) -> list[NDArray[np.uint8]]:
    """At most ``crops`` crops, spread evenly over the picture."""
    side = declared.side
    per_axis = max(1, int(np.sqrt(declared.crops)))
    starts = [
        np.unique(np.linspace(0, length - side, per_axis).round().astype(int))
        for length in rgb.shape[:2]
    ]
    return [rgb[y : y + side, x : x + side] for y in starts[0] for x in starts[1]]


def _by_shorter(rgb: NDArray[np.uint8], declared: Input) -> NDArray[np.uint8]:
    shorter = declared.shorter or declared.side
    height, width = rgb.shape[:2]
    longer = int(shorter * max(height, width) / min(height, width))
    size = (shorter, longer) if width <= height else (longer, shorter)
    return np.asarray(Image.fromarray(rgb).resize(size, _KERNELS[declared.kernel]))


def _resized(rgb: NDArray[np.uint8], declared: Input) -> NDArray[np.uint8]:
    side = declared.side
    picture = Image.fromarray(rgb)
    if declared.resize == "stretch":
        return np.asarray(picture.resize((side, side), _KERNELS[declared.kernel]))
    factor = side / max(picture.size)
    width, height = (max(1, int(length * factor)) for length in picture.size)
    small = np.asarray(picture.resize((width, height), _KERNELS[declared.kernel]))
    down, right = side - height, side - width
    edges = ((down // 2, down - down // 2), (right // 2, right - right // 2), (0, 0))
    return np.pad(small, edges, mode="edge")
