"""What a reader of a hash list says of each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.matching._columns import EntryColumns
    from lightkeeper.matching._entry import Entry

RAW_CHARACTERS: Final = 4096
"""As much of a rejected row as is kept."""

DAMAGE: Final = frozenset({"bad-csv", "bad-xml", "line-too-long", "truncated"})
"""Reasons after which rows may be missing: such a file is never a source's whole list."""


class Row(NamedTuple):
    """One row: an entry, a deletion by the source's own id, or the reason why it is neither.

    A named tuple because there are tens of millions of them. ``line_number`` counts lines from 1,
    or entries where the format has no lines. ``source`` is who named the row where a file speaks
    for several organisations. An entry whose state is ``withdrawn`` is a deletion too.
    """

    line_number: int
    entry: Entry | None = None
    reason: str | None = None
    raw: str = ""
    deleted_id: str | None = None
    source: str | None = None


@dataclass(slots=True)
class Block:
    """Rows in which one source names entries and nothing else: what most of a list consists of."""

    entries: EntryColumns
    line_numbers: list[int] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.line_numbers)

    def append(self, row: Row) -> None:
        """Add a row that carries an entry."""
        if row.entry is None:
            raise ValueError("a row without an entry")
        self.entries.append(row.entry)
        self.line_numbers.append(row.line_number)
        self.raws.append(row.raw)

    def extend(self, other: Block) -> None:
        """Add the rows of another block of the same source."""
        self.entries.extend(other.entries)
        self.line_numbers += other.line_numbers
        self.raws += other.raws

    def chosen(self, positions: Sequence[int]) -> Block:
        """These rows, in this order."""
        return Block(
            self.entries.chosen(positions),
            [self.line_numbers[i] for i in positions],
            [self.raws[i] for i in positions],
        )

    def rows(self) -> Iterator[Row]:
        """One by one."""
        for number, entry, raw in zip(self.line_numbers, self.entries, self.raws, strict=True):
            yield Row(number, entry, raw=raw)


class RejectedRowError(Exception):
    """A row cannot become an entry; the argument is the reason's code. Never leaves this room."""

    @property
    def reason(self) -> str:
        """Code such as ``bad-value``."""
        return str(self.args[0])
