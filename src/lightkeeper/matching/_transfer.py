"""Hash lists into sets and out of them: compare, import, merge, export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import numpy as np

from lightkeeper.errors import MatchError, NotPermitted
from lightkeeper.matching._columns import EntryColumns
from lightkeeper.matching._entry import Entry, EntryState
from lightkeeper.matching._set import HashSet, SetState, Tlp
from lightkeeper.matching.formats._row import DAMAGE, RAW_CHARACTERS, Block, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from lightkeeper.matching._ports import SetStore, UpsertCount

BATCH: Final = 40_000
"""Rows of one transaction."""

_STRICTNESS: Final = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)

_WITHDRAWN: Final = EntryState.WITHDRAWN

Key = tuple[str, str]
T = TypeVar("T")


class BatchCheck(Protocol):
    """A guard: the reason why an entry may not enter the set, or ``None``, for each."""

    def __call__(self, hash_set: HashSet, entries: Sequence[Entry], /) -> Sequence[str | None]: ...


@dataclass(slots=True)
class Transfer:
    """What an import did, or would do."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Rows that did not become entries, by reason."""
    standing: int | None = None
    """Entries that the source alone holds in the set, where a whole list was compared."""

    def count(self, counted: UpsertCount) -> None:
        """Add what a batch did."""
        self.added += counted.added
        self.changed += counted.changed
        self.unchanged += counted.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """On whose behalf a list is imported, and how.

    ``complete`` says that it is all that the source names: what it names no more is withdrawn.
    ``on_progress`` gets the transfer after each batch, ``on_reject`` each row that failed.
    """

    source: str
    now: datetime
    complete: bool = False
    check: BatchCheck | None = None
    on_progress: Callable[[Transfer], None] = lambda _: None
    on_reject: Callable[[Row], None] = lambda _: None


def diff_list(
    store: SetStore, name: str, rows: Iterable[Row | Block], *, options: ImportOptions
) -> Transfer:
    """What importing a list would do to a set; nothing is written.

    A hash that the list names in rows of different batches counts once for each, and a quota is
    held against each batch alone. The whole list takes 8 bytes a row where it is complete.
    """
    return _Diff(store, name, options).run(rows)


def import_list(
    store: SetStore, name: str, rows: Iterable[Row | Block], *, options: ImportOptions
) -> Transfer:
    """Import a list, a transaction for each batch; importing it again changes nothing.

    Stopped half way, it has done a part, and is to be run again.
    """
    return _Import(store, name, options).run(rows)


def refuse_if_suspicious(found: Transfer, *, most_withdrawn_percent: float) -> None:
    """Refuse a whole list that is damaged, or withdraws more than usual.

    Raises
    ------
    NotPermitted
    """
    damage = sorted(DAMAGE & found.rejected.keys())
    if damage:
        raise NotPermitted(
            f"the file is damaged ({', '.join(damage)}), so it cannot be the whole list",
            hint="import it without --complete, or --force what it lacks to be withdrawn",
        )
    standing = found.standing or 0
    if standing and found.withdrawn * 100 > most_withdrawn_percent * standing:
        raise NotPermitted(
            f"{found.withdrawn:,} of the source's {standing:,} entries would be withdrawn, "
            f"more than {most_withdrawn_percent:g} %",
            hint="is this the right file? --force withdraws them, --most-withdrawn sets the limit",
        )


