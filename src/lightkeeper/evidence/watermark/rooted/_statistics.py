"""How surprising it is that soft bits agree with a key, if the key were any other."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CUT = 2.2
_NORMAL = NormalDist()
_NEWTON = 60


def soft_bits(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logits with outliers cut, at length one, shape as given.

    A bit that shouts must not outvote the others. The level is the third quartile: of a picture
    that two copies share, half of the bits are near zero and the others count.
    """
    values = np.asarray(logits, np.float64)
    level = np.quantile(np.abs(values), 0.75, axis=-1, keepdims=True)
    values = np.clip(values, -_CUT * level, _CUT * level)
    norm = np.linalg.norm(values, axis=-1, keepdims=True)
    cut: NDArray[np.float64] = np.divide(values, norm, out=np.zeros_like(values), where=norm > 0)
    return cut


def agreement(soft: NDArray[np.float64], signs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sum of soft bits in the key's directions: mean 0 and deviation 1 over all keys.

    Parameters
    ----------
    soft : float64, shape (..., BITS)
    signs : shape (N, BITS)
        -1 and 1.

    Returns
    -------
    float64, shape (..., N)
    """
    return soft @ np.asarray(signs, np.float64).T


def chance(total: float, soft: NDArray[np.float64]) -> float:
    """Share of all keys that agree at least so well with these soft bits (one-sided).

    For a key that was drawn at random, and of which the picture knows nothing, it is the p-value
    whatever the picture is. The saddlepoint of a sum of signs is used, which holds in the far
    tail where a normal law does not: the sum cannot exceed the one of full agreement.

    References
    ----------
    .. [1] Lugannani & Rice, "Saddle point approximation for the distribution of the sum of
       independent random variables", 1980.
    """
    sizes = np.abs(soft)
    most = float(sizes.sum())
    if total <= 0.05:
        return _NORMAL.cdf(-total)
    if total >= most * (1 - 1e-9):
        return 2.0 ** -len(sizes)
    point = _saddlepoint(total, sizes)
    exponent = point * total - float(_log_cosh(point * sizes).sum())
    w = math.sqrt(max(2 * exponent, 0.0))
    variance = float((sizes**2 / np.cosh(np.minimum(point * sizes, 300.0)) ** 2).sum())
    u = point * math.sqrt(variance)
    if w < 1e-4 or u < 1e-300:
        return _NORMAL.cdf(-total)
    density = math.exp(-w * w / 2) / math.sqrt(2 * math.pi)
    tail = _NORMAL.cdf(-w) + density * (1 / u - 1 / w)
    # A sum of signs is discrete near its end: never below one key in all.
    return min(1.0, max(tail, 2.0 ** -len(sizes)))


def deviate(p_value: float) -> float:
    """The standard normal value with this upper tail."""
    return -_NORMAL.inv_cdf(min(max(p_value, 1e-300), 1 - 1e-16))


def upper_tail(z: float) -> float:
    """Probability that a standard normal value is at least ``z``."""
    return _NORMAL.cdf(-z)


def _saddlepoint(total: float, sizes: NDArray[np.float64]) -> float:
    low, high = 0.0, 1.0
    while float((sizes * np.tanh(high * sizes)).sum()) < total and high < 1e9:
        low, high = high, high * 2
    for _ in range(_NEWTON):
        middle = (low + high) / 2
        if float((sizes * np.tanh(middle * sizes)).sum()) < total:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _log_cosh(x: NDArray[np.float64]) -> NDArray[np.float64]:
    a = np.abs(x)
    value: NDArray[np.float64] = a + np.log1p(np.exp(-2 * a)) - math.log(2)
    return value
