"""The correlation statistic, and its chance on a picture without a mark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BYTE = 8
_SUSPICIOUS = 1e-6


def correlate(
    folded: NDArray[np.float64], bits: Sequence[int], *, explained: Sequence[NDArray[np.float64]]
) -> tuple[NDArray[np.float64], int]:
    """Correlate folded scores with a message, nuisance patterns removed from both.

    Parameters
    ----------
    folded : float64, shape (variants, L)
    bits : sequence of L zeros and ones
    explained : sequence of float64, shape (L,)
        What other marks, already found, leave in scores that are folded at this length.

    Returns
    -------
    r : float64, shape (variants,)
        Partial correlations.
    freedom : int
        Degrees of freedom of its Student-t null.
    """
    message = np.asarray(bits, np.float64)
    nuisance = np.column_stack([np.ones(len(message)), *explained, *_byte_positions(message)])
    basis, triangle = np.linalg.qr(nuisance)
    basis = basis[:, np.abs(np.diag(triangle)) > 1e-9]
    message = message - basis @ (basis.T @ message)
    rest = folded - (folded @ basis) @ basis.T
    norm = np.sqrt((rest * rest).sum(axis=1) * (message @ message))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(norm > 1e-12, rest @ message / norm, 0.0)
    return np.clip(r, -1, 1), len(message) - basis.shape[1] - 1


def _byte_positions(message: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Patterns of period 8 that must be removed, where the message is text.

    Bits of text depend on their place in the byte. A picture that repeats every 64 pixels, or
    carries another text, would correlate with that alone.
    """
    if len(message) % _BYTE:
        return []
    places = np.tile(np.eye(_BYTE), len(message) // _BYTE)
    means = message.reshape(-1, _BYTE).mean(axis=0)
    share = means.var() / message.var()
    worst = chance(math.sqrt(share), len(message) - 2)
    return list(places[1:]) if worst < _SUSPICIOUS else []


def chance(r: float, freedom: int) -> float:
    """Probability of a correlation of at least ``r`` where there is none (one-sided).

    Student's t with ``freedom`` degrees of freedom. Folded scores are means of hundreds of block
    scores, and the test normalises by their own spread, so that blocks need not be fair coins.
    """
    if freedom < 1:
        return 1.0
    rest = max(1.0 - r * r, 1e-15)
    tail = 0.5 * _incomplete_beta(freedom / 2, 0.5, rest)
    return tail if r >= 0 else 1.0 - tail


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function by its continued fraction (Lentz)."""
    if x >= 1.0:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
        - math.log(a)
    )
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 400):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d)
            c = 1.0 + term / c
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-13:
            break
    return front * fraction
