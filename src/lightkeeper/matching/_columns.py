"""Many entries at once, as columns: an object for each costs more time than storing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, overload

from lightkeeper.matching._entry import Entry, EntryLabels, EntryState, Mention

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime


@dataclass(slots=True)
class EntryColumns(Sequence[Entry]):
    """What one source says of many hashes; a row becomes an :class:`Entry` when it is asked for.

    Holds what a store takes from an entry that is named to it. Fields are those of an entry, and
    ``source_ids`` are the source's own; each column has one value for every row.
    """

    source: str | None = None
    named: datetime | None = None
    """When the source named them: what their mentions say."""
    kinds: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    source_ids: list[str | None] = field(default_factory=list)
    variants: list[str | None] = field(default_factory=list)
    qualities: list[int | None] = field(default_factory=list)
    labels: list[EntryLabels] = field(default_factory=list)
    states: list[EntryState] = field(default_factory=list)
    expiries: list[datetime | None] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Sequence[Entry], *, source: str | None = None) -> EntryColumns:
        """Columns of entries; of their mentions only those of the source count."""
        if isinstance(entries, cls) and source in (None, entries.source):
            return entries
        columns = cls(source)
        for entry in entries:
            columns.append(entry)
        return columns

    def append(self, entry: Entry) -> None:
        """Add one entry at the end."""
        own = next((m for m in entry.mentions if m.source == self.source), None)
        if own is not None:
            self.named = own.added
        self.kinds.append(entry.kind)
        self.values.append(entry.value)
        self.source_ids.append(None if own is None else own.source_id)
        self.variants.append(entry.variant)
        self.qualities.append(entry.quality)
        self.labels.append(entry.labels)
        self.states.append(entry.state)
        self.expiries.append(entry.expires)

    def extend(self, other: EntryColumns) -> None:
        """Add the rows of other columns of this source."""
        self.named = other.named
        for mine, theirs in zip(_columns(self), _columns(other), strict=True):
            mine.extend(theirs)

    def chosen(self, positions: Sequence[int]) -> EntryColumns:
        """These rows, in this order."""
        picked = ([column[i] for i in positions] for column in _columns(self))
        return EntryColumns(self.source, self.named, *picked)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Entry]:
        return map(self._entry, *_columns(self))

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(index, slice):
            return self.chosen(range(len(self))[index])
        return self._entry(*(column[index] for column in _columns(self)))

    def _entry(
        self,
        kind: str,
        value: str,
        source_id: str | None,
        variant: str | None,
        quality: int | None,
        labels: EntryLabels,
        state: EntryState,
        expires: datetime | None,
    ) -> Entry:
        mentions: tuple[Mention, ...] = ()
        if self.source is not None and self.named is not None:
            mentions = (Mention(self.source, source_id, self.named),)
        return Entry(
            kind=kind,
            value=value,
            variant=variant,
            quality=quality,
            labels=labels,
            state=state,
            mentions=mentions,
            expires=expires,
        )


_NAMES = tuple(column.name for column in fields(EntryColumns))[2:]
_columns: Any = attrgetter(*_NAMES)


def distinct(column: Iterable[Any]) -> list[Any]:
    """Different objects of a column that holds few, over and over: cheaper than to hash each."""
    return list({id(value): value for value in column}.values())
