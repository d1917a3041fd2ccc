"""Exports: a set or what changed in it, with where it comes from and how it may be handled."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Final, TextIO

from lightkeeper.matching._entry import Entry, EntryState
from lightkeeper.matching.formats._csv import PROVENANCE
from lightkeeper.matching.formats._fields import LABELS
from lightkeeper.matching.formats._jsonl import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lightkeeper.matching._set import HashSet

_TIMES: Final = ("added", "seen", "expires", "withdrawn")
_COLUMNS: Final = (
    *("kind", "value", "variant", "quality", *LABELS, "state", "mentions"),
    *(*_TIMES, "votes_for", "votes_against"),
)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def write_jsonl(
    entries: Iterable[Entry],
    stream: TextIO,
    *,
    hash_set: HashSet,
    exported: datetime,
    revision: int | None = None,
    since: datetime | int | None = None,
) -> int:
    """Write a header line and one line per entry; returns how many entries.

    ``revision`` is what the next delta may start from.
    """
    head = {**provenance(hash_set, exported), "purpose": hash_set.purpose}
    if revision is not None:
        head["revision"] = revision
    if since is not None:
        head["since"] = since if isinstance(since, int) else since.isoformat()
    stream.write(_encode({HEADER: 1, **head}) + "\n")
    count = 0
    for entry in entries:
        count += 1
        stream.write(_encode(plain_entry(entry)) + "\n")
    return count


def write_csv(
    entries: Iterable[Entry], stream: TextIO, *, hash_set: HashSet, exported: datetime
) -> int:
    """Write the own columns; provenance is repeated in every row."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*_COLUMNS, *PROVENANCE))
    told = provenance(hash_set, exported)
    tail = [told.get(name) for name in PROVENANCE]
    count = 0
    for entry in entries:
        count += 1
        writer.writerow((*_cells(plain_entry(entry)), *tail))
    return count


def plain_entry(entry: Entry) -> dict[str, Any]:
    """Fields of an entry as JSON values, without those that say nothing."""
    fields: dict[str, Any] = {"kind": entry.kind, "value": entry.value}
    if entry.variant is not None:
        fields["variant"] = entry.variant
    if entry.quality is not None:
        fields["quality"] = entry.quality
    if labels := _labels(entry):
        fields["labels"] = labels
    if entry.state is not EntryState.ACTIVE:
        fields["state"] = entry.state.value
    if entry.mentions:
        fields["mentions"] = [
            {"source": m.source, "source_id": m.source_id, "added": m.added.isoformat()}
            for m in entry.mentions
        ]
    for name in _TIMES:
        if (at := getattr(entry, name)) is not None:
            fields[name] = at.isoformat()
    for name in ("votes_for", "votes_against"):
        if count := getattr(entry, name):
            fields[name] = count
    return fields


def provenance(hash_set: HashSet, exported: datetime) -> dict[str, Any]:
    """What every export says of its set."""
    return {
        "set": hash_set.name,
        "origin": hash_set.origin.value,
        "owner": hash_set.owner,
        "handling": hash_set.handling.value,
        "terms": hash_set.terms,
        "exported": exported.isoformat(),
    }


def _labels(entry: Entry) -> dict[str, Any]:
    values = ((name, getattr(entry.labels, name)) for name in LABELS)
    return {name: value for name, value in values if value is not None}


def _cells(fields: dict[str, Any]) -> list[Any]:
    flat = {**fields, **fields.get("labels", {})}
    if "mentions" in flat:
        flat["mentions"] = _encode(flat["mentions"])
    return [str(v).lower() if isinstance(v := flat.get(name), bool) else v for name in _COLUMNS]
