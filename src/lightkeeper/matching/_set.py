"""A hash set: a labelled, sourced, versioned list of known material."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SetOrigin(StrEnum):
    """Where the material of a set comes from. Generated sets are kept apart from photographed."""

    PHOTOGRAPHED = "photographed"
    GENERATED = "generated"
    ALTERED = "altered"
    UNKNOWN = "unknown"


class Tlp(StrEnum):
    """Handling, as in the Traffic Light Protocol 2.0 (FIRST, 2022)."""

    RED = "TLP:RED"
    AMBER_STRICT = "TLP:AMBER+STRICT"
    AMBER = "TLP:AMBER"
    GREEN = "TLP:GREEN"
    CLEAR = "TLP:CLEAR"


class SetState(StrEnum):
    """Whether a set matches. What a parked one holds is shown as leads until it is released."""

    ACTIVE = "active"
    PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class HashSet:
    """What is known of a list of hashes, apart from the hashes.

    ``name`` is the key that people and policies use: lower-case letters, digits and hyphens.
    ``number`` is given by the store (0 before that) and stands in the index.
    """

    name: str
    owner: str
    purpose: str
    origin: SetOrigin = SetOrigin.UNKNOWN
    number: int = 0
    scheme: str | None = None
    """Classification scheme of its labels, such as ``industry-a1-b2``."""
    handling: Tlp = Tlp.AMBER_STRICT
    terms: str | None = None
    """Licence or sharing terms."""
    expires_after_days: int | None = None
    """Entries expire this long after they were last seen; ``None`` never."""
    radius_bits: int = 31
    """PDQ distance up to which an entry matches."""
    minimum_quality: int = 50
    """PDQ quality, 0-100, below which an entry or a query does not match."""
    negative: bool = False
    """Known benign: a hit here suppresses others, and is shown."""
    needs_confirmation: bool = False
    """New entries are leads until a second source or a person confirms them."""
    quota_per_source: int | None = None
    """Most entries that one source may hold in this set."""
    state: SetState = SetState.ACTIVE
