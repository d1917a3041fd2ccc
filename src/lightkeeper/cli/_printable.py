"""Text of strangers, made safe for a terminal: the one place through which it goes."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any


def printable(text: str) -> str:
    """Text without control, format and surrogate characters, which a file may hold to deceive."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if _deceives(char) else char for char in text)


def printable_lines(text: str) -> str:
    """Several lines, each printable."""
    return "\n".join(map(printable, text.split("\n")))


def printable_row(value: Any) -> Any:
    """A plain row in which no text can start a line, move the cursor or fail to encode."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(key): printable_row(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable_row(item) for item in value]
    return value


def _deceives(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
