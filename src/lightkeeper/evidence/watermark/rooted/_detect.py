"""Is a picture marked with a key?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.watermark.rooted._calibration import calibrate
from lightkeeper.evidence.watermark.rooted._statistics import agreement, chance, deviate, soft_bits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.watermark.rooted._look import Look
    from lightkeeper.evidence.watermark.rooted._secret import MarkKey

LEAST_LOOKS = 100
SMALLEST_P = 1e-12
"""No p-value below this is reported: no null sample reaches so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootedReading:
    """How well a picture agrees with one key.

    Parameters
    ----------
    label : str
        Of the key.
    matches : int
        Bits that agree, of 48, in the best look.
    z : float
        The agreement as a normal deviate, before correction.
    p_value : float
        By the key's own calibration, corrected for all looks and keys.
    tests : int
        Looks, with those that a search could have chosen, times keys.
    scale : float
        Of the best look.
    mirrored : bool
        Of the best look.
    turn : float
        Of the best look, in degrees.
    null_size : int
        Looks at unmarked pictures behind the calibration; 0 where there is none, and then the
        p-value holds for a random key only.
    present : bool
        The p-value is below ``alpha``.
    """

    label: str
    matches: int
    z: float
    p_value: float
    tests: int
    scale: float
    mirrored: bool
    turn: float
    null_size: int
    present: bool


def detect(
    looks: Sequence[Look], keys: Sequence[MarkKey], *, alpha: float = 1e-6
) -> tuple[RootedReading, ...]:
    """One reading per key, in the order of the keys; none for a picture that is too small."""
    if not looks:
        return ()
    tests = sum(look.tests for look in looks) * len(keys)
    logits = np.stack([look.logits for look in looks])
    soft = soft_bits(logits)
    readings = []
    for key in keys:
        signs = key.signs()
        totals = agreement(soft, signs[None])[:, 0]
        best = int(totals.argmax())
        share = chance(float(totals[best]), soft[best])
        p_value = key.calibration.p_value(share) if key.calibration else share
        corrected = min(1.0, max(SMALLEST_P, p_value * tests))
        readings.append(
            RootedReading(
                label=key.label,
                matches=int((np.sign(logits[best]) == signs).sum()),
                z=deviate(share),
                p_value=corrected,
                tests=tests,
                scale=looks[best].scale,
                mirrored=looks[best].mirrored,
                turn=looks[best].turn,
                null_size=key.calibration.pictures if key.calibration else 0,
                present=corrected < alpha,
            )
        )
    return tuple(readings)


def calibrated_keys(keys: Sequence[MarkKey], looks: Sequence[Look]) -> tuple[MarkKey, ...]:
    """The keys with their nulls, from looks at pictures without any of their marks.

    Raises
    ------
    InvalidConfiguration
        There are fewer than 100 looks.
    """
    if len(looks) < LEAST_LOOKS:
        raise InvalidConfiguration(
            f"{len(looks)} looks are too few to calibrate a key",
            hint=f"{LEAST_LOOKS} at least; a photograph of 256 px or more gives eight",
        )
    soft = soft_bits(np.stack([look.logits for look in looks]))
    calibrated = []
    for key in keys:
        totals = agreement(soft, key.signs()[None])[:, 0]
        shares = [chance(float(t), s) for t, s in zip(totals, soft, strict=True)]
        calibrated.append(msgspec.structs.replace(key, calibration=calibrate(np.array(shares))))
    return tuple(calibrated)
