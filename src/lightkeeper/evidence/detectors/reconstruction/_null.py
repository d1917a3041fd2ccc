"""What the statistic does on pictures that never met the autoencoder, and on those that did."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.reconstruction._content import Stratum
from lightkeeper.evidence.detectors.reconstruction._form import PLAIN_CONTRAST

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.evidence.detectors.reconstruction._form import Form
    from lightkeeper.evidence.detectors.reconstruction._search import PhaseReading

STATISTIC = "expected-contrast-1"
"""The way of measuring; changes whenever contrasts are no longer comparable."""


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What pictures show at one scale that came through the decoder and were encoded since.

    Re-encoding raises the first error over the second (the *excess*) and wears the contrast off:
    a contrast is judged by what the decoder's own pictures show at that excess.
    """

    pictures: int
    level: float
    """Contrast expected where the excess is nil."""
    slope: float
    """Contrast lost per unit of excess; not negative."""
    most_excess: float
    """Excess above which a picture is called another decoder's."""
    first_drop: float
    """Drop on the first phases that nearly all of these pictures exceed."""

    def expected(self, excess: float) -> float:
        """Contrast that a picture of this decoder shows at this excess.

        Never less than one that could be found: a steep line ends below nothing.
        """
        line = self.level - self.slope * min(max(excess, 0.0), self.most_excess)
        return max(line, 2 * PLAIN_CONTRAST)

    def share(self, reading: PhaseReading) -> float:
        """Contrast over the one expected; nothing where the excess is none of this decoder's."""
        if not self.pictures or reading.excess > self.most_excess:
            return 0.0
        return reading.contrast / self.expected(reading.excess)


class ScaleNull(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contrasts at one scale, sorted: what chance within one picture may not claim.

    Cameras, JPEG's own grid and drawing programs leave traces that the other phases of a picture
    do not always cancel.
    """

    scale: float
    own: Own
    contrasts: dict[Stratum, tuple[float, ...]]

    def size(self, kind: Stratum) -> int:
        """Pictures of this kind."""
        return len(self.contrasts.get(kind, ()))

    def bound(self, kind: Stratum, contrast: float) -> float:
        """Empirical chance of a contrast this large, never below one in ``size + 1``."""
        known = self.contrasts.get(kind, ())
        return (1 + sum(each >= contrast for each in known)) / (1 + len(known))


class Null(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One form's measurements of one autoencoder."""

    fingerprint: str
    """SHA-256 of the weights it was measured with."""
    statistic: str
    """The way of measuring; :data:`STATISTIC` is the only one that is read."""
    form: str
    """``quick`` or ``full``: contrasts of the two are not comparable."""
    scales: tuple[ScaleNull, ...]
    sources: dict[str, int] = {}
    """Pictures by source."""
    own_p: float = 1.0
    """Median chance within pictures of the decoder, as the fields of their patches bound it."""
    seconds: float = 0.0
    """CPU seconds per picture (median) where it was measured; decides the tier."""
    most_seconds: float = 0.0
    """CPU seconds of the costliest picture, those with a grid among them."""

    @property
    def size(self) -> int:
        """Pictures of the larger kind at the native scale."""
        return max((self.scales[0].size(kind) for kind in Stratum), default=0)

    @property
    def id(self) -> str:
        """SHA-256 of its content, but for the time that it took."""
        timeless = msgspec.structs.replace(self, seconds=0.0, most_seconds=0.0)
        return hashlib.sha256(msgspec.json.encode(timeless, order="sorted")).hexdigest()


class Nulls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The nulls of one autoencoder, one for each form; what its file holds."""

    nulls: tuple[Null, ...] = ()

    def of(self, form: Form) -> Null | None:
        """The null that was measured as this form measures, or ``None``."""
        return next(
            (
                null
                for null in self.nulls
                if (null.statistic, null.form) == (STATISTIC, form.name)
                and tuple(each.scale for each in null.scales) == form.scales
            ),
            None,
        )


def least_size(alpha: float, tests: int = 1) -> int:
    """Pictures that a null needs before one of so many tests can give a finding at all."""
    return math.ceil(tests / alpha - 1e-9) - 1


def read_nulls(path: Path, fingerprint: str) -> Nulls:
    """Read a file of nulls and check that they are of these weights.

    Raises
    ------
    InvalidConfiguration
    """
    again = "measure both forms anew: lightkeeper detector calibrate"
    try:
        nulls = msgspec.json.decode(path.read_bytes(), type=Nulls)
    except OSError as error:
        raise InvalidConfiguration(f"cannot read {path}: {error.strerror}", hint=again) from error
    except msgspec.DecodeError as error:
        raise InvalidConfiguration(f"{path} holds no nulls: {error}", hint=again) from error
    if any(null.fingerprint != fingerprint for null in nulls.nulls):
        raise InvalidConfiguration(f"{path} was measured with other weights", hint=again)
    if any(null.statistic != STATISTIC or not null.scales for null in nulls.nulls):
        raise InvalidConfiguration(f"{path} was measured by another version", hint=again)
    return nulls
