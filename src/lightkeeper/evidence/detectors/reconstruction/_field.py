"""What one patch says about the phases of a grid."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.reconstruction._contrast import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._contrast import Reader
    from lightkeeper.evidence.detectors.reconstruction._patches import Patch

    Values = NDArray[np.float64]

COARSE = 4
"""Modulus of the phases that are read: two doublings of a decoder."""
_PARTS = ((0, 0), (1, 1), (0, 1), (1, 0))


class Field:
    """Log errors of one patch by phase, read as they are asked for.

    Parameters
    ----------
    usable : bool, shape (blocks,)
    number : int
        The patch's place among the others; decides on which part of the grid it is read.
    """

    def __init__(
        self, reader: Reader, patch: Patch, usable: NDArray[np.bool_], number: int
    ) -> None:
        self._reader, self._patch, self._usable = reader, patch, usable
        self._part = _PARTS[number % len(_PARTS)]
        self._known: dict[Phase, Values] = {}

    @property
    def box(self) -> tuple[int, int, int]:
        """Upper row, left column and side of the region, in pixels."""
        return self._patch.y, self._patch.x, self._reader.region

    @property
    def reconstructions(self) -> int:
        """Phases read so far."""
        return len(self._known)

    def on(self, modulus: int) -> Values:
        """The field on the torus of phases modulo ``modulus``, shape (modulus, modulus)."""
        return self.at(self._phases(modulus)).reshape(modulus, modulus)

    def first(self, lattice: bool) -> Values:
        """A quarter of the phases or less, those that a grid cannot miss: shape (phases,).

        Of a lattice every parity, otherwise every row and every column.
        """
        if lattice:
            return self.at(
                [p for p in self._phases(COARSE) if p.y % COARSE < 2 and p.x % COARSE < 2]
            )
        grid = self._reader.autoencoder.grid
        return self.at([Phase(k, k) for k in range(grid)])

    def twice(self, phase: Phase) -> tuple[float, float]:
        """Log error of the patch on this phase, and of its reconstruction passed again."""
        return self._reader.twice(self._patch, phase, self._usable)

    def at(self, phases: Sequence[Phase]) -> Values:
        """Median over blocks of the log error less that block's mean over these phases."""
        new = [phase for phase in phases if phase not in self._known]
        if new:
            rows = self._reader.errors(self._patch, new)[:, self._usable]
            self._known.update(zip(new, rows, strict=True))
        errors = np.stack([self._known[phase] for phase in phases])
        return np.asarray(np.median(errors - errors.mean(0), axis=1))

    def drop(self, phase: Phase, modulus: int) -> float:
        """How far the error at ``phase`` lies under those at odd steps both ways."""
        known = self._phases(modulus)
        aside = [p for p in known if (p.y - phase.y) % 2 and (p.x - phase.x) % 2]
        nearest = phase
        if phase not in self._known:
            nearest = next(
                p for p in known if not ((p.y - phase.y) % modulus or (p.x - phase.x) % modulus)
            )
        values = self.at([nearest, *aside])
        return float(values[1:].mean() - values[0])

    def _phases(self, modulus: int) -> list[Phase]:
        # Each patch is read on another part of the grid, so that phases which differ by the
        # modulus are not always represented by the same one.
        parts = self._reader.autoencoder.grid // modulus
        y, x = (modulus * (part % parts) for part in self._part)
        return [Phase(y + i, x + j) for i, j in product(range(modulus), repeat=2)]
