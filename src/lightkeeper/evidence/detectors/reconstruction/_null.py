"""What the statistic does on pictures that never met the autoencoder."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.evidence.detectors.reconstruction._form import Form

STATISTIC = "lattice-16"
"""The way of measuring; changes whenever contrasts are no longer comparable."""


class Null(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contrasts of photographs and artwork under one autoencoder, sorted.

    It bounds from below what chance within one picture may claim: cameras, JPEG's own grid and
    drawing programs leave traces that the other phases of the picture do not always cancel.
    """

    fingerprint: str
    """SHA-256 of the weights it was measured with."""
    statistic: str
    """The way of measuring; :data:`STATISTIC` is the only one that is read."""
    form: str
    """``quick`` or ``full``: contrasts of the two are not comparable."""
    scales: tuple[float, ...]
    contrasts: tuple[float, ...]
    sources: dict[str, int] = {}
    """Pictures by source."""
    own: float = 0.0
    """Median contrast of some of these pictures once they have been through the decoder."""
    own_p: float = 1.0
    """Median chance within them, as the fields of their patches bound it."""
    seconds: float = 0.0
    """CPU seconds per picture (median) where it was measured; decides the tier."""
    most_seconds: float = 0.0
    """CPU seconds of the costliest picture, those with a grid among them."""

    @property
    def size(self) -> int:
        """Pictures in it."""
        return len(self.contrasts)

    @property
    def id(self) -> str:
        """SHA-256 of its content, but for the time that it took."""
        timeless = msgspec.structs.replace(self, seconds=0.0, most_seconds=0.0)
        return hashlib.sha256(msgspec.json.encode(timeless, order="sorted")).hexdigest()

    def bound(self, contrast: float) -> float:
        """Empirical chance of a contrast this large, never below one in ``size + 1``."""
        above = sum(each >= contrast for each in self.contrasts)
        return (1 + above) / (1 + self.size)


class Nulls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The nulls of one autoencoder, one for each form; what its file holds."""

    nulls: tuple[Null, ...] = ()

    def of(self, form: Form) -> Null | None:
        """The null that was measured as this form measures, or ``None``."""
        how = (STATISTIC, form.name, form.scales)
        return next((n for n in self.nulls if (n.statistic, n.form, n.scales) == how), None)


def least_size(alpha: float, autoencoders: int = 1) -> int:
    """Pictures that a null needs before one of so many autoencoders can give a finding at all."""
    return math.ceil(autoencoders / alpha - 1e-9) - 1


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
    if any(null.statistic != STATISTIC for null in nulls.nulls):
        raise InvalidConfiguration(f"{path} was measured by another version", hint=again)
    return nulls
