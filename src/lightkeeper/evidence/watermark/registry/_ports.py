"""Where entries are kept: a signed file, or a data base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.watermark.registry._entry import Fingerprint, MarkEntry


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

    def decoys(self, payload: int) -> Sequence[Fingerprint]:
        """Some fingerprints of entries with other payloads, the same for the same revision."""

    def __len__(self) -> int:
        """Entries of all payloads, withdrawn or not: among so many a forger may choose."""
