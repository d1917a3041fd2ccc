"""Matches of a command, counted so that a set or an entry that floods is noticed."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from lightkeeper.cli._known import ALL
from lightkeeper.cli._printable import printable
from lightkeeper.errors import MatchError
from lightkeeper.matching._tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from lightkeeper.cli._known import KnownMaterial
    from lightkeeper.matching._tally import Flood, Meeting

_SECONDS = 60.0
"""Time between two times of writing: a kill loses the count of the last minute, and no more."""


class MatchCount:
    """Counts what look-ups of this process met; writes every minute and at the end.

    It reports and parks nothing: whoever runs a command is there to look. Where the store cannot
    be written, that is said once and nothing is counted.

    Parameters
    ----------
    known : KnownMaterial
    sets : sequence of str
        The sets that are looked in, or ``all``.
    """

    def __init__(self, known: KnownMaterial, sets: Sequence[str]) -> None:
        from lightkeeper.storage import open_store

        self._store = open_store(known.store, create=False)
        self._tally: Tally | None = Tally(self._store, sets=None if ALL in sets else sets)
        self._written = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._write()
        self._store.close()

    def add(self, met: Iterable[Meeting]) -> None:
        """Count one look-up."""
        if self._tally is None:
            return
        self._tally.count(met)
        if time.monotonic() - self._written >= _SECONDS:
            self._write()

    def _write(self) -> None:
        if self._tally is None:
            return
        try:
            for flood in self._tally.write():
                sys.stderr.write(printable(_told(flood)) + "\n")
        except MatchError as error:
            self._tally = None
            sys.stderr.write(printable(f"Matches are not counted: {error}") + "\n")
        self._written = time.monotonic()


def _told(flood: Flood) -> str:
    if flood.entry_number is None:
        return (
            f"The set {flood.set_name} floods: {flood.reason}. "
            "Look into it, and park it if need be: lightkeeper sets park"
        )
    return (
        f"Entry {flood.entry_number} of the set {flood.set_name} floods: it {flood.reason}. "
        "It is probably junk: lightkeeper sets park SET HASH"
    )
