"""Codes, times and amounts as people say them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

_NAMES: Final = {
    "training-data-find": "Found in training data",
    "generated-output": "Generated output",
    "prompt-only": "Prompt or text only",
    "api": "API",
    "ai-edited": "edited with AI",
    "captured": "from a camera",
    "cannot-tell": "Can’t tell",
    "to-report": "To report",
    "second-opinion": "Second opinion",
    "fileinfo": "File details",
    "none": "None of these",
}
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


def named(code: Any) -> str:
    """A code in words.

    >>> named("imminent-harm")
    'Imminent harm'
    """
    text = str(getattr(code, "value", code))
    return _NAMES.get(text) or text.replace("-", " ").replace("_", " ").capitalize()


def span(time: timedelta | float) -> str:
    """A length of time, in its largest unit.

    >>> span(5400)
    '1 h 30 min'
    """
    seconds = abs(time.total_seconds() if isinstance(time, timedelta) else float(time))
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    if seconds < 6 * _HOUR and seconds % _HOUR >= _MINUTE:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h"
    return f"{seconds // _DAY:.0f} days"


def ago(then: datetime, now: datetime) -> str:
    """How long ago."""
    return "just now" if (now - then).total_seconds() < _MINUTE else f"{span(now - then)} ago"


def due(then: datetime, now: datetime) -> str:
    """When something is due."""
    return f"overdue by {span(now - then)}" if then < now else f"due in {span(then - now)}"


def exact(then: datetime) -> str:
    """A time as it is."""
    return f"{then:%Y-%m-%d %H:%M} UTC"


def short(identifier: str) -> str:
    """The beginning of an identifier, as a person would type it."""
    return identifier[:6]
