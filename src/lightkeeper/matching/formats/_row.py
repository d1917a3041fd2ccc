"""What a reader of a hash list says of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
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


class RejectedRowError(Exception):
    """A row cannot become an entry; the argument is the reason's code. Never leaves this room."""

    @property
    def reason(self) -> str:
        """Code such as ``bad-value``."""
        return str(self.args[0])
