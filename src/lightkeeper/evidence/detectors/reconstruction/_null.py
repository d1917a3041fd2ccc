"""What the statistic does on pictures that never met the autoencoder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from lightkeeper.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path


class Null(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contrasts of photographs and artwork under one autoencoder, sorted.

    It bounds from below what chance within one picture may claim: cameras, JPEG's own grid and
    drawing programs leave traces that the other phases of the picture do not always cancel.
    """

    fingerprint: str
    """SHA-256 of the weights it was measured with."""
    form: str
    """``quick`` or ``full``: contrasts of the two are not comparable."""
    scales: tuple[float, ...]
    contrasts: tuple[float, ...]
    sources: dict[str, int] = {}
    """Pictures by source."""

    @property
    def size(self) -> int:
        """Pictures in it."""
        return len(self.contrasts)

    @property
    def id(self) -> str:
        """SHA-256 of its content."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def bound(self, contrast: float) -> float:
        """Empirical chance of a contrast this large, never below one in ``size + 1``."""
        above = sum(each >= contrast for each in self.contrasts)
        return (1 + above) / (1 + self.size)


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
