"""Lightkeeper's own format: one JSON object per line, fields as in :class:`Entry`.

The first line may be a header, recognised by :data:`HEADER`, that says what the set is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from lightkeeper.matching.formats._fields import entry_of
from lightkeeper.matching.formats._lines import is_text, lines
from lightkeeper.matching.formats._row import RAW_CHARACTERS, RejectedRowError, Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

HEADER: Final = "lightkeeper_hash_set"
"""Key of the header line; its value is the version of the format, 1."""

_parse = json.JSONDecoder().raw_decode


def read_jsonl(stream: BinaryIO, *, source: str | None, now: datetime) -> Iterator[Row]:
    """Read the own format."""
    for number, line in enumerate(lines(stream), start=1):
        if line is None:
            yield Row(number, reason="line-too-long")
            continue
        try:
            fields = json_object(line)
            if fields is None or HEADER in fields:
                continue
            yield Row(number, entry_of(fields, source=source, now=now), None, line)
        except RejectedRowError as error:
            yield Row(number, reason=error.reason, raw=line[:RAW_CHARACTERS])


def json_object(line: str) -> dict[str, Any] | None:
    """The object of a line; ``None`` for an empty line.

    Raises
    ------
    RejectedRowError
        ``bad-encoding``, ``not-json`` or ``not-an-object``.
    """
    if not is_text(line):
        raise RejectedRowError("bad-encoding")
    text = line.strip(" \t\r")
    if not text:
        return None
    try:
        value, end = _parse(text)
    except (ValueError, RecursionError):
        raise RejectedRowError("not-json") from None
    if end != len(text):
        raise RejectedRowError("not-json")
    if not isinstance(value, dict):
        raise RejectedRowError("not-an-object")
    return value
