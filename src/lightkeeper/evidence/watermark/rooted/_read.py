"""Run the extractor over the tiles of a picture, at the scales it may have been resized to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from lightkeeper.errors import EvidenceError, MissingExtra

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE, STEP, MARGIN = 32, 16, 1
SCALES = (1.0, 0.7, 0.5, 0.3)
"""Sizes, against the decoded one, that a picture is tried at."""
THOROUGH = tuple(round(0.9**k, 3) for k in range(-3, 12))
"""The same for any size from 1.4 to .31: a code is read 5 % off its size."""
_MOST_TILES = 121
_LARGEST_INSIDE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the extractor saw in one view of a picture.

    Parameters
    ----------
    logits : float32, shape (BITS,)
        Whitened: about standard normal on a picture without a mark.
    scale : float
        The picture is taken to be this much smaller than it was decoded.
    mirrored : bool
    tiles : int
        Places that were read.
    """

    logits: NDArray[np.float32]
    scale: float
    mirrored: bool
    tiles: int


class RootedReader:
    """An extractor, ready to look.

    Parameters
    ----------
    extractor : bytes
        ONNX: tiles of shape (M, 3, 34, 34) in [0, 1] to logits of shape (2, 48), as they are and
        mirrored.

    Raises
    ------
    MissingExtra
        onnxruntime is not installed.
    EvidenceError
        The network cannot be loaded.
    """

    def __init__(self, extractor: bytes) -> None:
        self._extractor = extractor

    @cached_property
    def _session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtra("reading a rooted mark", extra="detect") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        try:
            return onnxruntime.InferenceSession(
                self._extractor, options, providers=["CPUExecutionProvider"]
            )
        except Exception:
            # Without its cause: the runtime's message may repeat the network.
            raise EvidenceError("the extractor of a rooted mark cannot be loaded") from None

    def look(
        self,
        rgb: NDArray[np.uint8],
        *,
        scales: tuple[float, ...] = SCALES,
        mirrored: tuple[bool, ...] = (False, True),
    ) -> tuple[Look, ...]:
        """All looks at a picture, shape (H, W, 3); each is one more test of every key.

        Views without a single whole tile (32 px after halving) are left out.

        Raises
        ------
        EvidenceError
            The network cannot be run.
        """
        looks = []
        for scale in scales:
            inside = _inside(rgb, scale)
            if min(inside.shape[:2]) < TILE:
                continue
            tiles = cut_tiles(inside)
            logits = self._pooled(tiles)
            looks += [
                Look(logits=logits[int(mirror)], scale=scale, mirrored=mirror, tiles=len(tiles))
                for mirror in mirrored
            ]
        return tuple(looks)

    def _pooled(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            pooled: NDArray[np.float32] = self._session.run(["logits"], {"tiles": tiles})[0]
        except (EvidenceError, MissingExtra):
            raise
        except Exception:
            raise EvidenceError("the extractor of a rooted mark failed") from None
        return pooled


def cut_tiles(inside: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most 121 tiles spread over a halved picture, with a margin, shape (M, 3, 34, 34)."""
    height, width = inside.shape[:2]
    side = TILE + 2 * MARGIN
    planes = np.zeros((3, height + 2 * MARGIN, width + 2 * MARGIN), np.float32)
    planes[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = inside.transpose(2, 0, 1)
    down, over = (length.ravel() for length in np.meshgrid(_starts(height), _starts(width)))
    if len(down) > _MOST_TILES:
        # Scattered, but the same for equal pictures.
        chosen = np.random.default_rng(48).choice(len(down), _MOST_TILES, replace=False)
        down, over = down[chosen], over[chosen]
    views = np.lib.stride_tricks.sliding_window_view(planes, (side, side), axis=(1, 2))
    return np.ascontiguousarray(views.transpose(1, 2, 0, 3, 4)[down, over])


def _starts(length: int) -> NDArray[np.int64]:
    return np.arange(0, length - TILE + 1, STEP)


def _inside(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.float32]:
    """The picture at half of the size it was decoded at, float32 in [0, 1]."""
    height, width = rgb.shape[:2]
    if scale == 1.0:
        even = rgb[: height // 2 * 2, : width // 2 * 2]
        halved = even[0::2, 0::2].astype(np.uint16)
        for down, over in ((1, 0), (0, 1), (1, 1)):
            halved += even[down::2, over::2]
        return halved * np.float32(1 / 1020)
    factor = 0.5 / scale
    # Enough of the middle for all tiles that are read, so that the cost has a bound.
    most = int(_MOST_TILES**0.5 + 1) * STEP / factor
    top, left = (max(0, int((side - most * 1.5) / 2)) for side in (height, width))
    rgb = rgb[top : height - top, left : width - left]
    size = tuple(
        max(1, min(_LARGEST_INSIDE, round(side * factor))) for side in (rgb.shape[1], rgb.shape[0])
    )
    resized = Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, np.float32) * np.float32(1 / 255)
