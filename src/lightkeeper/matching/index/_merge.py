"""What a merge puts together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.matching.index._log import NO_ROWS, items_of, last_words, read_log
from lightkeeper.matching.index._segment import Segment, join, open_segment, segment_of
from lightkeeper.matching.index._values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lightkeeper.matching.index._manifest import Manifest, SegmentName
    from lightkeeper.matching.index._values import Items

_GROWTH = 4
"""A segment is merged with what is at least a fourth of it: an entry is written some
log4(entries / log rows) times, and there are as many segments."""


@dataclass(frozen=True, slots=True)
class MergePlan:
    """The outcome, before it is written."""

    merged: Segment
    kept: tuple[tuple[SegmentName, Segment, bool], ...]
    """Segments that stay, and whether rows of them have died."""


def plan_merge(folder: Path, manifest: Manifest, logs: Iterable[str]) -> MergePlan:
    """Combine logs and as many small or mostly dead segments as is worth while."""
    records = [record.rows for name in logs for record in read_log(folder / name).records]
    last = last_words(np.concatenate([NO_ROWS, *records]))
    fresh = segment_of({kind: items_of(last, kind) for kind in Kind})
    merging, kept = [fresh], []
    total = fresh.rows
    opened = [(names, open_segment(folder, names)) for names in manifest.segments]
    current = [(names, before, before.without(last["number"])) for names, before in opened]
    for names, before, after in sorted(current, key=lambda entry: entry[2].live_rows()):
        live = after.live_rows()
        if live <= _GROWTH * total or after.dead() > live:
            merging.append(after)
            total += live
        else:
            kept.append((names, after, after is not before))
    return MergePlan(_merged(merging), tuple(kept))


def _merged(segments: list[Segment]) -> Segment:
    if len(segments) == 1:
        return segments[0]
    items: dict[Kind, Items] = {}
    for kind in Kind:
        parts = [segment.live_items(kind) for segment in segments if kind in segment.tables]
        if parts:
            items[kind] = join(parts)
    return segment_of(items)
