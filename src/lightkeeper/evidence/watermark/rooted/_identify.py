"""Which of many copies of a model made a picture: one, two that were mixed, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.watermark.rooted._detect import SMALLEST_P
from lightkeeper.evidence.watermark.rooted._pair import pair_chance, pair_scores
from lightkeeper.evidence.watermark.rooted._statistics import chance, soft_bits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.rooted._calibration import KeyCalibration
    from lightkeeper.evidence.watermark.rooted._look import Look
    from lightkeeper.evidence.watermark.rooted._secret import MarkKey

_CHUNK = 65_536
_CANDIDATES = 16
_CALIBRATED_KEYS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """The answer among N copies.

    Parameters
    ----------
    copies : tuple of int
        Places in the list of keys: none, one, or two whose pictures were mixed.
    p_values : tuple of float
        Of these copies, corrected for all copies and looks.
    candidates : int
        Copies that were asked about.
    tests : int
        Copies times looks.
    best : int
        The copy that agrees best, whether or not that says anything.
    best_p : float
        Its corrected p-value.
    """

    copies: tuple[int, ...]
    p_values: tuple[float, ...]
    candidates: int
    tests: int
    best: int
    best_p: float


def identify_among(
    looks: Sequence[Look],
    bits: NDArray[np.uint8],
    *,
    calibration: KeyCalibration | None = None,
    alpha: float = 1e-6,
) -> Identification | None:
    """Ask which copy made a picture; ``None`` for a picture that is too small.

    Parameters
    ----------
    looks : sequence of Look
    bits : uint8, shape (N, 6)
        Packed keys, N up to millions.
    calibration : KeyCalibration, optional
        The widest of the calibrations of keys: nobody calibrates a million.
    alpha : float
        Chance of naming a copy for a picture of none of them.

    Notes
    -----
    Two copies are named if the pair explains the bits better than any one copy, with every pair
    of copies as a test. Pictures of two copies that were averaged leave undecided the bits in
    which the two keys differ.
    """
    if not looks:
        return None
    soft = soft_bits(np.stack([look.logits for look in looks]))
    tests = sum(look.tests for look in looks) * len(bits)
    tops: list[tuple[float, int, int]] = []
    for start in range(0, len(bits), _CHUNK):
        part = np.unpackbits(bits[start : start + _CHUNK], axis=1).astype(np.float32) * 2 - 1
        totals = soft.astype(np.float32) @ part.T
        flat = totals.max(0)
        tops += [
            (float(flat[k]), start + int(k), int(totals[:, k].argmax()))
            for k in np.argsort(flat)[-_CANDIDATES:]
        ]
    tops.sort(reverse=True)

    def corrected(total: float, view: int) -> float:
        share = chance(total, soft[view])
        p_value = calibration.p_value(share) if calibration else share
        return min(1.0, max(SMALLEST_P, p_value * tests))

    total, first, view = tops[0]
    best_p = corrected(total, view)
    copies: tuple[int, ...] = ()
    p_values: tuple[float, ...] = ()
    if best_p < alpha:
        copies, p_values = (first,), (best_p,)
    pair, share = _best_pair(soft[view], bits, sorted({place for _, place, _ in tops}))
    if pair:
        p_value = calibration.p_value(share) if calibration else share
        p_value = min(1.0, max(SMALLEST_P, p_value * tests * (len(bits) - 1) / 2))
        if p_value < min(alpha, best_p):
            copies, p_values = pair, (p_value, p_value)
    return Identification(
        copies=copies,
        p_values=p_values,
        candidates=len(bits),
        tests=tests,
        best=first,
        best_p=best_p,
    )


def identify(
    looks: Sequence[Look], keys: Sequence[MarkKey], *, alpha: float = 1e-6
) -> Identification | None:
    """Ask which of these keys made a picture.

    Of a few keys the widest calibration holds for all. Of many, keys that photographs resemble
    and keys that they do not even out, and the law over random keys holds for their number.
    """
    bits = np.stack([np.frombuffer(key.bits, np.uint8) for key in keys])
    calibrations = [key.calibration for key in keys if key.calibration is not None]
    widest = None
    if len(calibrations) == len(keys) <= _CALIBRATED_KEYS:
        widest = max(calibrations, key=lambda c: c.p_value(1e-9))
    return identify_among(looks, bits, calibration=widest, alpha=alpha)


def _best_pair(
    soft: NDArray[np.float64], bits: NDArray[np.uint8], candidates: list[int]
) -> tuple[tuple[int, ...], float]:
    """The pair of candidates that explains soft bits best, and the share of pairs that do."""
    if len(candidates) < 2:
        return (), 1.0
    signs = np.unpackbits(bits[candidates], axis=1).astype(np.float64) * 2 - 1
    scores = pair_scores(soft, signs)
    one, other = np.unravel_index(int(scores.argmax()), scores.shape)
    pair = (candidates[int(one)], candidates[int(other)])
    return pair, pair_chance(float(scores[one, other]), soft)