class _Pass(ABC):
    """One way through a list, in batches."""

    def __init__(self, store: SetStore, name: str, options: ImportOptions) -> None:
        self.store = store
        self.name = name
        self.options = options
        self.hash_set = store.hash_set(name)
        self.found = Transfer()
        self.deleted_ids: set[tuple[str, str]] = set()
        """Source and its own id of what it took back."""
        self._batch: dict[str, Block] = {}
        """Rows that carry an entry, by who speaks."""
        self._held = 0
        """Rows since the last batch, rejected ones too."""

    def run(self, rows: Iterable[Row | Block]) -> Transfer:
        for part in rows:
            self._hold(part)
            if self._held >= BATCH:
                self._take_all()
        if self._held:
            self._take_all()
        self._finish()
        self.options.on_progress(self.found)
        return self.found

    def _hold(self, part: Row | Block) -> None:
        own = self.options.source
        if isinstance(part, Block):
            self._held += len(part)
            self._of(own).extend(part)
            return
        self._held += 1
        if part.entry is not None:
            self._of(part.source or own).append(part)
        elif part.deleted_id is not None:
            self.deleted_ids.add((part.source or own, part.deleted_id))
        else:
            self._reject(part, part.reason or "")

    def _of(self, source: str) -> Block:
        held = self._batch.get(source)
        if held is None:
            held = self._batch[source] = Block(EntryColumns(source))
        return held

    def _take_all(self) -> None:
        own = self.options.source
        if self.options.complete and (self.deleted_ids or self._batch.keys() - {own}):
            raise NotPermitted(
                "a list of changes, or one in which several sources speak, is not a whole list",
                hint="import it without --complete",
            )
        self.found.rows += self._held
        for source, block in self._batch.items():
            self._take(source, block)
        self._batch, self._held = {}, 0
        self.options.on_progress(self.found)

    def _take(self, source: str, block: Block) -> None:
        gone: list[Key] = []
        states = block.entries.states
        if _WITHDRAWN in states:
            taken_back = block.chosen([i for i, state in enumerate(states) if state is _WITHDRAWN])
            gone = list(zip(taken_back.entries.kinds, taken_back.entries.values, strict=True))
            block = block.chosen([i for i, s in enumerate(states) if s is not _WITHDRAWN])
        if self.options.check is not None:
            block = self._checked(block, self.options.check)
        if block:
            counted = self._upsert(source, block.entries)
            self.found.count(counted)
            for refusal in counted.refused:
                self._reject_held(block, refusal.position, refusal.reason)
        if gone:
            self._withdraw(source, gone)

    def _checked(self, block: Block, check: BatchCheck) -> Block:
        reasons = check(self.hash_set, block.entries)
        if not any(reasons):
            return block
        for i, reason in enumerate(reasons):
            if reason is not None:
                self._reject_held(block, i, reason)
        return block.chosen([i for i, reason in enumerate(reasons) if reason is None])

    def _reject_held(self, block: Block, position: int, reason: str) -> None:
        speaker = block.entries.source
        other = speaker if speaker != self.options.source else None
        number, raw = block.line_numbers[position], block.raws[position]
        self._reject(Row(number, raw=raw, source=other), reason)

    def _reject(self, row: Row, reason: str) -> None:
        self.found.rejected[reason] += 1
        self.options.on_reject(
            Row(row.line_number, reason=reason, raw=row.raw[:RAW_CHARACTERS], source=row.source)
        )

    def _deleted(self) -> Iterator[tuple[str, Key]]:
        """Keys of the entries that their sources took back by id."""
        if not self.deleted_ids:
            return
        for entry in self.store.entries(self.name):
            for mention in entry.mentions:
                if (mention.source, mention.source_id) in self.deleted_ids:
                    yield mention.source, (entry.kind, entry.value)

    @abstractmethod
    def _upsert(self, source: str, entries: EntryColumns) -> UpsertCount:
        """Write, or compare, a batch."""

    @abstractmethod
    def _withdraw(self, source: str, keys: Sequence[Key]) -> None:
        """Take entries back, or count them."""

    @abstractmethod
    def _finish(self) -> None:
        """What is known only at the end of the list."""


class _Import(_Pass):
    def _upsert(self, source: str, entries: EntryColumns) -> UpsertCount:
        return self.store.upsert(self.name, entries, source=source, now=self.options.now)

    def _withdraw(self, source: str, keys: Sequence[Key]) -> None:
        self.found.withdrawn += self.store.withdraw(
            self.name, keys, reason="taken back by its source", now=self.options.now, source=source
        )

    def _finish(self) -> None:
        by_source: dict[str, list[Key]] = {}
        for source, key in self._deleted():
            by_source.setdefault(source, []).append(key)
        for source, keys in by_source.items():
            self._withdraw(source, keys)
        if self.options.complete:
            now = self.options.now
            self.found.withdrawn += self.store.withdraw_missing(
                self.name, source=self.options.source, before=now, now=now
            )


