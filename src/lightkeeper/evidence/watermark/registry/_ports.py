"""Where entries are kept: a signed file, or a data base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.watermark.registry._entry import MarkEntry


@runtime_checkable
class MarkRegistry(Protocol):
    """Finds the entries of a payload."""

    @property
    def name(self) -> str:
        """Who keeps it, for a sentence."""

    @property
    def revision(self) -> str:
        """Changes whenever an answer could."""

    def find(self, payload: int) -> Sequence[MarkEntry]:
        """All entries that this payload names; none where it is unknown here."""
