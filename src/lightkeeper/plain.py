"""Turn results into plain JSON values, in one way for every output."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any


def utc_time(written: str | datetime.date) -> datetime.datetime:
    """A time as people write it, in UTC: a day is its midnight, and UTC is meant without a zone.

    Raises
    ------
    ValueError
        It is no time; the message says how one is written.
    """
    text = written if isinstance(written, str) else written.isoformat()
    try:
        found = datetime.datetime.fromisoformat(text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
        return found.astimezone(datetime.UTC)
    except (ValueError, OverflowError) as error:
        hint = "write 2026-04-15 or 2026-04-15T12:00:00Z"
        raise ValueError(f"'{text}' is no time; {hint}") from error


def name_bytes(name: str) -> str | None:
    """The bytes of a file's name as base64, where they are not UTF-8; ``None`` where text will do.

    Python keeps such bytes as half surrogate pairs, which JSON in UTF-8 cannot hold: with this
    beside the name, a reader can open the file again.
    """
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Half a pair of another kind: no path of this system gives it.
        return None
    return base64.b64encode(raw).decode("ascii") if _is_escaped(name) else None


def _is_escaped(name: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in name)


def name_from_bytes(encoded: str) -> str:
    """The name whose bytes :func:`name_bytes` gave.

    Raises
    ------
    ValueError
        It is no base64.
    """
    return base64.b64decode(encoded, validate=True).decode("utf-8", "surrogateescape")


def to_plain(value: object) -> Any:
    """Reduce dataclasses, enums, tuples and bytes to what JSON can hold.

    Parameters
    ----------
    value : object
        A frozen dataclass, enum, mapping, sequence, set, bytes or scalar. Fields whose metadata
        has ``plain=False`` are left out; bytes become lower-case hex; NaN and infinities ``None``.

    Returns
    -------
    dict, list, str, int, float, bool or None
    """
    if value is None or (isinstance(value, (bool, int, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return to_plain(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.metadata.get("plain", True)
        }
    if isinstance(value, Mapping):
        return {str(to_plain(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(to_plain(item) for item in value)
    raise TypeError(f"{type(value).__name__} has no plain form")
