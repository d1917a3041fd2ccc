"""What a look-up found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.matching._entry import EntryState
from lightkeeper.matching._set import SetState

if TYPE_CHECKING:
    from lightkeeper.matching._entry import Entry
    from lightkeeper.matching._set import HashSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry of a set that a picture or a hash met.

    ``distance_bits`` is 0 for kinds that match by equality. ``transform`` says what was done to
    the picture before it matched: ``identity``, one of the dihedral moves (``flip-horizontal``,
    ``rotate-90`` …), ``unletterboxed`` or both joined by ``+``.
    """

    hash_set: HashSet
    entry: Entry
    distance_bits: int
    transform: str = "identity"
    query_quality: int | None = None
    query_variant: str | None = None
    """PDQ variant of the query, where it is known; that of the entry stands in the entry."""
    query_value: str | None = None
    """The hash that met the entry: for a turned picture, that of the turned picture."""

    @property
    def is_lead(self) -> bool:
        """Whether it says only where to look: nobody has confirmed it, or it was parked."""
        return (
            self.entry.state is not EntryState.ACTIVE or self.hash_set.state is not SetState.ACTIVE
        )
