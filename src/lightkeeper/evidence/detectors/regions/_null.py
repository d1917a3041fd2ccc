"""What the map of an autoencoder shows in pictures that never met it."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction import Abstention
from lightkeeper.evidence.detectors.regions._reconstruction import reconstruction_map
from lightkeeper.evidence.detectors.regions._region import strongest_region

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.reconstruction import Autoencoder

    Pixels = NDArray[np.uint8]

STATISTIC = "ranks-3"
"""Changes with the way of measuring: a null measured in another way bounds nothing."""


class RegionNull(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Surprise of the strongest region of untouched pictures under one autoencoder, sorted.

    It bounds from below what the chance within one picture may claim: JPEG's own grid, clipped
    shadows and drawing programs leave traces that the other phases do not always cancel.
    """

    fingerprint: str
    """SHA-256 of the weights it was measured with."""
    statistic: str
    window: int
    surprises: tuple[float, ...]
    """:attr:`Region.surprise` of each picture."""
    sources: dict[str, int] = {}
    """Pictures by source."""
    seconds: float = 0.0
    """CPU seconds per picture (median) where it was measured."""

    @property
    def size(self) -> int:
        """Pictures in it."""
        return len(self.surprises)

    @property
    def id(self) -> str:
        """SHA-256 of its content."""
        timeless = msgspec.structs.replace(self, seconds=0.0)
        return hashlib.sha256(msgspec.json.encode(timeless, order="sorted")).hexdigest()

    def bound(self, surprise: float) -> float:
        """Empirical chance of a surprise this large, never below one in ``size + 1``."""
        above = sum(each >= surprise for each in self.surprises)
        return (1 + above) / (1 + self.size)


def calibrate_map(
    autoencoder: Autoencoder, pictures: Iterable[tuple[str, Pixels]], *, window: int = 64
) -> RegionNull:
    """Measure the null on untouched pictures that never met the autoencoder.

    Parameters
    ----------
    pictures : iterable of (source, rgb)
        Photographs and artwork, encoded as those that will be examined. Pictures that the map
        abstains on do not count.
    """
    surprises: list[float] = []
    seconds: list[float] = []
    sources: Counter[str] = Counter()
    for source, rgb in pictures:
        start = time.process_time()
        found = reconstruction_map(autoencoder, rgb, window=window)
        seconds.append(time.process_time() - start)
        if not isinstance(found, Abstention):
            surprises.append(round(strongest_region(found).surprise, 4))
            sources[source] += 1
    return RegionNull(
        fingerprint=autoencoder.fingerprint,
        statistic=STATISTIC,
        window=window,
        surprises=tuple(sorted(surprises)),
        sources=dict(sorted(sources.items())),
        seconds=round(statistics.median(seconds), 4) if seconds else 0.0,
    )


def read_region_null(path: Path, fingerprint: str) -> RegionNull:
    """Read a null and check that it is of these weights and of this way of measuring.

    Raises
    ------
    InvalidConfiguration
    """
    try:
        null = msgspec.json.decode(path.read_bytes(), type=RegionNull)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    if null.fingerprint != fingerprint:
        raise InvalidConfiguration(f"{path} was measured with other weights")
    if null.statistic != STATISTIC:
        raise InvalidConfiguration(
            f"{path} was measured in another way",
            hint="measure it again: lightkeeper detector calibrate --map",
        )
    return null
