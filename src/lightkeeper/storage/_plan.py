"""What a batch does to a set, decided before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from lightkeeper.matching import Entry, EntryState, HashSet
from lightkeeper.matching._ports import Refusal
from lightkeeper.storage._rows import DAY, to_time, to_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set
    from datetime import datetime

ENTRY_COLUMNS = (
    "number",
    "set_number",
    "kind",
    "value",
    "variant",
    "quality",
    "industry_class",
    "computer_generated",
    "modelled_after_person",
    "age_group",
    "victim_identified",
    "state",
    "added",
    "changed",
    "expires",
    "expires_given",
)
MENTION_COLUMNS = ("entry_number", "source_number", "source_id", "added", "seen")

Key = tuple[str, bytes]


class Row(NamedTuple):
    """An entry as it will be stored; the first fields are columns in their order."""

    kind: str
    value: bytes
    variant: str | None
    quality: int | None
    industry_class: str | None
    computer_generated: bool | None
    modelled_after_person: bool | None
    age_group: str | None
    victim_identified: bool | None
    lead: bool
    expires: datetime | None
    source_id: str | None
    """The source's own id of it."""
    position: int
    """Where it stood in its batch."""


_SAID = Row._fields[2:9]
_DOUBTED = (EntryState.SEED, EntryState.PARKED)
"""States of an entry that its source hands on as a lead."""


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


@dataclass
class Plan:
    """Rows to write for a batch, and what to tell of it."""

    entries: list[tuple[Any, ...]] = field(default_factory=list)
    mentions: list[tuple[Any, ...]] = field(default_factory=list)
    renewed: list[dict[str, Any]] = field(default_factory=list)
    """Columns of ``entry``, keyed by ``key``."""
    found: list[int] = field(default_factory=list)
    """Entries that begin to match, other than new ones."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Mentions seen again, keyed by ``key``."""
    last_added: int = 0
    gained: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def keep(self, numbers: Set[int], rows: Sequence[Row]) -> list[Row]:
        """Keep the new entries that were really added; the rows of the others are handed back."""
        if len(numbers) == len(self.entries):
            return []
        lost = {(entry[2], bytes(entry[3])) for entry in self.entries if entry[0] not in numbers}
        self.entries = [entry for entry in self.entries if entry[0] in numbers]
        self.mentions = [mention for mention in self.mentions if mention[0] in numbers]
        self.last_added = max(numbers, default=0)
        self.gained = len(self.entries)
        return [row for row in rows if row[:2] in lost]


def read_batch(
    batch: Iterable[tuple[int, Entry]], source: str
) -> tuple[list[Row], list[tuple[int, Entry]], list[Refusal]]:
    """Rows of a batch, those put aside whose key occurred before, and those refused.

    Sorted by key, so that a data base meets neighbours of its index one after another.
    """
    rows: list[Row] = []
    keys: set[Key] = set()
    again: list[tuple[int, Entry]] = []
    refused: list[Refusal] = []
    fine: set[str | None] = {None}
    for position, entry in batch:
        try:
            row = _row(entry, source, position)
        except ValueError:
            refused.append(Refusal(position, "malformed-value"))
            continue
        key = row[:2]
        if key in keys:
            again.append((position, entry))
        elif reason := _unstorable(row, entry.state, fine):
            refused.append(Refusal(position, reason))
        else:
            keys.add(key)
            rows.append(row)
    rows.sort()
    return rows, again, refused


def _row(entry: Entry, source: str, position: int) -> Row:
    kind, labels = entry.kind, entry.labels
    source_id = None
    for mention in entry.mentions:
        if mention.source == source:
            source_id = mention.source_id
    return Row(
        kind,
        to_value(kind, entry.value),
        entry.variant,
        entry.quality,
        labels.industry_class,
        labels.computer_generated,
        labels.modelled_after_person,
        labels.age_group,
        labels.victim_identified,
        entry.state in _DOUBTED,
        entry.expires,
        source_id,
        position,
    )


