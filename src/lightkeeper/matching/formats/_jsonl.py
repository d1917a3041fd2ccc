"""Lightkeeper's own format: one JSON object per line, fields as in :class:`Entry`.

The first line may be a header, recognised by :data:`HEADER`, that says what the set is.
"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from lightkeeper.matching.formats._fields import LABELS, columns_of, entry_of
from lightkeeper.matching.formats._lines import is_text, pieces
from lightkeeper.matching.formats._row import RAW_CHARACTERS, Block, RejectedRowError, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

HEADER: Final = "lightkeeper_hash_set"
"""Key of the header line; its value is the version of the format, 1."""

_parse = json.JSONDecoder().raw_decode


class _Labels(msgspec.Struct, forbid_unknown_fields=True):
    industry_class: str | None = None
    computer_generated: bool | None = None
    modelled_after_person: bool | None = None
    age_group: str | None = None
    victim_identified: bool | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """What most lines say. Any other is read by itself."""

    kind: str
    value: str
    source_id: str | int | None = None
    variant: str | None = None
    quality: int | None = None
    labels: _Labels | None = None


_decode = msgspec.json.Decoder(_Line).decode
_label_values = attrgetter(*LABELS)
_UNSAID: Final = (None,) * len(LABELS)


def read_jsonl(stream: BinaryIO, *, source: str | None, now: datetime) -> Iterator[Row | Block]:
    """Read the own format."""
    number = 1
    for piece in pieces(stream):
        block = _block(piece, number, source, now)
        if block is None:
            yield from _rows(piece, number, source, now)
        else:
            yield block
        number += len(piece)


def _block(piece: list[Any], number: int, source: str | None, now: datetime) -> Block | None:
    """All lines at once; ``None`` where one of them is not like most."""
    try:
        lines = [_decode(line) for line in piece]
        entries = columns_of(
            [line.kind for line in lines],
            [line.value for line in lines],
            source=source,
            now=now,
            source_ids=[line.source_id for line in lines],
            variants=[line.variant for line in lines],
            qualities=[line.quality for line in lines],
            labels=[_label_values(line.labels) if line.labels else _UNSAID for line in lines],
        )
    except (ValueError, TypeError, RecursionError, RejectedRowError):
        return None
    return Block(entries, list(range(number, number + len(piece))), piece)


def _rows(
    piece: Sequence[str | None], first: int, source: str | None, now: datetime
) -> Iterator[Row]:
    for number, line in enumerate(piece, start=first):
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
