"""A small network that points at blurred, resampled and classically filled parts.

It saw drawn textures and the photographs of scikit-image only, and was trained by
``benchmarks/train_region_network.py``. What it finds and what it does not is measured in
``docs/explanation/edited-regions.md``: it is a lead and states no chance.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.detectors.regions._windows import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Plane = NDArray[np.float32]

_WEIGHTS = Path(__file__).with_name("fills.onnx")
_SIDE, _OVERLAP = 512, 64
"""Pixels of what is looked at at once, so that memory does not grow with the picture."""
_MULTIPLE = 16


def filled_map(rgb: Pixels) -> Plane:
    """How far the network favours a fill, block by block.

    Returns
    -------
    float32, shape (H // 8, W // 8)
        Minus log10 of the chance that the network leaves to "no fill": what it states, which is
        no chance.

    Raises
    ------
    EvidenceError
        The network cannot be run here.
    """
    odds = np.zeros([side // BLOCK for side in rgb.shape[:2]], np.float32)
    for top in _begins(rgb.shape[0]):
        for left in _begins(rgb.shape[1]):
            seen = _odds(rgb[top : top + _SIDE, left : left + _SIDE])
            skip_y, skip_x = (_OVERLAP // 2 // BLOCK if at else 0 for at in (top, left))
            y, x = top // BLOCK + skip_y, left // BLOCK + skip_x
            seen = seen[skip_y:, skip_x:][: odds.shape[0] - y, : odds.shape[1] - x]
            odds[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
    return np.asarray(np.logaddexp(0, odds) / np.log(10), np.float32)


def _begins(side: int) -> range:
    step = _SIDE - _OVERLAP
    return range(0, max(1, side - _OVERLAP), step)


def _odds(rgb: Pixels) -> Plane:
    """Log odds of one part, padded to what the network takes."""
    sides = [(0, -side % _MULTIPLE) for side in rgb.shape[:2]]
    padded = np.pad(rgb, [*sides, (0, 0)], mode="symmetric")
    batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    session = _session()
    try:
        odds = session.run(None, {"rgb": batch})[0][0, 0]
    except Exception as error:  # The runtime's own errors share no public base.
        raise EvidenceError(f"the network of filled regions failed: {error}") from error
    high, wide = (side // 2 for side in odds.shape)
    return np.asarray(odds.reshape(high, 2, wide, 2).mean((1, 3)), np.float32)


@cache
def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(_WEIGHTS), options, providers=["CPUExecutionProvider"])
