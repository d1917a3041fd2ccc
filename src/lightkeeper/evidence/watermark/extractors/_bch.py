"""Binary BCH codes over GF(2^7), shortened to what a payload needs.

Words are Python integers whose highest bit is sent first.

References
----------
.. [1] R. C. Bose, D. K. Ray-Chaudhuri, "On a class of error correcting binary group codes", 1960.
.. [2] E. R. Berlekamp, "Algebraic Coding Theory", 1968.
"""

from __future__ import annotations

import math
from functools import cached_property, lru_cache

_ORDER = 127
_PRIMITIVE = 0b10001001
"""x^7 + x^3 + 1."""


@lru_cache(maxsize=1)
def _tables() -> tuple[tuple[int, ...], dict[int, int]]:
    powers, value = [], 1
    for _ in range(_ORDER):
        powers.append(value)
        value <<= 1
        if value >> 7:
            value ^= _PRIMITIVE
    return tuple(powers), {power: i for i, power in enumerate(powers)}


def _times(a: int, b: int) -> int:
    if not a or not b:
        return 0
    powers, logs = _tables()
    return powers[(logs[a] + logs[b]) % _ORDER]


def _inverse(a: int) -> int:
    powers, logs = _tables()
    return powers[-logs[a] % _ORDER]


class Bch:
    """A code that corrects ``t`` errors, 1 to 8, in words of at most 127 bits.

    Parameters
    ----------
    t : int
    """

    def __init__(self, t: int) -> None:
        self.t = t

    @property
    def check_bits(self) -> int:
        """Length of the check word."""
        return self._generator.bit_length() - 1

    def check(self, data: int) -> int:
        """The check word of ``data``."""
        remainder, degree = data << self.check_bits, self.check_bits
        while remainder.bit_length() > degree:
            remainder ^= self._generator << (remainder.bit_length() - 1 - degree)
        return remainder

    def corrected(self, word: int, length: int) -> tuple[int, int] | None:
        """The nearest code word and the number of bits corrected; ``None`` beyond ``t``."""
        powers, _ = _tables()
        ones = [i for i in range(length) if word >> i & 1]
        syndromes = [0] * (2 * self.t)
        for j in range(1, 2 * self.t + 1):
            for i in ones:
                syndromes[j - 1] ^= powers[i * j % _ORDER]
        if not any(syndromes):
            return word, 0
        locator = _locator(syndromes)
        errors = len(locator) - 1
        places = [i for i in range(length) if not _value(locator, powers[-i % _ORDER])]
        if errors > self.t or len(places) != errors:
            return None
        for place in places:
            word ^= 1 << place
        return word, errors

    def chance(self, length: int, errors: int) -> float:
        """Share of random words of ``length`` bits within ``errors`` bits of a code word."""
        return math.fsum(math.comb(length, i) for i in range(errors + 1)) / 2.0**self.check_bits

    @cached_property
    def _generator(self) -> int:
        """The product of the minimal polynomials of the first ``2 t`` powers."""
        powers, _ = _tables()
        roots = {j * 2**k % _ORDER for j in range(1, 2 * self.t + 1) for k in range(7)}
        factors = [1]
        for root in roots:
            shifted = [0, *factors]
            for i, coefficient in enumerate(factors):
                shifted[i] ^= _times(coefficient, powers[root])
            factors = shifted
        return sum(coefficient << i for i, coefficient in enumerate(factors))


def _locator(syndromes: list[int]) -> list[int]:
    """Error locator by Berlekamp and Massey, lowest coefficient first."""
    current, previous = [1], [1]
    length, gap, discrepancy = 0, 1, 1
    for n, syndrome in enumerate(syndromes):
        wrong = syndrome
        for i in range(1, length + 1):
            if i < len(current):
                wrong ^= _times(current[i], syndromes[n - i])
        if not wrong:
            gap += 1
            continue
        factor = _times(wrong, _inverse(discrepancy))
        change = [0] * gap + [_times(factor, c) for c in previous]
        size = max(len(current), len(change))
        padded = [*current, *[0] * (size - len(current))]
        for i, coefficient in enumerate(change):
            padded[i] ^= coefficient
        if 2 * length <= n:
            previous, discrepancy = current, wrong
            length, gap = n + 1 - length, 1
        else:
            gap += 1
        current = padded
    while len(current) > 1 and not current[-1]:
        current.pop()
    return current


def _value(polynomial: list[int], at: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = _times(value, at) ^ coefficient
    return value
