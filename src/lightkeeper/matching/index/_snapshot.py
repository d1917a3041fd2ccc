"""What a reader sees at one moment: segments, and the entries of the logs as one more."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.matching.index._log import NO_ROWS, items_of, last_words, read_log
from lightkeeper.matching.index._manifest import Manifest, manifest_path, read_manifest
from lightkeeper.matching.index._sections import damaged
from lightkeeper.matching.index._segment import Segment, open_segment, segment_of
from lightkeeper.matching.index._values import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Identity = tuple[str, int]
    """Name and inode: a folder that was built anew may use a name again."""
    Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LogView:
    """How far a log was read."""

    end: int
    rows: NDArray[np.void]
    revision: int
    is_torn: bool


_UNREAD = LogView(0, NO_ROWS, 0, is_torn=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Never changes; a newer one shares what has not changed."""

    stamp: Stamp
    manifest: Manifest
    segments: Mapping[Identity, Segment]
    """In the order of the manifest, without what the logs mention."""
    logs: Mapping[Identity, LogView]
    delta: Segment
    revision: int

    def parts(self) -> tuple[Segment, ...]:
        """All that is to be searched."""
        return (*self.segments.values(), self.delta)


def take(folder: Path, previous: Snapshot | None = None, *, thoroughly: bool = False) -> Snapshot:
    """The index as it is now; ``previous`` itself where nothing has changed.

    Raises
    ------
    MatchError
        There is no index, or a file is damaged or missing.
    """
    while True:
        stamp = _stamp(folder)
        try:
            if previous and stamp == previous.stamp:
                return _read_on(folder, previous)
            return _read(folder, stamp, previous, thoroughly)
        except FileNotFoundError as error:
            if stamp == _stamp(folder):  # else a merge has replaced it meanwhile
                name = os.path.basename(str(error.filename))
                raise damaged(manifest_path(folder), f"{name} is missing") from error


def _stamp(folder: Path) -> Stamp:
    try:
        found = manifest_path(folder).stat()
    except OSError:
        read_manifest(folder)  # says what is wrong
        raise
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(folder: Path, stamp: Stamp, previous: Snapshot | None, thoroughly: bool) -> Snapshot:
    manifest = read_manifest(folder)
    logs = _read_logs(folder, manifest, previous.logs if previous else {})
    known = previous.segments if previous else {}
    rows = np.concatenate([NO_ROWS, *(log.rows for log in logs.values())])
    segments = {}
    for names in manifest.segments:
        identity = _identity(folder, names.segment)
        segment = open_segment(folder, names, known=known.get(identity), thoroughly=thoroughly)
        segments[identity] = segment.without(rows["number"])
    revision = max([manifest.revision, *(log.revision for log in logs.values())])
    return Snapshot(stamp, manifest, segments, logs, _delta(rows), revision)


def _read_on(folder: Path, previous: Snapshot) -> Snapshot:
    last = folder / previous.manifest.logs[-1]
    if last.stat().st_size == list(previous.logs.values())[-1].end:
        return previous
    logs = _read_logs(folder, previous.manifest, previous.logs)
    revision = max([previous.revision, *(log.revision for log in logs.values())])
    before = sum(len(log.rows) for log in previous.logs.values())
    rows = np.concatenate([NO_ROWS, *(log.rows for log in logs.values())])
    if len(rows) == before:
        return replace(previous, logs=logs, revision=revision)
    fresh = rows[before:]["number"]
    segments = {key: segment.without(fresh) for key, segment in previous.segments.items()}
    return replace(previous, segments=segments, logs=logs, delta=_delta(rows), revision=revision)


def _read_logs(
    folder: Path, manifest: Manifest, known: Mapping[Identity, LogView]
) -> dict[Identity, LogView]:
    views = {}
    for name in manifest.logs:
        identity = _identity(folder, name)
        views[identity] = view = _log_view(folder / name, known.get(identity, _UNREAD))
        if view.is_torn and name != manifest.logs[-1]:
            raise damaged(folder / name, "its last record is cut off")
    return views


def _log_view(path: Path, known: LogView) -> LogView:
    read = read_log(path, known.end)
    rows = np.concatenate([known.rows, *(record.rows for record in read.records)])
    revision = max([known.revision, *(record.revision for record in read.records)])
    return LogView(read.end, rows, revision, read.is_torn)


def _identity(folder: Path, name: str) -> Identity:
    return name, (folder / name).stat().st_ino


def _delta(rows: NDArray[np.void]) -> Segment:
    last = last_words(rows)
    return segment_of({kind: items_of(last, kind) for kind in Kind})
