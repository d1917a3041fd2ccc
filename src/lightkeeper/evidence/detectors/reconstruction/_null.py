"""What the statistic does on pictures that never met the autoencoder."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading, read_scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction._autoencoder import Autoencoder
    from lightkeeper.evidence.detectors.reconstruction._search import Form

    Pixels = NDArray[np.uint8]

STATISTIC = "lattice"
_DECODED = 20
"""Pictures that are passed through the decoder, to know what its own grid looks like."""


class Null(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contrasts of photographs and artwork under one autoencoder, sorted.

    It bounds from below what chance within one picture may claim: cameras, JPEG's own grid and
    drawing programs leave traces that the other phases of the picture do not always cancel.
    """

    fingerprint: str
    """SHA-256 of the weights it was measured with."""
    statistic: str = "ranks"
    """The way of measuring; :data:`STATISTIC` is the only one that is still read."""
    form: str
    """``quick`` or ``full``: contrasts of the two are not comparable."""
    scales: tuple[float, ...]
    contrasts: tuple[float, ...]
    sources: dict[str, int] = {}
    """Pictures by source."""
    own: float = 0.0
    """Median contrast of some of these pictures once they have been through the decoder."""
    seconds: float = 0.0
    """CPU seconds per picture (median) where it was measured; decides the tier."""

    @property
    def size(self) -> int:
        """Pictures in it."""
        return len(self.contrasts)

    @property
    def id(self) -> str:
        """SHA-256 of its content."""
        timeless = msgspec.structs.replace(self, seconds=0.0)
        return hashlib.sha256(msgspec.json.encode(timeless, order="sorted")).hexdigest()

    def bound(self, contrast: float) -> float:
        """Empirical chance of a contrast this large, never below one in ``size + 1``."""
        above = sum(each >= contrast for each in self.contrasts)
        return (1 + above) / (1 + self.size)


def calibrate(
    autoencoder: Autoencoder,
    pictures: Iterable[tuple[str, Pixels]],
    form: Form,
    *,
    scales: Sequence[float] | None = None,
) -> Null:
    """Measure the null on pictures that never met the autoencoder.

    Parameters
    ----------
    pictures : iterable of (source, rgb)
        Photographs and artwork, encoded as those that will be examined. Pictures that the
        statistic abstains on do not count.
    """
    contrasts: list[float] = []
    seconds: list[float] = []
    own: list[float] = []
    sources: Counter[str] = Counter()
    chosen = tuple(scales or form.scales)
    for source, rgb in pictures:
        start = time.process_time()
        reading = read_scales(autoencoder, rgb, form, scales=chosen)
        seconds.append(time.process_time() - start)
        if isinstance(reading, PhaseReading):
            contrasts.append(reading.contrast)
            sources[source] += 1
            if len(own) < _DECODED:
                again = read_scales(autoencoder, _decoded(autoencoder, rgb), form, scales=(1.0,))
                own += [again.contrast] if isinstance(again, PhaseReading) else []
    return Null(
        fingerprint=autoencoder.fingerprint,
        statistic=STATISTIC,
        form=form.name,
        scales=chosen,
        contrasts=tuple(sorted(contrasts)),
        sources=dict(sorted(sources.items())),
        own=round(statistics.median(own), 4) if own else 0.0,
        seconds=round(statistics.median(seconds), 4) if seconds else 0.0,
    )


def _decoded(autoencoder: Autoencoder, rgb: Pixels) -> Pixels:
    grid = autoencoder.grid
    height, width = (side // grid * grid for side in rgb.shape[:2])
    batch = rgb[None, :height, :width].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    decoded = autoencoder.reconstruct(np.ascontiguousarray(batch))[0].transpose(1, 2, 0)
    return np.asarray(np.rint(decoded * np.float32(255)), np.uint8)


def read_null(path: Path, fingerprint: str) -> Null:
    """Read a null and check that it is of these weights.

    Raises
    ------
    InvalidConfiguration
    """
    try:
        null = msgspec.json.decode(path.read_bytes(), type=Null)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    if null.fingerprint != fingerprint:
        raise InvalidConfiguration(f"{path} was measured with other weights")
    return null
