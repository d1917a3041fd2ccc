"""A store that lives in memory: the model against which the real one is tested."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from lightkeeper.testing.cases._reader import Reader
from lightkeeper.testing.cases._state import State
from lightkeeper.testing.cases._writer import Writer


class MemoryCases:
    """Implements :class:`lightkeeper.reporting.ReportStore`, and so
    :class:`lightkeeper.cases.CaseStore`, with dictionaries.

    One transaction writes at a time, into a copy that takes the place of the original at its
    end; whoever reads keeps the state that was there at the beginning.
    """

    def __init__(self) -> None:
        self._state = State()
        self._writing = Lock()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """One consistent view."""
        yield Reader(self._state)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """All of it, or nothing."""
        with self._writing:
            state = self._state.copy()
            yield Writer(state)
            self._state = state