def _unstorable(row: Row, state: EntryState, fine: set[str | None]) -> str | None:
    """Why a row cannot be stored; texts of which there are few are remembered in ``fine``."""
    kind, _, variant, quality, industry_class, _, _, age_group, _, _, _, source_id, _ = row
    texts = (kind, variant, industry_class, age_group)
    if not fine.issuperset(texts):
        if not all(text is None or _is_storable(text) for text in texts):
            return "unstorable-text"
        fine.update(texts)
    if source_id is not None and not _is_storable(source_id):
        return "unstorable-text"
    if quality is not None and not 0 <= quality <= 100:
        return "malformed-quality"
    return "withdrawn" if state is EntryState.WITHDRAWN else None


def _is_storable(text: str) -> bool:
    # PostgreSQL takes no NUL, and neither data base an unpaired surrogate.
    if text.isprintable():
        return True
    return "\0" not in text and not any("\ud800" <= c < "\ue000" for c in text)


class Planner:
    """Decides row by row, for one source and one moment."""

    def __init__(
        self, hash_set: HashSet, source_number: int, *, now: int, held: int, last_entry: int
    ) -> None:
        quota = hash_set.quota_per_source
        self._number = hash_set.number
        self._doubtful = hash_set.needs_confirmation
        self._source = source_number
        self._now = now
        self._room = None if quota is None else quota - held
        self.last_entry = last_entry
        self._next = last_entry + 1
        days = hash_set.expires_after_days
        self._expiry = None if days is None else now + days * DAY

    def plan(self, rows: Sequence[Row], stored: Mapping[Key, Stored]) -> Plan:
        """Plan one round: no key occurs twice in it."""
        plan = Plan()
        if self._room is not None:  # first come, first served
            rows = sorted(rows, key=attrgetter("position"))
        for row in rows:
            known = stored.get(row[:2]) if stored else None
            given = None if row.expires is None else to_time(row.expires)
            if given is not None and given <= self._now:
                plan.refused.append(Refusal(row.position, "expired"))
            elif self._room is not None and plan.gained >= self._room and not _names(known):
                plan.refused.append(Refusal(row.position, "over-quota"))
            elif known is None:
                self._add(plan, row, given)
            else:
                self._renew(plan, known, row, given)
        return plan

    def _expires(self, given: int | None) -> int | None:
        if given is None or self._expiry is None:
            return self._expiry if given is None else given
        return min(given, self._expiry)

    def _add(self, plan: Plan, row: Row, given: int | None) -> None:
        number, now = self._next, self._now
        self._next = number + 1
        plan.last_added = number
        plan.gained += 1
        state = "seed" if self._doubtful or row.lead else "active"
        expires = self._expires(given)
        # SQLite's driver binds a bytearray without the search for adapters that bytes cost.
        key = (row.kind, bytearray(row.value))
        plan.entries.append(
            (number, self._number, *key, *row[2:9], state, now, now, expires, given)
        )
        plan.mentions.append((number, self._source, row.source_id, now, now))

    def _renew(self, plan: Plan, known: Stored, row: Row, given: int | None) -> None:
        new_mention = not _names(known)
        columns = _said(known, row)
        if given is None:
            given = known.expires_given
        elif given != known.expires_given:
            columns["expires_given"] = given
        source_id = row.source_id or known.source_id
        state = self._state(known, row, new_mention)
        if state != known.state:
            columns |= {"state": state, "withdrawn": None, "reason": None}
        if state != known.state:
            plan.found.append(known.number)
        self._note_mention(plan, known, source_id)
        plan.gained += new_mention
        if columns or new_mention or source_id != known.source_id:
            columns["changed"] = self._now
            plan.changed += 1
        else:
            plan.unchanged += 1
        expires = self._expires(given)
        if columns or expires != known.expires:
            columns["expires"] = expires
            plan.renewed.append(columns | {"key": known.number})

    def _note_mention(self, plan: Plan, known: Stored, source_id: str | None) -> None:
        if known.named is None:
            plan.mentions.append((known.number, self._source, source_id, self._now, self._now))
        else:
            plan.seen.append({"key": known.number, "source_id": source_id, "seen": self._now})

    def _state(self, known: Stored, row: Row, new_mention: bool) -> str:
        """A withdrawn entry comes back only where a source newly names it, and later.

        A parked one waits for a person.
        """
        if known.state == "parked":
            return known.state
        live = known.live + new_mention
        doubtful = self._doubtful or row.lead
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
        for name, said, was in zip(_SAID, row[2:9], known[4:11], strict=True)
        if said is not None and said != was
    }
