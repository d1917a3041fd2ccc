"""Grid-phase contrast: ask several patches for their phase, stop when the answer is plain.

Patches are read on the 4 x 4 phases modulo four, each on another part of the grid, or on all
phases where a decoder leaves no lattice. A quarter of the phases of the first patches may let a
picture go. The chance of their agreement is looked at after a few patches, and after more where
they show a contrast but do not agree beyond doubt. Every look counts as a test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from lightkeeper.evidence.detectors.reconstruction._contrast import (
    Phase,
    Reader,
    compared_side,
    region_side,
)
from lightkeeper.evidence.detectors.reconstruction._field import COARSE, Field
from lightkeeper.evidence.detectors.reconstruction._form import FULL, PLAIN_CONTRAST, PLAIN_P, Form
from lightkeeper.evidence.detectors.reconstruction._lattice import agreement
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention, choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]

_LEAST_PATCHES = 4
_LEAST_BLOCKS = 6
_PASSED_TWICE = 4
"""Patches whose reconstruction is passed again."""


@dataclass(frozen=True, slots=True)
class PhaseReading:
    """What grid-phase contrast saw in one picture through one autoencoder, at one scale."""

    phase: Phase
    exact: bool
    """The phase is known on the whole grid, not modulo four only."""
    contrast: float
    """Mean drop of the log fine error at the phase under those at odd steps from it.

    Over the patches of the first two looks, the most textured.
    """
    p_value: float
    """Bound of the chance that patches agree so well, corrected for looks."""
    agreeing: int
    """Patches that prefer the phase by themselves, or confirm it."""
    patches: int
    reconstructions: int
    first_drop: float
    """Drop on the first phases of the first patches."""
    error: float = math.inf
    """Median log fine error at the phase; infinite where no phase was asked about."""
    excess: float = math.inf
    """That error less the one of the reconstruction passed again."""
    scale: float = 1.0
    """Factor by which the picture was enlarged before it was read."""


def read_grid(
    autoencoder: Autoencoder,
    rgb: Pixels,
    form: Form = FULL,
    *,
    scale: float = 1.0,
    dismissed: float = 0.0,
) -> PhaseReading | Abstention:
    """Look for the grid of ``autoencoder`` in one picture at one scale.

    A picture that was made smaller after it was decoded has lost its grid; enlarging it by the
    inverse factor brings back what the loss of detail left of it.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)
    scale : float
        Factor by which the picture is enlarged first.
    dismissed : float
        Drop on the first phases under which nothing more is read.
    """
    fields = fields_of(autoencoder, _scaled(rgb, scale), form)
    if isinstance(fields, Abstention):
        return fields
    lattice = autoencoder.lattice
    first = np.stack([field.first(lattice) for field in fields[: form.looks[0]]])
    drop = float((first.mean(1, keepdims=True) - first).mean(0).max())
    if drop < dismissed:
        number = len(first)
        spent = sum(field.reconstructions for field in fields)
        return PhaseReading(Phase(0, 0), False, drop, 1.0, 0, number, spent, drop, scale=scale)
    reading = _looked(fields, form, autoencoder.grid, lattice)
    error = excess = math.inf
    if reading.contrast >= PLAIN_CONTRAST:
        passed = np.array([field.twice(reading.phase) for field in fields[:_PASSED_TWICE]])
        error = float(np.median(passed[:, 0]))
        excess = float(np.median(passed[:, 0] - passed[:, 1]))
    return replace(reading, first_drop=drop, error=error, excess=excess, scale=scale)


def fields_of(autoencoder: Autoencoder, rgb: Pixels, form: Form) -> list[Field] | Abstention:
    """The fields of the most textured patches, none of them read yet."""
    grid = autoencoder.grid
    side = -(-max(form.side, 2 * grid + 32) // grid) * grid
    patches = choose(
        rgb,
        side=region_side(side, grid),
        apart=compared_side(side, grid) + max(grid, 8),
        count=max(form.looks[-1] + form.confirming, form.refining),
        least=_LEAST_PATCHES,
        grid=grid,
    )
    if isinstance(patches, Abstention):
        return patches
    reader = Reader(autoencoder, rgb, side)
    fields = [
        Field(reader, patch, usable, k)
        for k, patch in enumerate(patches)
        if (usable := reader.usable(patch)).sum() >= _LEAST_BLOCKS
    ]
    return fields if len(fields) >= _LEAST_PATCHES else Abstention.TOO_FLAT


def _scaled(rgb: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return rgb
    height, width = (round(side * scale) for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def _looked(fields: Sequence[Field], form: Form, grid: int, lattice: bool = True) -> PhaseReading:
    tests, modulus = len(form.looks), COARSE if lattice else grid
    for number in form.looks:
        used = fields[:number]
        seen = agreement(np.stack([field.on(modulus) for field in used]), lattice=lattice)
        least = form.first_contrast if number == form.looks[0] else PLAIN_CONTRAST
        plain = seen.contrast < least or seen.p_value * tests <= PLAIN_P
        if plain or len(used) == len(fields):
            break
    phase = Phase(*seen.at)
    exact = form.refining > 0 and seen.contrast >= PLAIN_CONTRAST
    if exact:
        phase = refined(fields[: form.refining], phase, grid, modulus)
    # Further patches have less texture and would make a grid look fainter than the null's pictures.
    drops = [field.drop(phase, modulus) for field in used[: max(form.looks[:2])]]
    asked = fields[len(used) :][: form.confirming] if seen.contrast >= PLAIN_CONTRAST else []
    confirmed = [field.drop(phase, modulus) for field in asked]
    return PhaseReading(
        phase=phase,
        exact=exact,
        contrast=float(np.mean(drops + confirmed)),
        p_value=min(1.0, seen.p_value * tests),
        agreeing=seen.agreeing + sum(drop >= PLAIN_CONTRAST for drop in confirmed),
        patches=len(used) + len(asked),
        reconstructions=sum(field.reconstructions for field in fields),
        first_drop=0.0,
    )


def refined(fields: Sequence[Field], phase: Phase, grid: int, modulus: int) -> Phase:
    """The phase on the whole grid, by doubling what it is known modulo of, on all patches."""
    while modulus < grid:
        phases = [Phase(phase.y + i, phase.x + j) for i, j in product((0, modulus), repeat=2)]
        total = np.sum([field.at(phases) for field in fields], axis=0)
        phase, modulus = phases[int(np.argmin(total))], modulus * 2
    return phase
