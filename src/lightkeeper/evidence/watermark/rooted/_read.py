"""Run the extractor over the tiles of a picture, at the scales it may have been resized to."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from lightkeeper.errors import EvidenceError, MissingExtra
from lightkeeper.evidence.watermark.rooted._look import Look
from lightkeeper.evidence.watermark.rooted._statistics import agreement, soft_bits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.rooted._secret import MarkKey

TILE, STEP, MARGIN = 32, 16, 1
SAMPLED = (1.0, 0.7, 0.5, 0.3)
"""Sizes, against the decoded one, at which a key is calibrated."""
SCALES = tuple(round(0.9**k, 3) for k in range(-3, 12))
"""Sizes from 1.4 to .31 that a picture is searched at: a code is read 5 % off its size."""
TURNS = (0.0, -6.0, 6.0)
"""Degrees that it is searched at: a code is read 5 degrees off."""
_MOST_TILES = 121
_GLANCE_TILES = 16
_TURNED, _LOOKED_AT = 3, 2
"""Sizes that are glanced at turned, too, and views that are looked at with all tiles."""
_LARGEST_INSIDE = 4096


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
        scales: tuple[float, ...] = SAMPLED,
        turns: tuple[float, ...] = (0.0,),
        mirrored: tuple[bool, ...] = (False, True),
    ) -> tuple[Look, ...]:
        """All looks at a picture, shape (H, W, 3); each is one more test of every key.

        Views without a single whole tile (32 px after halving) are left out.

        Raises
        ------
        EvidenceError
            The network cannot be run.
        """
        views = ((scale, turn) for scale in scales for turn in turns)
        pairs = (self._looks(rgb, scale, turn, _MOST_TILES) for scale, turn in views)
        return tuple(look for pair in pairs for look in pair if look.mirrored in mirrored)

    def search(
        self, rgb: NDArray[np.uint8], keys: Sequence[MarkKey], *, thorough: bool = False
    ) -> tuple[Look, ...]:
        """The looks at which any of these keys is most likely to be found.

        A glance of few tiles at each size, and at the best sizes turned a little, says which views
        are worth all tiles. All views that could have been chosen are counted as tests: what the
        choice has seen cannot make the best of them better than the best of all.

        Parameters
        ----------
        rgb : uint8, shape (H, W, 3)
        keys : sequence of MarkKey
        thorough : bool
            Look at every size and turn with all tiles, at about six times the time.

        Raises
        ------
        EvidenceError
            The network cannot be run.
        """
        if thorough:
            return self.look(rgb, scales=SCALES, turns=TURNS)
        glances = [look for scale in SCALES for look in self._looks(rgb, scale, 0.0, _GLANCE_TILES)]
        if not glances or not keys:
            return ()
        signs = np.stack([key.signs() for key in keys])
        views = len(glances) * len(TURNS)
        for scale, _ in _best_views(glances, signs)[:_TURNED]:
            for turn in TURNS[1:]:
                glances += self._looks(rgb, scale, turn, _GLANCE_TILES)
        chosen = _best_views(glances, signs)[:_LOOKED_AT]
        looks = [look for view in chosen for look in self._looks(rgb, *view, _MOST_TILES)]
        return (replace(looks[0], tests=views - len(looks) + 1), *looks[1:])

    def _looks(
        self, rgb: NDArray[np.uint8], scale: float, turn: float, most: int
    ) -> tuple[Look, ...]:
        """A view and its mirror image; nothing where no tile fits."""
        inside = _inside(rgb, scale, turn, most)
        if min(inside.shape[:2]) < TILE:
            return ()
        tiles = cut_tiles(inside, most)
        logits = self._pooled(tiles)
        return tuple(
            Look(logits=row, scale=scale, mirrored=bool(k), tiles=len(tiles), turn=turn)
            for k, row in enumerate(logits)
        )

    def _pooled(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            pooled: NDArray[np.float32] = self._session.run(["logits"], {"tiles": tiles})[0]
        except (EvidenceError, MissingExtra):
            raise
        except Exception:
            raise EvidenceError("the extractor of a rooted mark failed") from None
        return pooled


def _best_views(looks: Sequence[Look], signs: NDArray[np.floating]) -> list[tuple[float, float]]:
    """Scales and turns of looks, the one that agrees best with any key first."""
    totals = agreement(soft_bits(np.stack([look.logits for look in looks])), signs).max(axis=1)
    ordered = ((looks[k].scale, looks[k].turn) for k in np.argsort(-totals))
    return list(dict.fromkeys(ordered))


def cut_tiles(inside: NDArray[np.float32], most: int = _MOST_TILES) -> NDArray[np.float32]:
    """At most so many tiles spread over a halved picture, with a margin, shape (M, 3, 34, 34)."""
    height, width = inside.shape[:2]
    side = TILE + 2 * MARGIN
    planes = np.zeros((3, height + 2 * MARGIN, width + 2 * MARGIN), np.float32)
    planes[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = inside.transpose(2, 0, 1)
    down, over = (length.ravel() for length in np.meshgrid(_starts(height), _starts(width)))
    if len(down) > most:
        # Scattered, but the same for equal pictures.
        chosen = np.random.default_rng(48).choice(len(down), most, replace=False)
        down, over = down[chosen], over[chosen]
    views = np.lib.stride_tricks.sliding_window_view(planes, (side, side), axis=(1, 2))
    return np.ascontiguousarray(views.transpose(1, 2, 0, 3, 4)[down, over])


def _starts(length: int) -> NDArray[np.int64]:
    return np.arange(0, length - TILE + 1, STEP)


def _inside(
    rgb: NDArray[np.uint8], scale: float, turn: float = 0.0, most: int = _MOST_TILES
) -> NDArray[np.float32]:
    """The picture at half of the size it was decoded at, turned back, float32 in [0, 1]."""
    height, width = rgb.shape[:2]
    if scale == 1.0 and not turn and most == _MOST_TILES:
        even = rgb[: height // 2 * 2, : width // 2 * 2]
        halved = even[0::2, 0::2].astype(np.uint16)
        for down, over in ((1, 0), (0, 1), (1, 1)):
            halved += even[down::2, over::2]
        return halved * np.float32(1 / 1020)
    factor = 0.5 / scale
    # Enough of the middle for all tiles that are read, so that the cost has a bound.
    reach = int(most**0.5 + 1) * STEP / factor
    top, left = (max(0, int((side - reach * 1.5) / 2)) for side in (height, width))
    rgb = rgb[top : height - top, left : width - left]
    size = tuple(
        max(1, min(_LARGEST_INSIDE, round(side * factor))) for side in (rgb.shape[1], rgb.shape[0])
    )
    resized = Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR)
    if turn:
        resized = _turned(resized, turn)
    return np.asarray(resized, np.float32) * np.float32(1 / 255)


def _turned(picture: Image.Image, turn: float) -> Image.Image:
    """What of a turned picture was in it before: the largest middle of the same shape."""
    width, height = picture.size
    sine, cosine = abs(math.sin(math.radians(turn))), math.cos(math.radians(turn))
    shrink = min(width, height) / (min(width, height) * cosine + max(width, height) * sine)
    left, top = (math.ceil(side * (1 - shrink) / 2) for side in (width, height))
    turned = picture.rotate(turn, Image.Resampling.BILINEAR)
    if width - 2 * left < 1 or height - 2 * top < 1:
        return turned.crop((0, 0, 1, 1))
    return turned.crop((left, top, width - left, height - top))
