"""How far a picture is from what an operator's own inversion and generation give back.

Whatever pipeline does it is the operator's code, and runs in the worker; no picture that it makes
leaves it, only one number does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.evidence.detectors.plugins._preprocess import batch_of, score_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.plugins._manifest import Manifest

    Planes = NDArray[np.float32]

_BLOCK = 8
_FLOOR = 1e-5
"""Added to both energies (of values from 0 to 1): a flat block has neither."""


def inverting(
    reconstruct: Callable[[Planes], Any], manifest: Manifest
) -> Callable[[NDArray[np.uint8]], float | None]:
    """A scorer from a function that gives pictures back.

    Parameters
    ----------
    reconstruct : callable
        float32 of shape (N, 3, H, W) in 0..1 to the same: as an autoencoder reconstructs.
    """

    def score(rgb: NDArray[np.uint8]) -> float | None:
        batch = batch_of(rgb, manifest.input)
        if batch is None:
            return None
        again = np.asarray(reconstruct(batch.copy()), np.float32)
        if again.shape != batch.shape:
            raise ValueError(f"it gave {again.shape} back for {batch.shape}")
        distances = [normalised_error(*pair) for pair in zip(batch, again, strict=True)]
        return score_of(np.array(distances)[:, None], manifest.score)

    return score


def normalised_error(picture: Planes, again: Planes) -> float:
    """Median over blocks of the log error, less the log energy of the block's own detail.

    Without that, busy pictures would be far from their reconstructions and plain ones near.
    """
    error = (again.mean(0) - picture.mean(0)) ** 2
    grey = picture.mean(0)
    detail = np.zeros_like(grey)
    detail[:, 1:] += np.diff(grey, axis=1) ** 2
    detail[1:] += np.diff(grey, axis=0) ** 2
    ratio = np.log((_blocks(error) + _FLOOR) / (_blocks(detail) + _FLOOR))
    return float(np.median(ratio))


def _blocks(plane: Planes) -> Planes:
    height, width = (side // _BLOCK for side in plane.shape)
    cut = plane[: height * _BLOCK, : width * _BLOCK]
    means: Planes = cut.reshape(height, _BLOCK, width, _BLOCK).mean((1, 3))
    return means
