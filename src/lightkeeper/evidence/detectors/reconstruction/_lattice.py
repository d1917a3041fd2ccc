"""Whether the patches of one picture prefer the same phase.

A decoder enlarges in steps of two. The error therefore drops most at the right phase, less at
those that share it modulo four, and less again at those that share its parity: each patch gives
a field on a torus of phases in which such a lattice is looked for, not a single minimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_SHARED = 0.5
"""Weight of the phases that share the parity, beside that of the phase itself."""
_SOFT = 0.15
"""Spread, in log error, under which a patch counts for less than one that is torn."""
_STEPS = 400
"""Steps of the scale on which chances are summed; rounding goes against agreement."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The place on the torus that patches prefer together."""

    at: tuple[int, int]
    contrast: float
    """Mean of the filtered fields there, in log error."""
    p_value: float
    agreeing: int
    """Patches that prefer this place by themselves."""


def agreement(fields: Values, *, lattice: bool = True) -> Agreement:
    """Find the place that all patches prefer, and the chance that they do so by accident.

    Parameters
    ----------
    fields : float64, shape (patches, n, n)
        Log error per patch and phase, n even.
    lattice : bool
        Whether phases that share the parity drop too; without, each phase stands alone.

    Returns
    -------
    Agreement
        ``p_value`` bounds the chance of a sum this large at any place if each patch's field lay
        anywhere on the torus, independently: the fields themselves are the null, whatever
        their content. It is not fitted, and never below n^(2 - 2 * patches).
    """
    filtered = _filtered(fields, _SHARED if lattice else 0.0)
    spread = filtered.std((1, 2), keepdims=True)
    scores = filtered / (spread + _SOFT)
    total = scores.sum(0)
    place = int(total.argmax())
    y, x = divmod(place, total.shape[1])
    own = scores.reshape(len(scores), -1).argmax(1)
    return Agreement(
        at=(y, x),
        contrast=float(filtered[:, y, x].mean()),
        p_value=_chance(scores, float(total.max())),
        agreeing=int((own == place).sum()),
    )


def _filtered(fields: Values, shared: float) -> Values:
    found = -fields.copy()
    for step in product(range(0, fields.shape[1], 2), repeat=2):
        if shared and step != (0, 0):
            found -= shared * np.roll(fields, step, (1, 2))
    return np.asarray(found - found.mean((1, 2), keepdims=True))


def _chance(scores: Values, observed: float) -> float:
    """Places times the chance that one value drawn from each patch adds up to ``observed``."""
    places = scores[0].size
    low, high = float(scores.min()), float(scores.max())
    if high <= low:
        return 1.0
    width = (high - low) / _STEPS
    sums = np.ones(1)
    for field in scores:
        steps = np.ceil((field.ravel() - low) / width - 1e-9).astype(np.int64)
        sums = np.convolve(sums, np.bincount(steps, minlength=_STEPS + 1) / places)
    first = int(np.floor((observed - len(scores) * low) / width + 1e-9))
    tail = float(sums[max(0, first) :].sum())
    return 1.0 if places * tail >= 1 else places * tail