class _Diff(_Pass):
    def __init__(self, store: SetStore, name: str, options: ImportOptions) -> None:
        super().__init__(store, name, options)
        self._named = array("q")
        self._gone: set[tuple[str, Key]] = set()

    def _upsert(self, source: str, entries: EntryColumns) -> UpsertCount:
        counted = self.store.compare(self.name, entries, source=source)
        if self.options.complete:
            refused = {refusal.position for refusal in counted.refused}
            keys = zip(entries.kinds, entries.values, strict=True)
            self._named.extend(hash(key) for i, key in enumerate(keys) if i not in refused)
        return counted

    def _withdraw(self, source: str, keys: Sequence[Key]) -> None:
        self._gone.update((source, key) for key in keys)

    def _finish(self) -> None:
        if not (self._gone or self.deleted_ids or self.options.complete):
            return
        named = np.unique(np.frombuffer(self._named, dtype=np.int64))
        standing = 0
        for page in batches(self._alone()):
            standing += len(page)
            self.found.withdrawn += sum(gone for _, gone in page)
            if self.options.complete:
                keys = np.array([key for key, _ in page], dtype=np.int64)
                self.found.withdrawn += int(np.isin(keys, named, invert=True).sum())
        if self.options.complete:
            self.found.standing = standing

    def _alone(self) -> Iterator[tuple[int, bool]]:
        """Key of each entry that one source alone holds, and whether that takes it back."""
        for entry in self.store.entries(self.name):
            if entry.state is _WITHDRAWN or len(entry.mentions) != 1:
                continue
            mention = entry.mentions[0]
            key = (entry.kind, entry.value)
            source = mention.source
            gone = (source, key) in self._gone or (source, mention.source_id) in self.deleted_ids
            if gone or source == self.options.source:
                yield hash(key), gone


def merge_sets(
    store: SetStore, source_set: str, target_set: str, *, now: datetime
) -> tuple[Transfer, int]:
    """Name all active entries of a set in another one too, and park the set they came from.

    Returns what came in, and how many leads stayed behind: a lead is confirmed where it is.

    Raises
    ------
    NotPermitted
        The sets differ in the origin of their material or in polarity, or the target may be
        handled more freely.
    """
    source, target = store.hash_set(source_set), store.hash_set(target_set)
    _refuse_unlike(source, target)
    found, leads = Transfer(), 0
    for batch in batches(store.entries(source_set)):
        leads += sum(entry.state in (EntryState.SEED, EntryState.PARKED) for entry in batch)
        active = [entry for entry in batch if entry.state is EntryState.ACTIVE]
        found.rows += len(active)
        for speaker, entries in _by_mention(active, default=source.owner).items():
            counted = store.upsert(target_set, entries, source=speaker, now=now)
            found.count(counted)
            found.rejected.update(refusal.reason for refusal in counted.refused)
    store.set_state(source_set, SetState.PARKED, reason=f"merged into {target_set}")
    return found, leads


def _refuse_unlike(source: HashSet, target: HashSet) -> None:
    if source.name == target.name:
        raise MatchError("a set cannot be merged into itself")
    if source.origin is not target.origin:
        raise NotPermitted(
            f"'{source.name}' holds {source.origin} material and '{target.name}' {target.origin}: "
            "sets of different origin are never merged"
        )
    if source.negative is not target.negative:
        raise NotPermitted("a set of known benign material is never merged with any other")
    if _STRICTNESS.index(target.handling) < _STRICTNESS.index(source.handling):
        raise NotPermitted(
            f"'{source.name}' is {source.handling}, '{target.name}' only {target.handling}"
        )


def _by_mention(entries: Iterable[Entry], *, default: str) -> dict[str, list[Entry]]:
    """Entries by each source that names them; only that source's mention is kept."""
    spoken: dict[str, list[Entry]] = {}
    for entry in entries:
        if not entry.mentions:
            spoken.setdefault(default, []).append(entry)
        for mention in entry.mentions:
            spoken.setdefault(mention.source, []).append(_spoken_by(entry, mention.source))
    return spoken


def _spoken_by(entry: Entry, source: str) -> Entry:
    if len(entry.mentions) == 1:
        return entry
    return replace(entry, mentions=tuple(m for m in entry.mentions if m.source == source))


def exported_entries(
    store: SetStore, name: str, *, since: datetime | int | None = None
) -> Iterator[Entry]:
    """Entries for an export.

    Without ``since``, all that are not withdrawn. Since a moment, all that changed, withdrawn ones
    as withdrawals. Since a revision of the store, those that began or ceased to match after it.
    """
    if since is None:
        return (entry for entry in store.entries(name) if entry.state is not _WITHDRAWN)
    if isinstance(since, int):
        return _changed_after(store, name, since)
    return store.entries(name, since=since)


def _changed_after(store: SetStore, name: str, revision: int) -> Iterator[Entry]:
    set_number = store.hash_set(name).number
    changes = store.changes(after=revision)
    numbers = {change.entry_number for change in changes if change.set_number == set_number}
    for batch in batches(iter(sorted(numbers))):
        found = store.entries_by_number(batch)
        yield from (found[number][1] for number in batch if number in found)


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Lists of :data:`BATCH` rows."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
