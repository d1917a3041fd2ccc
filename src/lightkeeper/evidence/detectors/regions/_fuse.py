"""One map out of several, each first put on the same scale of surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.regions._windows import log_heavy_tail, log_tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.regions._reconstruction import ReconstructionMap

    Plane = NDArray[np.float32]


def fuse(
    model_free: Mapping[str, Plane], reconstructions: Mapping[str, ReconstructionMap] | None = None
) -> Plane:
    """Sum of the logs of surprise; several autoencoders count as one, corrected for their number.

    Returns
    -------
    float32, shape (H // 8, W // 8)
        For the eye and for ranking; it is no chance.
    """
    total = np.sum([log_heavy_tail(z) for z in model_free.values()], axis=0)
    if reconstructions:
        surprise = [log_tail(each.z) for each in reconstructions.values()]
        total = total + np.maximum(np.max(surprise, axis=0) - np.log10(len(surprise)), 0)
    return np.asarray(total, np.float32)
