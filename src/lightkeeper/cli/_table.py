"""Rows for a person: one line each, printed as they come, as wide as the terminal."""

from __future__ import annotations

import shutil
from typing import IO, TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from lightkeeper.cli._printable import printable
from lightkeeper.scan._summary import traces

if TYPE_CHECKING:
    from lightkeeper.scan import ScanRow

_ORIGIN_CELLS = 12
_SUPPORT_CELLS = 17
_GAP = "  "
_NARROW, _WIDEST_FILE = 72, 52
_PLAIN_CELLS = 132
_STYLES = {
    "generated": "bold magenta",
    "ai-edited": "bold yellow",
    "captured": "bold cyan",
    "undetermined": "dim",
    "error": "bold red",
}


class Table:
    """Prints rows in columns without holding any of them back.

    Parameters
    ----------
    stream : text stream
        Where it is a terminal, lines are coloured and cut to its width.
    console : Console, optional
        A console that shows progress on the same terminal: lines go above it.
    """

    def __init__(self, stream: IO[str], console: Console | None = None) -> None:
        self._terminal = stream.isatty()
        self._console = console or Console(file=stream, highlight=False, soft_wrap=True)
        width = shutil.get_terminal_size().columns if self._terminal else _PLAIN_CELLS
        self._narrow = width < _NARROW
        fixed = _ORIGIN_CELLS + (0 if self._narrow else _SUPPORT_CELLS + len(_GAP)) + 2 * len(_GAP)
        self._file_cells = max(12, min(_WIDEST_FILE, (width - fixed) // 2))
        self._trace_cells = max(8, width - fixed - self._file_cells) if self._terminal else 0
        self._headed = False

    def add(self, row: ScanRow) -> None:
        """Print one row."""
        if not self._headed:
            self._headed = True
            self._print("file", "origin", "support", "evidence", style="dim", origin_style="dim")
        if row.error is not None:
            self._print(row.file, "error", "", row.error["message"])
            return
        assessment = row.assessment or {}
        support = str(assessment["strength"]).removesuffix(" support")
        words = list(traces(row)) or ["no traces"]
        words += [f"! {c['code'].replace('-', ' ')}" for c in assessment["conflicts"]]
        words += [f"! {p['code'].replace('-', ' ')}" for p in (*row.problems, *row.failures)]
        self._print(row.file, assessment["origin"], support, ", ".join(dict.fromkeys(words)))

    def finish(self) -> None:
        """Nothing is held back."""

    abandon = finish

    def _print(
        self,
        file: str,
        origin: str,
        support: str,
        words: str,
        *,
        style: str = "",
        origin_style: str | None = None,
    ) -> None:
        line = Text(style=style)
        line.append(_fit(printable(file), self._file_cells, keep_end=True) + _GAP)
        line.append(_fit(origin, _ORIGIN_CELLS) + _GAP, origin_style or _STYLES.get(origin, ""))
        if not self._narrow:
            line.append(_fit("" if support == "no" else support, _SUPPORT_CELLS) + _GAP)
        words = printable(words)
        line.append(_cut(words, self._trace_cells) if self._trace_cells else words)
        line.rstrip()
        self._console.print(line)


class Explanations:
    """Prints the reasoning behind each assessment."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def add(self, row: ScanRow) -> None:
        """Print one file's reasoning."""
        error = row.error or {}
        text = row.explanation or f"Could not be examined: {error.get('message')}"
        lines = [printable(row.file), "", *map(printable, text.splitlines()), ""]
        notes = [*row.problems, *row.failures]
        lines += [f"  ! {printable(note['message'])} ({note['code']})" for note in notes]
        self._stream.write("\n".join(lines) + "\n" * (2 if notes else 1))
        self._stream.flush()

    def finish(self) -> None:
        """Nothing is held back."""

    abandon = finish


def _fit(text: str, cells: int, *, keep_end: bool = False) -> str:
    return set_cell_size(_cut(text, cells, keep_end=keep_end), cells)


def _cut(text: str, cells: int, *, keep_end: bool = False) -> str:
    if cell_len(text) <= cells:
        return text
    if not keep_end:
        return set_cell_size(text, cells - 1).rstrip() + "…"
    tail = text[-cells + 1 :]
    while cell_len(tail) > cells - 1:
        tail = tail[1:]
    return "…" + tail
