"""Codes and times as a reader outside the house understands them."""

from __future__ import annotations

from typing import Any, Final

_LABELS: Final = {
    "ai-edited": "edited with AI",
    "captured": "from a camera",
    "generated": "generated",
    "undetermined": "undetermined",
    "media": "file",
    "model": "model reference",
    "api": "through the programming interface",
    "refer": "Refer to somebody else",
    "close": "Nothing to report",
    "report": "Report",
    "none": "None of the classes",
    "human": "a person's own eyes",
    "known": "a match with known material",
    "asserted": "unsigned text that anybody can write",
    "public-mark": "a watermark that anybody can write",
    "measured": "a calibrated statistic",
    "signed": "a valid signature",
    "secret-mark": "a secret watermark",
    "computer_generated": "Computer generated",
    "not-read": "not read for this package",
    "revealed": "Seen clearly",
    "viewed": "Obscured preview seen",
    "exported": "Package handed out",
}


def label(code: Any) -> str:
    """A code in words."""
    if isinstance(code, bool):
        return yes(code)
    text = str(code)
    return _LABELS.get(text) or text.replace("-", " ").replace("_", " ").capitalize()


def yes(value: bool) -> str:
    """Yes or no."""
    return "yes" if value else "no"


def time(text: str | None, *, none: str = "not known") -> str:
    """A time in UTC."""
    return none if text is None else f"{text[:10]} {text[11:19]} UTC"


def amount(count: int, thing: str) -> str:
    """A number of things."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
