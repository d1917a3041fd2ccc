"""What one view of a picture shows of the bits of a mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    turn : float
        Degrees by which the picture was turned back.
    tests : int
        Looks that this one stands for: of a search, only the best are kept, and all are counted.
    """

    logits: NDArray[np.float32]
    scale: float
    mirrored: bool
    tiles: int
    turn: float = 0.0
    tests: int = 1
