"""The correlation statistic, and its chance on a picture without a mark."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BYTE = 8
_SUSPICIOUS = 1e-6
_CORNER = 0.3


def correlate(
    folded: NDArray[np.float64],
    bits: Sequence[int],
    *,
    columns: int | None = None,
    explained: Sequence[NDArray[np.float64]] = (),
) -> tuple[NDArray[np.float64], int]:
    """Correlate folded scores with a message, nuisance patterns removed from both.

    Parameters
    ----------
    folded : float64, shape (variants, L)
    bits : sequence of L zeros and ones
    columns : int, optional
        Blocks in one row of the picture; both sides are whitened where it is given.
    explained : sequence of float64, shape (L,)
        What other marks, already found, leave in scores that are folded at this length.

    Returns
    -------
    r : float64, shape (variants,)
        Partial correlations.
    freedom : int
        Degrees of freedom of its Student-t null.
    """
    message, own_patterns, gain = _prepared(tuple(bits), columns)
    basis = own_patterns
    if explained:
        others = [_filtered(pattern, gain) for pattern in explained]
        basis = _basis(np.column_stack([own_patterns, *others]))
    message = message - basis @ (basis.T @ message)
    scores = _filtered(folded, gain)
    scores = scores - (scores @ basis) @ basis.T
    norm = np.sqrt((scores * scores).sum(axis=1) * (message @ message))
    r = np.divide(scores @ message, norm, out=np.zeros_like(norm), where=norm > 1e-12)
    return np.clip(r, -1, 1), len(bits) - basis.shape[1] - 2


@lru_cache(maxsize=512)
def _prepared(
    bits: tuple[int, ...], columns: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The whitened message, a basis of the patterns it must not profit from, and the filter."""
    gain = _whitening_gain(len(bits), columns) if columns else _mean_only(len(bits))
    message = _filtered(np.asarray(bits, np.float64), gain)
    return message, _byte_positions(message, gain), gain


def _mean_only(length: int) -> NDArray[np.float64]:
    return (np.arange(length // 2 + 1) > 0).astype(np.float64)


def _whitening_gain(length: int, columns: int) -> NDArray[np.float64]:
    """Gain per harmonic that makes the scores of unmarked photographs white.

    Neighbouring blocks of a photograph score alike. Harmonic ``k`` of the folded scores collects
    the horizontal frequency ``k / length`` and the vertical frequency ``k * columns / length``,
    in cycles per block; measured power falls with their distance from zero as 1 + (0.3 / f)².
    Without this, a fixed key can have a null deviation of 1.45 instead of 1.
    """
    across = np.arange(length // 2 + 1) / length
    down = across * columns
    frequency = np.hypot(across, down - np.rint(down))
    gain = 1 / np.hypot(1, _CORNER / np.maximum(frequency, 1e-9))
    gain[0] = 0
    return gain


def _filtered(values: NDArray[np.float64], gain: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.fft.irfft(np.fft.rfft(values) * gain, values.shape[-1])


def _basis(patterns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal basis of what the columns span, shape (length, rank)."""
    left, sizes, _ = np.linalg.svd(patterns, full_matrices=False)
    return left[:, sizes > 1e-9]


def _byte_positions(message: NDArray[np.float64], gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Basis of the patterns of period 8, where the message is text; else of nothing.

    Bits of text depend on their place in the byte. A picture that repeats every 64 pixels, or
    carries another text, would correlate with that alone.
    """
    length = len(message)
    nothing = np.zeros((length, 0))
    if length % _BYTE:
        return nothing
    places = np.tile(np.eye(_BYTE)[1:], length // _BYTE)
    basis = _basis(_filtered(places, gain).T)
    inside = basis.T @ message
    share = float(inside @ inside) / float(message @ message)
    return basis if chance(math.sqrt(share), length - 2) < _SUSPICIOUS else nothing


SMALLEST_P = 1e-12
"""No p-value below this is reported: the fit of the tail is unknown out there."""


def corrected(p_value: float, tests: int) -> float:
    """Bonferroni's correction for a number of tests, never below :data:`SMALLEST_P`."""
    return min(1.0, max(SMALLEST_P, p_value * tests))


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
