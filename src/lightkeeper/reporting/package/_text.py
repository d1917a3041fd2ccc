"""Text of strangers, made safe to print."""

from __future__ import annotations

import unicodedata
from typing import Any, Final

from lightkeeper.scan._row import valid_text

_DECEIVING: Final = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
_LATIN_1: Final = 0x100


def visible(text: str, *, latin_1: bool = False) -> str:
    """Text in which every character shows.

    What would hide, turn the direction of reading or start a line stands as ``[U+202E]``; with
    ``latin_1`` so does everything that the core fonts of a PDF lack. Line ends stay.
    """
    return "".join(
        f"[U+{ord(char):04X}]" if _hides(char) or (latin_1 and ord(char) >= _LATIN_1) else char
        for char in text.replace("\r\n", "\n")
    )


def encodable(value: Any) -> Any:
    """Plain values whose texts can all be written as UTF-8."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, dict):
        return {valid_text(key): encodable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [encodable(each) for each in value]
    return value


def _hides(char: str) -> bool:
    return char != "\n" and unicodedata.category(char) in _DECEIVING
