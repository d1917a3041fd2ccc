"""Measure the nulls of an autoencoder."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.reconstruction._form import FULL, QUICK
from lightkeeper.evidence.detectors.reconstruction._null import STATISTIC, Null, Nulls
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._form import Form
    from lightkeeper.evidence.detectors.reconstruction._patches import Abstention

    Pixels = NDArray[np.uint8]

_DECODED = 20
"""Pictures that are passed through the decoder, to know what its own grid looks like."""


def calibrate(
    autoencoder: Autoencoder,
    pictures: Iterable[tuple[str, Pixels]],
    *,
    forms: Sequence[Form] = (QUICK, FULL),
) -> Nulls:
    """Measure the nulls of both forms on pictures that never met the autoencoder.

    Parameters
    ----------
    pictures : iterable of (source, rgb)
        Photographs and artwork, encoded as those that will be examined. Pictures that the
        statistic abstains on do not count. Each is opened once and not kept.
    forms : sequence of Form
        Those that a scan is to use.
    """
    measures = [_Measure(autoencoder, form) for form in forms]
    for source, rgb in pictures:
        for measure in measures:
            measure.take(source, rgb)
    return Nulls(tuple(measure.null() for measure in measures))


@dataclass(frozen=True, slots=True)
class _Measure:
    autoencoder: Autoencoder
    form: Form
    contrasts: list[float] = field(default_factory=list)
    own: list[PhaseReading] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    own_seconds: list[float] = field(default_factory=list)
    sources: Counter[str] = field(default_factory=Counter)

    def take(self, source: str, rgb: Pixels) -> None:
        reading = self._read(rgb, self.form.scales, self.seconds)
        if not isinstance(reading, PhaseReading):
            return
        self.contrasts.append(reading.contrast)
        self.sources[source] += 1
        if len(self.own) < _DECODED:
            again = self._read(_decoded(self.autoencoder, rgb), (1.0,), self.own_seconds)
            self.own.extend([again] if isinstance(again, PhaseReading) else [])

    def null(self) -> Null:
        return Null(
            fingerprint=self.autoencoder.fingerprint,
            statistic=STATISTIC,
            form=self.form.name,
            scales=self.form.scales,
            contrasts=tuple(sorted(self.contrasts)),
            sources=dict(sorted(self.sources.items())),
            own=_median((reading.contrast for reading in self.own), 0.0),
            own_p=_median((reading.p_value for reading in self.own), 1.0),
            seconds=_median(self.seconds, 0.0),
            most_seconds=round(max([*self.seconds, *self.own_seconds], default=0.0), 4),
        )

    def _read(
        self, rgb: Pixels, scales: Sequence[float], seconds: list[float]
    ) -> PhaseReading | Abstention:
        start = time.process_time()
        reading = read_scales(self.autoencoder, rgb, self.form, scales=scales)
        seconds.append(time.process_time() - start)
        return reading


def _median(values: Iterable[float], otherwise: float) -> float:
    known = list(values)
    return float(f"{statistics.median(known):.4g}") if known else otherwise


def _decoded(autoencoder: Autoencoder, rgb: Pixels) -> Pixels:
    grid = autoencoder.grid
    height, width = (side // grid * grid for side in rgb.shape[:2])
    batch = rgb[None, :height, :width].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    decoded = autoencoder.reconstruct(np.ascontiguousarray(batch))[0].transpose(1, 2, 0)
    return np.asarray(np.rint(decoded * np.float32(255)), np.uint8)
