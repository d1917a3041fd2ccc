"""What a key draws: two planes of signs, where coded bits lie, and what is asked of the picture.

Everything comes from SHAKE-256 of the key, so that any implementation can build the same pattern.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.keyed._content import FEATURES
from lightkeeper.evidence.watermark.lattice._code import GENERATORS, STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEY_BYTES: Final = 32
SIDE: Final = 256
"""Cells along each side of a plane; a cell is two pixels wide."""
CODED: Final = STEPS * GENERATORS
QUESTIONS: Final = 4
"""Keyed questions to the picture whose answers are multiplied into the sign of a place.

An even number: with an odd one, a place that shows the opposite would have the opposite sign.
"""
_LABEL: Final = b"lightkeeper keyed lattice 1"


@dataclass(frozen=True, slots=True, eq=False)
class KeyedPattern:
    """The pattern of one key.

    ``presence`` and ``payload`` are planes of signs, shape (256, 256); ``spectrum`` is the
    presence plane's transform. Cell ``i`` of the payload plane carries the coded bit ``coded[i]``.
    ``questions`` are directions in the space of features, shape (2, 4, features).
    """

    presence: NDArray[np.float32]
    payload: NDArray[np.float32]
    spectrum: NDArray[np.complex64]
    coded: NDArray[np.int64]
    questions: NDArray[np.float32]
    _key: bytes

    def __repr__(self) -> str:
        return "KeyedPattern()"

    @classmethod
    def of(cls, key: bytes) -> KeyedPattern:
        """The pattern of a key of 32 bytes.

        Raises
        ------
        EvidenceError
            The key has another length.
        """
        if len(key) != KEY_BYTES:
            raise EvidenceError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        return _pattern(key)

    def offset(self, rgb: NDArray[np.uint8]) -> tuple[int, int]:
        """Where the planes begin in a picture that is to be marked, in cells.

        A keyed digest of all its pixels: it lies elsewhere in every picture, and the reader, who
        looks everywhere, need not know it.
        """
        shape = repr(rgb.shape).encode()
        digest = hashlib.blake2b(
            shape + np.ascontiguousarray(rgb).tobytes(), key=self._key, digest_size=8
        )
        down, across = np.frombuffer(digest.digest(), "<u4") % SIDE
        return int(down), int(across)


def _stream(key: bytes, name: bytes, count: int) -> NDArray[np.uint32]:
    digest = hashlib.shake_256(_LABEL + b": " + key + b": " + name).digest(4 * count)
    return np.frombuffer(digest, "<u4")


def _signs(key: bytes, name: bytes) -> NDArray[np.float32]:
    drawn = _stream(key, name, SIDE * SIDE // 32)
    signs = np.unpackbits(drawn.view(np.uint8)).astype(np.float32) * 2 - 1
    return np.asarray(signs.reshape(SIDE, SIDE), np.float32)


@lru_cache(maxsize=64)
def _pattern(key: bytes) -> KeyedPattern:
    presence = _signs(key, b"presence")
    order = np.argsort(_stream(key, b"coded", SIDE * SIDE), kind="stable")
    coded = np.empty(SIDE * SIDE, np.int64)
    coded[order] = np.arange(SIDE * SIDE) % CODED
    return KeyedPattern(
        presence=presence,
        payload=_signs(key, b"payload"),
        spectrum=np.fft.rfft2(presence).astype(np.complex64),
        coded=coded,
        questions=_questions(key),
        _key=key,
    )


def _questions(key: bytes) -> NDArray[np.float32]:
    """Orthogonal directions: what is asked for one is not given away by another."""
    count = 2 * QUESTIONS
    drawn = _stream(key, b"questions", 2 * count * FEATURES).reshape(2, count, FEATURES)
    uniform = (drawn + 0.5) / 2.0**32
    normal = np.sqrt(-2 * np.log(uniform[0])) * np.cos(2 * np.pi * uniform[1])
    for i in range(count):
        for before in normal[:i]:
            normal[i] -= before * (normal[i] @ before)
        normal[i] /= np.linalg.norm(normal[i])
    return np.asarray(normal.reshape(2, QUESTIONS, FEATURES), np.float32)
