"""Figures of an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.matching.index._values import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightkeeper.matching.index._snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    """What an index holds and what it costs."""

    revision: int
    """Of the store's last change that is visible."""
    entries: Mapping[str, int]
    """Entries that can be found, by kind; all opaque kinds together."""
    segments: int
    dead_rows: int
    """Rows of segments that a merge will leave out."""
    log_rows: int
    """Changes that no segment holds yet."""
    mapped_bytes: int
    """Size of all segments, shared by all readers."""


def stats_of(snapshot: Snapshot) -> IndexStats:
    """Count what a snapshot holds."""
    segments = snapshot.segments.values()
    entries = {kind.label: 0 for kind in Kind}
    for part in snapshot.parts():
        for kind in part.tables:
            entries[kind.label] += part.live(kind)
    return IndexStats(
        revision=snapshot.revision,
        entries=entries,
        segments=len(segments),
        dead_rows=sum(segment.dead() for segment in segments),
        log_rows=sum(len(log.rows) for log in snapshot.logs.values()),
        mapped_bytes=sum(segment.size_bytes for segment in segments),
    )
