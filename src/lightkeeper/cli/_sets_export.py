"""``sets export``: a set or what changed in it, with its provenance."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TextIO

from lightkeeper.cli._sets_import import private_file
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching._transfer import exported_entries
from lightkeeper.matching.formats import write_csv, write_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lightkeeper.matching import SetStore

_SUFFIX: Final = ".part"


class ExportFormat(StrEnum):
    """Formats that can be written."""

    JSONL = "jsonl"
    CSV = "csv"


def export_set(
    store: SetStore,
    name: str,
    output: Path | None,
    *,
    export_format: ExportFormat,
    since: datetime | int | None,
) -> int:
    """Write a set or a delta; returns how many entries. A file appears whole or not at all."""
    hash_set = store.hash_set(name)
    exported, revision = datetime.now(UTC), store.last_revision()
    entries = exported_entries(store, name, since=since)
    with _target(output) as stream:
        if export_format is ExportFormat.CSV:
            return write_csv(entries, stream, hash_set=hash_set, exported=exported)
        return write_jsonl(
            entries, stream, hash_set=hash_set, exported=exported, revision=revision, since=since
        )


def since_of(text: str | None) -> datetime | int | None:
    """A revision (digits) or a date, in UTC where it does not say.

    Raises
    ------
    InvalidConfiguration
    """
    if text is None:
        return None
    if text.isdecimal() and len(text) < 16 and "-" not in text:
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidConfiguration(f"--since is a revision or a date, not '{text}'") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


@contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    part = output.with_name(output.name + _SUFFIX)
    try:
        with private_file(part) as stream:
            yield stream
        os.replace(part, output)
    finally:
        part.unlink(missing_ok=True)
