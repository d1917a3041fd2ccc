"""Exact binomial intervals without a statistics library."""

from __future__ import annotations

import math
from dataclasses import dataclass

CONFIDENCE = 0.95
_TINY = 1e-300
_PRECISION = 1e-15
_MOST_TERMS = 20_000
_HALVINGS = 80


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its exact 95 % interval (Clopper–Pearson)."""

    count: int
    of: int
    value: float
    low: float
    high: float

    @classmethod
    def observed(cls, count: int, of: int) -> Rate:
        """The rate behind ``count`` of ``of``."""
        low, high = clopper_pearson(count, of)
        value = count / of if of else 0.0
        return cls(count, of, round(value, 6), round(low, 6), round(high, 6))

    @staticmethod
    def needed_for(rate: float) -> int:
        """Error-free trials after which a rate is shown to be no larger (rule of three)."""
        return math.ceil(round(3 / rate, 6))


def clopper_pearson(count: int, of: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact interval of a binomial share; (0, 1) where nothing was observed.

    References
    ----------
    .. [1] Clopper & Pearson, "The use of confidence or fiducial limits illustrated in the case
       of the binomial", Biometrika 26, 1934.
    """
    if not 0 <= count <= of:
        raise ValueError("a count lies between 0 and the number of trials")
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else beta_quantile(tail, count, of - count + 1)
    high = 1.0 if count == of else beta_quantile(1 - tail, count + 1, of - count)
    return low, high


def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x at which the regularised incomplete beta function reaches ``probability``."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction.

    References
    ----------
    .. [1] NIST Digital Library of Mathematical Functions, 8.17.22.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return math.exp(log_front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction, by the modified method of Lentz."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
