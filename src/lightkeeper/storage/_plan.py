"""What a batch does to a set, decided before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lightkeeper.storage._batch import Key, Row, expiry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lightkeeper.matching import HashSet

_SAID = Row._fields[:7]


class Stored(NamedTuple):
    """What the store holds of an entry that a batch names again."""

    number: int
    state: str
    withdrawn: int | None
    expires: int | None
    variant: str | None
    quality: int | None
    industry_class: str | None
    computer_generated: bool | None
    modelled_after_person: bool | None
    age_group: str | None
    victim_identified: bool | None
    expires_given: int | None
    named: int | None
    """The entry's number where this source ever named it."""
    source_id: str | None
    ended: int | None
    live: int
    """How many sources name it at present, this one included."""


@dataclass(slots=True)
class Plan:
    """What to write for a batch, and what to tell of it."""

    added: list[int] = field(default_factory=list)
    """Rows that become new entries."""
    mentions: list[tuple[int, str | None]] = field(default_factory=list)
    """Entries that the source names for the first time, and its own id of each."""
    renewed: list[dict[str, Any]] = field(default_factory=list)
    """Columns of ``entry``, keyed by ``key``."""
    found: list[int] = field(default_factory=list)
    """Entries that begin to match, other than new ones."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Mentions seen again, keyed by ``key``."""
    gained: int = 0
    changed: int = 0
    unchanged: int = 0
    over_quota: list[int] = field(default_factory=list)
    """Rows that the quota has no room for."""


class Planner:
    """Decides row by row, for one moment; ``room`` is what is left of the source's quota."""

    def __init__(self, hash_set: HashSet, *, now: int, room: int | None) -> None:
        self._set = hash_set
        self._now = now
        self._room = room

    def plan(self, rows: Iterable[tuple[Key, Row]], stored: Mapping[Key, Stored]) -> Plan:
        """Plan for a batch: no key occurs twice in it. First come, first served."""
        plan = Plan()
        for key, row in rows:
            known = stored.get(key)
            if self._room is not None and plan.gained >= self._room and not _names(known):
                plan.over_quota.append(row.place)
            elif known is None:
                plan.added.append(row.place)
                plan.gained += 1
            else:
                self._renew(plan, known, row)
        return plan

    def _renew(self, plan: Plan, known: Stored, row: Row) -> None:
        given, new_mention = row.expires, not _names(known)
        columns = _said(known, row)
        if given is None:
            given = known.expires_given
        elif given != known.expires_given:
            columns["expires_given"] = given
        source_id = row.source_id or known.source_id
        state = self._state(known, row, new_mention)
        if state != known.state:
            columns |= {"state": state, "withdrawn": None, "reason": None}
            plan.found.append(known.number)
        self._note_mention(plan, known, source_id)
        plan.gained += new_mention
        if columns or new_mention or source_id != known.source_id:
            columns["changed"] = self._now
            plan.changed += 1
        else:
            plan.unchanged += 1
        expires = expiry(self._set, given, self._now)
        if columns or expires != known.expires:
            columns["expires"] = expires
            plan.renewed.append(columns | {"key": known.number})

    def _note_mention(self, plan: Plan, known: Stored, source_id: str | None) -> None:
        if known.named is None:
            plan.mentions.append((known.number, source_id))
        else:
            plan.seen.append({"key": known.number, "source_id": source_id, "seen": self._now})

    def _state(self, known: Stored, row: Row, new_mention: bool) -> str:
        """A withdrawn entry comes back only where a source newly names it, and later.

        A parked one waits for a person.
        """
        if known.state == "parked":
            return known.state
        live = known.live + new_mention
        doubtful = self._set.needs_confirmation or row.lead
        wanted = "seed" if doubtful and live < 2 else "active"
        if known.state == "withdrawn":
            later = known.withdrawn is None or self._now > known.withdrawn
            return wanted if new_mention and later else known.state
        return "active" if "active" in (wanted, known.state) else "seed"


def _names(known: Stored | None) -> bool:
    """Whether the source names the entry at present."""
    return known is not None and known.named is not None and known.ended is None


def _said(known: Stored, row: Row) -> dict[str, Any]:
    """What the source says that the store does not; silence takes nothing back."""
    return {
        name: said
        for name, said, was in zip(_SAID, row[:7], known[4:11], strict=True)
        if said is not None and said != was
    }
