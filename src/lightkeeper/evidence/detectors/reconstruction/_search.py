"""Grid-phase contrast: find a phase on some patches, confirm it on others.

A decoder enlarges in steps of two, so a picture that came through it is reconstructed better on
the right parity, better still modulo four, and best on the right phase: the phase can be found by
halving. The patches that confirm it had no part in finding it, so a rank among other phases needs
no correction for the phases tried.
"""

from __future__ import annotations

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
from lightkeeper.evidence.detectors.reconstruction._patches import Abstention, Patch, choose
from lightkeeper.evidence.detectors.reconstruction._ranks import rank_product_p

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder

    Pixels = NDArray[np.uint8]
    Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Form:
    """How much work goes into one picture."""

    name: str
    side: int
    """Pixels of a crop; raised to a multiple of the grid."""
    finding: int
    confirming: int
    exhaustive: bool = False
    """Find the phase among all of them, not by halving."""
    least_confirming: int = 4


QUICK = Form("quick", side=64, finding=2, confirming=5)
FULL = Form("full", side=64, finding=3, confirming=12, exhaustive=True)

# Steps from the phase found to those it is compared with: odd both ways where the grid has room,
# for phases that share a parity share part of the drop.
_ASIDE = ((1, 3), (3, 7), (5, 1), (7, 5), (3, 1), (5, 5), (1, 7))
_ASIDE_4 = ((1, 1), (1, 3), (3, 1), (3, 3), (1, 2), (2, 1), (2, 3))


@dataclass(frozen=True, slots=True)
class PhaseReading:
    """What grid-phase contrast saw in one picture through one autoencoder."""

    phase: Phase
    contrast: float
    """Mean drop of the log fine error at the phase under the other phases."""
    p_value: float
    """Exact chance of such ranks within the picture, where its content has no grid."""
    agreeing: int
    """Confirming patches in which the phase is the best of those compared."""
    confirming: int
    reconstructions: int
    scale: float = 1.0
    """Factor by which the picture was enlarged before it was read."""
    tests: int = 1
    """Scales tried; ``p_value`` is already corrected for them."""


def read_phase(
    autoencoder: Autoencoder, rgb: Pixels, form: Form = FULL
) -> PhaseReading | Abstention:
    """Look for the grid of ``autoencoder`` in one picture at its native scale.

    Parameters
    ----------
    rgb : uint8, shape (H, W, 3)

    Returns
    -------
    PhaseReading or Abstention
    """
    grid = autoencoder.grid
    side = -(-max(form.side, 2 * grid + 32) // grid) * grid
    least = form.finding + form.least_confirming
    patches = choose(
        rgb,
        side=region_side(side, grid),
        apart=compared_side(side, grid) + max(grid, 8),
        count=form.finding + form.confirming,
        least=least,
        grid=grid,
    )
    if isinstance(patches, Abstention):
        return patches
    reader = Reader(autoencoder, rgb, side)
    # Texture decreases along the patches: both halves get some of each.
    step = max(2, len(patches) // form.finding)
    finding = patches[::step][: form.finding]
    confirming = tuple(patch for patch in patches if patch not in finding)
    phase, tried = _find(reader, finding, exhaustive=form.exhaustive)
    rows = np.stack([reader.deviations(p, _compared(phase, grid)) for p in confirming])
    return _reading(phase, rows, tried * len(finding) + rows.size)


def read_scales(
    autoencoder: Autoencoder, rgb: Pixels, form: Form = FULL, *, scales: Sequence[float] = (1.0,)
) -> PhaseReading | Abstention:
    """The best reading among several scales; each counts as a test.

    A picture that was made smaller after it was decoded has lost its grid; enlarging it by the
    inverse factor brings back what the loss of detail left of it.
    """
    readings = [(scale, read_phase(autoencoder, _scaled(rgb, scale), form)) for scale in scales]
    usable = [(r, scale) for scale, r in readings if not isinstance(r, Abstention)]
    if not usable:
        return next(r for _, r in readings if isinstance(r, Abstention))
    best, scale = min(usable, key=lambda each: (each[0].p_value, -each[0].contrast))
    p_value = min(1.0, best.p_value * len(usable))
    return replace(best, p_value=p_value, scale=scale, tests=len(usable))


def _scaled(rgb: Pixels, scale: float) -> Pixels:
    if scale == 1:
        return rgb
    height, width = (round(side * scale) for side in rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))


def _find(reader: Reader, patches: Sequence[Patch], *, exhaustive: bool) -> tuple[Phase, int]:
    grid = reader.autoencoder.grid
    if exhaustive:
        return _best(reader, patches, Phase(0, 0), range(grid)), grid**2
    phase, step, tried = Phase(0, 0), 1, 0
    while step < grid:
        phase = _best(reader, patches, phase, (0, step))
        step, tried = step * 2, tried + 4
    # Smooth enlargements favour nearness over parity, which can leave halving one pixel off.
    return _best(reader, patches, phase, (-1, 0, 1)), tried + 9


def _best(reader: Reader, patches: Sequence[Patch], origin: Phase, steps: Sequence[int]) -> Phase:
    grid = reader.autoencoder.grid
    phases = [
        Phase((origin.y + i) % grid, (origin.x + j) % grid) for i, j in product(steps, repeat=2)
    ]
    total = np.sum([reader.deviations(patch, phases) for patch in patches], axis=0)
    return phases[int(np.argmin(total))]


def _compared(phase: Phase, grid: int) -> list[Phase]:
    aside = _ASIDE_4 if grid == 4 else _ASIDE
    return [phase, *(Phase((phase.y + i) % grid, (phase.x + j) % grid) for i, j in aside)]


def _reading(phase: Phase, rows: Values, reconstructions: int) -> PhaseReading:
    ranks = [1 + int((row[1:] <= row[0]).sum()) for row in rows]
    return PhaseReading(
        phase=phase,
        contrast=float(np.mean(np.mean(rows[:, 1:], axis=1) - rows[:, 0])),
        p_value=rank_product_p(ranks, rows.shape[1]),
        agreeing=ranks.count(1),
        confirming=len(rows),
        reconstructions=reconstructions,
    )
