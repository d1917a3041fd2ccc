"""What a batch does to a set, decided before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lightkeeper.matching import Entry, EntryState, HashSet
from lightkeeper.matching._ports import Refusal
from lightkeeper.storage._rows import DAY, to_time, to_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from lightkeeper.matching import Mention

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
Row = tuple[int, Entry, str | None]
"""Where a row stood in its batch, the entry, and the source's own id of it."""
Keyed = dict[Key, Row]


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

    def keep(self, numbers: Set[int], keyed: Keyed) -> Keyed:
        """Keep the new entries that were really added; the others are handed back."""
        if len(numbers) == len(self.entries):
            return {}
        rest = {
            (row[2], row[3]): keyed[row[2], row[3]] for row in self.entries if row[0] not in numbers
        }
        self.entries = [row for row in self.entries if row[0] in numbers]
        self.mentions = [row for row in self.mentions if row[0] in numbers]
        self.last_added = max(numbers, default=0)
        self.gained = len(self.entries)
        return rest


def key_batch(
    batch: Iterable[tuple[int, Entry]], source: str
) -> tuple[Keyed, list[tuple[int, Entry]], list[Refusal]]:
    """Key the rows of a batch, and put those aside whose key occurred before.

    Sorted by key, so that a data base meets neighbours of its index one after another.
    """
    keyed: Keyed = {}
    again: list[tuple[int, Entry]] = []
    refused: list[Refusal] = []
    fine: set[str | None] = {None}
    for position, entry in batch:
        kind = entry.kind
        try:
            key = (kind, to_value(kind, entry.value))
        except ValueError:
            refused.append(Refusal(position, "malformed-value"))
            continue
        source_id = _own_id(entry.mentions, source)
        if key in keyed:
            again.append((position, entry))
        elif reason := _unstorable(entry, source_id, fine):
            refused.append(Refusal(position, reason))
        else:
            keyed[key] = (position, entry, source_id)
    return {key: keyed[key] for key in sorted(keyed)}, again, refused


def _own_id(mentions: tuple[Mention, ...], source: str) -> str | None:
    for mention in mentions:
        if mention.source == source:
            return mention.source_id
    return None


def _unstorable(entry: Entry, source_id: str | None, fine: set[str | None]) -> str | None:
    """Why a row cannot be stored; texts of which there are few are remembered in ``fine``."""
    labels = entry.labels
    if (
        entry.kind not in fine
        or entry.variant not in fine
        or labels.industry_class not in fine
        or labels.age_group not in fine
    ):
        texts = {entry.kind, entry.variant, labels.industry_class, labels.age_group}
        if not all(text is None or _is_storable(text) for text in texts):
            return "unstorable-text"
        fine |= texts
    if source_id is not None and not _is_storable(source_id):
        return "unstorable-text"
    quality = entry.quality
    if quality is not None and not 0 <= quality <= 100:
        return "malformed-quality"
    return "withdrawn" if entry.state is EntryState.WITHDRAWN else None


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
        self._set = hash_set
        self._source = source_number
        self._now = now
        self._room = None if quota is None else quota - held
        self.last_entry = last_entry
        self._next = last_entry + 1
        days = hash_set.expires_after_days
        self._expiry = None if days is None else now + days * DAY

    def plan(self, keyed: Keyed, stored: Mapping[Key, Stored]) -> Plan:
        """Plan one round: no key occurs twice in it."""
        plan = Plan()
        rows: Iterable[tuple[Key, Row]] = keyed.items()
        if self._room is not None:  # first come, first served
            rows = sorted(rows, key=lambda row: row[1][0])
        for key, (position, entry, source_id) in rows:
            known = stored.get(key)
            given = None if entry.expires is None else to_time(entry.expires)
            if given is not None and given <= self._now:
                plan.refused.append(Refusal(position, "expired"))
            elif (known is None or known.named is None or known.ended is not None) and (
                self._room is not None and self._room - plan.gained <= 0
            ):
                plan.refused.append(Refusal(position, "over-quota"))
            elif known is None:
                self._add(plan, key, entry, source_id, given)
            else:
                self._renew(plan, known, entry, source_id, given)
        return plan

    def _expires(self, given: int | None) -> int | None:
        if given is None or self._expiry is None:
            return self._expiry if given is None else given
        return min(given, self._expiry)

    def _add(
        self, plan: Plan, key: Key, entry: Entry, source_id: str | None, given: int | None
    ) -> None:
        number = self._next
        self._next += 1
        state = "active"
        if self._set.needs_confirmation or entry.state is EntryState.SEED:
            state = "seed"
        plan.last_added = number
        labels = entry.labels
        now = self._now
        plan.entries.append(
            (
                number,
                self._set.number,
                *key,
                entry.variant,
                entry.quality,
                labels.industry_class,
                labels.computer_generated,
                labels.modelled_after_person,
                labels.age_group,
                labels.victim_identified,
                state,
                now,
                now,
                self._expires(given),
                given,
            )
        )
        plan.mentions.append((number, self._source, source_id, now, now))
        plan.gained += 1

    def _renew(
        self, plan: Plan, known: Stored, entry: Entry, source_id: str | None, given: int | None
    ) -> None:
        new_mention = known.named is None or known.ended is not None
        columns = _said(known, entry)
        if given is None:
            given = known.expires_given
        elif given != known.expires_given:
            columns["expires_given"] = given
        source_id = source_id or known.source_id
        state = self._state(known, entry, new_mention)
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

    def _state(self, known: Stored, entry: Entry, new_mention: bool) -> str:
        """A withdrawn entry comes back only where a source newly names it, and later."""
        live = known.live + new_mention
        doubtful = self._set.needs_confirmation or entry.state is EntryState.SEED
        wanted = "seed" if doubtful and live < 2 else "active"
        if known.state == "withdrawn":
            later = known.withdrawn is None or self._now > known.withdrawn
            return wanted if new_mention and later else known.state
        return "active" if "active" in (wanted, known.state) else "seed"


def _said(known: Stored, entry: Entry) -> dict[str, Any]:
    """What the source says that the store does not; silence takes nothing back."""
    labels = entry.labels
    said = {
        "variant": entry.variant,
        "quality": entry.quality,
        "industry_class": labels.industry_class,
        "computer_generated": labels.computer_generated,
        "modelled_after_person": labels.modelled_after_person,
        "age_group": labels.age_group,
        "victim_identified": labels.victim_identified,
    }
    return {
        name: value
        for name, value in said.items()
        if value is not None and value != getattr(known, name)
    }
