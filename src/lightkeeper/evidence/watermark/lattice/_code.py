"""Check and error correction: 48 bits and their CRC in a tail-biting convolutional code.

The code is the rate-1/6 code of constraint length 9 of cdma2000 (3GPP2 C.S0002), made
tail-biting: 64 bits become 384. It is decoded from soft values, by Viterbi's algorithm twice
around the circle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAYLOAD_BITS = 48
CHECK_BITS = 16
STEPS = PAYLOAD_BITS + CHECK_BITS
_POLYNOMIALS = (0o457, 0o755, 0o551, 0o637, 0o625, 0o727)
GENERATORS = len(_POLYNOMIALS)
_MEMORY = 8
_STATES = 1 << _MEMORY
_CRC_POLYNOMIAL, _CRC_START = 0x1021, 0xFFFF
CANDIDATES = 8
"""Words whose check is looked at; each is one more chance for noise to pass it."""


def _check(payload: int) -> int:
    """CRC-16/CCITT over the six bytes of a payload, most significant first."""
    register = _CRC_START
    for shift in range(PAYLOAD_BITS - 1, -1, -1):
        top = (register >> (CHECK_BITS - 1)) ^ (payload >> shift & 1)
        register = register << 1 & 0xFFFF
        if top:
            register ^= _CRC_POLYNOMIAL
    return register


def _outputs() -> NDArray[np.uint8]:
    """Coded bits of each state and input, shape (states, 2, generators)."""
    registers = np.arange(2 * _STATES)
    bits = [np.bitwise_count(registers & polynomial) & 1 for polynomial in _POLYNOMIALS]
    table = np.stack(bits, axis=-1).astype(np.uint8)
    return np.ascontiguousarray(table.reshape(2, _STATES, GENERATORS).transpose(1, 0, 2))


_OUTPUTS = _outputs()
# By generator; low bit of the state before, bit that comes in, other bits of the state before.
_SIGNS = (2.0 * _OUTPUTS.reshape(-1, 2, 2, GENERATORS) - 1).transpose(3, 1, 2, 0)
_SIGNS = _SIGNS.reshape(GENERATORS, -1).astype(np.float32)


def encode(payload: int) -> NDArray[np.uint8]:
    """Coded bits of a payload, shape (384,): six for each of 64 steps."""
    word = payload << CHECK_BITS | _check(payload)
    bits = [word >> shift & 1 for shift in range(STEPS - 1, -1, -1)]
    state = 0
    for bit in bits[-_MEMORY:]:
        state = (bit << _MEMORY | state) >> 1
    coded = np.empty((STEPS, GENERATORS), np.uint8)
    for step, bit in enumerate(bits):
        coded[step] = _OUTPUTS[state, bit]
        state = (bit << _MEMORY | state) >> 1
    return coded.reshape(-1)


def decode(soft: NDArray[np.float32]) -> int | None:
    """Most likely payload whose check agrees, of the eight likeliest words.

    Parameters
    ----------
    soft : float32, shape (384,)
        Log-likelihood ratios up to a factor; positive for one.
    """
    for word in words(soft):
        payload, check = word >> CHECK_BITS, word & 0xFFFF
        if _check(payload) == check:
            return payload
    return None


def words(soft: NDArray[np.float32]) -> list[int]:
    """The likeliest different words of 64 bits, best first, their checks not looked at."""
    found = _likeliest_bits(np.asarray(soft, np.float32).reshape(STEPS, GENERATORS))
    values = [int.from_bytes(np.packbits(bits).tobytes()) for bits in found]
    return list(dict.fromkeys(values))[:CANDIDATES]


def _likeliest_bits(soft: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bits of the survivors of the best end states after two turns, shape (2 × candidates, steps).

    In NumPy: one step is three calls over all states, and there is nothing to compile.
    """
    steps, half = len(soft), _STATES >> 1
    # What each step gives to the transitions: (low bit of the state before, bit, its other bits).
    gains = (soft @ _SIGNS).reshape(steps, 2, 2, half)
    score = np.zeros(_STATES, np.float32)
    # The low bit of the state before is all that a state does not tell.
    before = np.empty((2 * steps, 2, half), np.bool_)
    low = score.reshape(half, 2).T[:, None]
    even, odd = both = np.empty((2, 2, half), np.float32)
    for turn in range(2 * steps):
        np.add(gains[turn % steps], low, out=both)
        np.greater(odd, even, out=before[turn])
        np.maximum(even, odd, out=score.reshape(2, half))
    odd_won = before.reshape(2 * steps, _STATES)
    states = np.argsort(-score, kind="stable")[: 2 * CANDIDATES]
    found = np.empty((len(states), steps), np.uint8)
    for turn in range(2 * steps - 1, steps - 1, -1):
        found[:, turn - steps] = states >> (_MEMORY - 1)
        states = (states & (half - 1)) << 1 | odd_won[turn, states]
    return found
