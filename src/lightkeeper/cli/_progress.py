"""How far a scan is, on standard error."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections import Counter

    from rich.console import Console

_PLAIN_SECONDS = 5.0
_SCANNING = "starting workers; kernels are compiled once per machine"


class Counted(Protocol):
    """What is counted; :class:`lightkeeper.scan._summary.Summary` is one."""

    @property
    def files(self) -> int: ...
    @property
    def errors(self) -> Counter[str]: ...


class Progress(Protocol):
    """Shown while rows come; used as a context manager."""

    console: Console | None
    """Prints above the progress line, where there is one."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def update(self, summary: Counted, passed_over: int) -> None:
        """One more row."""


def progress(total: int | None, *, quiet: bool, starting: str = _SCANNING) -> Progress:
    """A live line on a terminal, a plain line every few seconds elsewhere, or nothing.

    ``starting`` is said where the first file takes long.
    """
    if quiet:
        return _Silent()
    return _Live(total, starting) if sys.stderr.isatty() else _Plain(total, starting)


class _Silent:
    console: Console | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def update(self, summary: Counted, passed_over: int) -> None:
        """Say nothing."""


class _Clock:
    """Measures the rate from the first row on: starting workers and kernels is not examining."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def rate(self, files: int) -> float:
        """Files a second; 0 while it cannot be told."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, files)
        started, before = self._first
        return (files - before) / (now - started) if now > started else 0.0


class _Plain(_Silent):
    """A line now and then, for logs."""

    def __init__(self, total: int | None, starting: str) -> None:
        self._total = total
        self._notice = threading.Timer(_PLAIN_SECONDS, sys.stderr.write, [f"{starting}\n"])
        self._notice.daemon = True
        self._said = time.monotonic()
        self._clock = _Clock()

    def __enter__(self) -> Self:
        self._notice.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._notice.cancel()

    def update(self, summary: Counted, passed_over: int) -> None:
        """Print a line if the last one is some seconds old."""
        self._notice.cancel()
        rate = self._clock.rate(summary.files)
        now = time.monotonic()
        if not rate or now - self._said < _PLAIN_SECONDS:
            return
        self._said = now
        text = f"{summary.files:,}"
        if self._total is not None:
            total = self._total - passed_over
            left = max(0, total - summary.files) / rate
            text += f" of {total:,} files, {rate:,.0f}/s, {_duration(left)} left"
        else:
            text += f" files, {rate:,.0f}/s"
        errors = summary.errors.total()
        sys.stderr.write(f"{text}, {errors:,} errors\n")
        sys.stderr.flush()


class _Live:
    """A bar with rate, time left and errors."""

    def __init__(self, total: int | None, starting: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar

        self._total = total
        self.console: Console | None = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Bar(
            SpinnerColumn(),
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[errors]}", style="red"),
            console=self.console,
            transient=True,
        )
        self._task = self._bar.add_task("scan", total=total, rate=starting, errors="")
        self._clock = _Clock()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, summary: Counted, passed_over: int) -> None:
        """Move the bar."""
        rate = self._clock.rate(summary.files)
        errors = summary.errors.total()
        self._bar.update(
            self._task,
            completed=summary.files,
            total=None if self._total is None else self._total - passed_over,
            rate=f"{rate:,.0f}/s" if rate else "",
            errors=f"{errors:,} errors" if errors else "",
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
