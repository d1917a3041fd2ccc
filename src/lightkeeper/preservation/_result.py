"""What a transcode gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightkeeper.media import MediaFormat, Problem


@dataclass(frozen=True, slots=True)
class Carried:
    """One thing that the source carries, and where it stands now.

    ``source`` and ``target`` are places such as ``png:tEXt:parameters`` or ``exif:UserComment``;
    ``target`` is ``None`` where the thing was dropped, and ``reason`` says why.
    """

    what: str
    source: str
    target: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcoded:
    """An encoded file, and an account of all metadata of its source."""

    content: bytes = field(repr=False, metadata={"plain": False})
    format: MediaFormat
    kept: tuple[Carried, ...] = ()
    """Stands in the same kind of place."""
    moved: tuple[Carried, ...] = ()
    """Stands in another place."""
    dropped: tuple[Carried, ...] = ()
    """The target does not hold it; what can be written down is in ``sidecar``."""
    notes: tuple[Problem, ...] = ()
    """What changed besides: alpha, frames, orientation, and records that do not read back."""
    sidecar: dict[str, Any] | None = field(default=None, repr=False, metadata={"plain": False})
    """All records in plain form and everything dropped; ``None`` where there is neither."""
