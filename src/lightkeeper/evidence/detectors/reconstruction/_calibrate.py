"""Measure the nulls of an autoencoder."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.evidence.detectors.reconstruction._content import Stratum, own_pattern, stratum
from lightkeeper.evidence.detectors.reconstruction._form import FULL, PLAIN_CONTRAST, QUICK
from lightkeeper.evidence.detectors.reconstruction._null import (
    STATISTIC,
    Null,
    Nulls,
    Own,
    ScaleNull,
)
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_grid
from lightkeeper.evidence.detectors.treatment import worn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._form import Form

    Pixels = NDArray[np.uint8]

_DECODED = 48
"""Pictures that are passed through the decoder, to know what its own grid looks like."""
_FEWEST = 8
"""With fewer of them nothing is expected, and nothing can be found."""
_MARGIN = 0.25
"""Excess that is allowed above what nearly all of the decoder's own pictures show."""


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
        statistic abstains on do not count. Each is opened once and not kept. The first ones
        are also passed through the decoder and re-encoded.
    forms : sequence of Form
        Those that a scan is to use.
    """
    measures = [_Measure(autoencoder, form) for form in forms]
    for number, (source, rgb) in enumerate(pictures):
        if own_pattern(rgb) is not None:
            continue
        kind = stratum(rgb)
        own = decoded(autoencoder, rgb) if number < 2 * _DECODED else None
        for measure in measures:
            measure.take(source, rgb, kind, own, number)
    return Nulls(tuple(measure.null() for measure in measures))


def decoded(autoencoder: Autoencoder, rgb: Pixels) -> Pixels:
    """A picture once it has been through the autoencoder."""
    grid = autoencoder.grid
    height, width = (side // grid * grid for side in rgb.shape[:2])
    batch = rgb[None, :height, :width].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    passed = autoencoder.reconstruct(np.ascontiguousarray(batch))[0].transpose(1, 2, 0)
    return np.asarray(np.rint(passed * np.float32(255)), np.uint8)


@dataclass(frozen=True, slots=True)
class _Scale:
    scale: float
    contrasts: dict[Stratum, list[float]] = field(
        default_factory=lambda: {kind: [] for kind in Stratum}
    )
    own: list[PhaseReading] = field(default_factory=list)

    def expected(self) -> Own:
        """A line through the contrasts of the decoder's own pictures, by their excess."""
        seen = [each for each in self.own if each.contrast >= PLAIN_CONTRAST]
        if len(seen) < _FEWEST:
            return Own(0, 0.0, 0.0, 0.0, 0.0)
        excess = np.array([each.excess for each in seen])
        contrast = np.array([each.contrast for each in seen])
        spread = float(excess.var())
        slope = -float(np.cov(excess, contrast, bias=True)[0, 1]) / spread if spread > 0 else 0.0
        slope = max(0.0, slope)
        return Own(
            pictures=len(seen),
            level=_rounded(float(contrast.mean() + slope * excess.mean())),
            slope=_rounded(slope),
            most_excess=_rounded(float(np.quantile(excess, 0.95)) + _MARGIN),
            first_drop=_rounded(float(np.quantile([each.first_drop for each in seen], 0.05))),
        )


@dataclass(frozen=True, slots=True)
class _Measure:
    autoencoder: Autoencoder
    form: Form
    scales: list[_Scale] = field(init=False)
    seconds: list[float] = field(default_factory=list)
    own_seconds: list[float] = field(default_factory=list)
    own_p: list[float] = field(default_factory=list)
    sources: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scales", [_Scale(scale) for scale in self.form.scales])

    def take(
        self, source: str, rgb: Pixels, kind: Stratum, own: Pixels | None, number: int
    ) -> None:
        began, spent = time.process_time(), 0.0
        for each in self.scales:
            reading = self._read(rgb, each)
            if isinstance(reading, PhaseReading):
                each.contrasts[kind].append(reading.contrast)
                self.sources[source] += each is self.scales[0]
            spent = time.process_time() - began
            if own is not None and len(each.own) < _DECODED:
                self._take_own(own, each, number)
        # Once it is known when a picture may be let go, this is what a picture costs.
        self.seconds.append(spent)

    def _take_own(self, own: Pixels, each: _Scale, number: int) -> None:
        began = time.process_time()
        treated = worn(own, number, resized=1 / each.scale)
        reading = read_grid(self.autoencoder, treated, self.form, scale=each.scale)
        self.own_seconds.append(time.process_time() - began)
        if isinstance(reading, PhaseReading):
            each.own.append(reading)
            if each is self.scales[0]:
                self.own_p.append(reading.p_value)

    def _read(self, rgb: Pixels, each: _Scale) -> object:
        known = len(each.own) >= _DECODED
        dismissed = dismissal(each.expected(), self.form) if known else 0.0
        return read_grid(self.autoencoder, rgb, self.form, scale=each.scale, dismissed=dismissed)

    def null(self) -> Null:
        late = self.seconds[2 * _DECODED :] or self.seconds
        return Null(
            fingerprint=self.autoencoder.fingerprint,
            statistic=STATISTIC,
            form=self.form.name,
            scales=tuple(
                ScaleNull(
                    each.scale,
                    each.expected(),
                    {kind: tuple(sorted(known)) for kind, known in each.contrasts.items()},
                )
                for each in self.scales
            ),
            sources=dict(sorted(self.sources.items())),
            own_p=_rounded(statistics.median(self.own_p)) if self.own_p else 1.0,
            seconds=_rounded(statistics.median(late)) if late else 0.0,
            most_seconds=round(max([*self.seconds, *self.own_seconds], default=0.0), 4),
        )


def dismissal(own: Own, form: Form) -> float:
    """Drop on the first phases under which a picture is let go.

    Nothing is let go where the decoder's own pictures show as little there.
    """
    return form.dismissed if own.pictures and own.first_drop >= form.dismissed else 0.0


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
