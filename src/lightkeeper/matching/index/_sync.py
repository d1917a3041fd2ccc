"""Bringing an index up to a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.matching.index._log import NO_ROWS, batches, items_of, last_words
from lightkeeper.matching.index._values import Kind
from lightkeeper.matching.index._writer import bulk_build

if TYPE_CHECKING:
    import os

    from lightkeeper.matching._ports import SetStore
    from lightkeeper.matching.index._writer import IndexWriter


def sync(store: SetStore, writer: IndexWriter) -> int:
    """Apply what the store has changed since the index last followed.

    Returns
    -------
    int
        How many changes were applied.
    """
    newest = store.last_revision()
    applied = writer.apply(store.changes(after=writer.last_revision))
    writer.reach(newest)  # revisions whose entries have changed again since bear no change
    return applied


def rebuild(store: SetStore, folder: str | os.PathLike[str]) -> int:
    """Build the index of a store from nothing, in one segment; 48 bytes of memory a change.

    Returns
    -------
    int
        How many changes were read.
    """
    revision, rows = store.last_revision(), [NO_ROWS]
    for record in batches(store.changes(after=0), after=0):
        revision = max(revision, record.revision)
        rows.append(record.rows)
    changes = np.concatenate(rows)
    last = last_words(changes)
    items = {kind.label: items_of(last, kind) for kind in Kind}
    bulk_build(folder, items, revision=revision)
    return len(changes)
