"""JSON from strangers: bounded in length and depth, ``None`` instead of an exception."""

from __future__ import annotations

import json

MAX_CHARACTERS = 4 << 20
"""Longest text that is parsed; the largest graph seen in the wild is about 1 MB."""
_MAX_NESTING = 64
_MARGIN = " \t\r\n\0\ufeff"
_NOT_FOUND = -2
_decode = json.JSONDecoder().raw_decode


def parse_json(text: str) -> object | None:
    """Parse an object or array (``NaN`` admitted); ``None`` where damaged, too long or deep."""
    if len(text) > MAX_CHARACTERS:
        return None
    text = text.strip(_MARGIN)
    found = json_at(text, 0) if text.startswith(("{", "[")) else None
    return found[0] if found and found[1] == len(text) else None


def json_at(text: str, start: int) -> tuple[object, int] | None:
    """The JSON value at ``start`` and the position after it."""
    try:
        value, end = _decode(text, start)
    except (ValueError, RecursionError):
        return None
    if _too_deep(value):
        return None
    halves = text.find("\\ud", start, end) + text.find("\\uD", start, end)
    return (value if halves == _NOT_FOUND else _mended(value)), end


def _too_deep(value: object) -> bool:
    """Whether containers nest further than any walker of a parsed payload has to go."""
    level = [value]
    for _ in range(_MAX_NESTING):
        level = [
            child
            for container in level
            for child in (
                container.values()
                if isinstance(container, dict)
                else container
                if isinstance(container, list)
                else ()
            )
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _mended(value: object) -> object:
    """Half a surrogate pair is valid JSON and no text: nothing could write it out again."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value
