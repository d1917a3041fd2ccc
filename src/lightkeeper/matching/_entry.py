"""One hash in a set, with where it came from and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntryState(StrEnum):
    """Whether an entry matches: only active ones do; seeds and parked ones are shown as leads."""

    ACTIVE = "active"
    SEED = "seed"
    """Named by one source of a set that wants two, or a person's word."""
    PARKED = "parked"
    """Taken out of matching until a person confirms it, whoever else names it."""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLabels:
    """What the source says of the material. ``None`` where it says nothing."""

    industry_class: str | None = None
    """A1, A2, B1 or B2."""
    computer_generated: bool | None = None
    modelled_after_person: bool | None = None
    age_group: str | None = None
    victim_identified: bool | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A source that named an entry, under an id of its own."""

    source: str
    source_id: str | None
    added: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One hash. Within a set, ``kind`` and ``value`` are the key.

    ``kind`` is ``md5``, ``sha1``, ``sha256``, ``pdq`` or the name of an opaque kind (``photodna``
    …), which is kept and matched by equality. ``value`` is lower-case hex for the known kinds and
    as the source wrote it for opaque ones. ``number`` is given by the store and stands in the
    index.
    """

    kind: str
    value: str
    number: int = 0
    variant: str | None = None
    """PDQ variant, such as ``full-resolution/exact``; ``None`` where the source does not say."""
    quality: int | None = None
    labels: EntryLabels = EntryLabels()
    state: EntryState = EntryState.ACTIVE
    mentions: tuple[Mention, ...] = ()
    added: datetime | None = None
    seen: datetime | None = None
    expires: datetime | None = None
    withdrawn: datetime | None = None
    votes_for: int = 0
    votes_against: int = 0
