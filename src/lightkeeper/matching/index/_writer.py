"""The one writer of an index: changes into the log, logs into segments."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from lightkeeper.errors import MatchError
from lightkeeper.matching.index._log import (
    NO_ROWS,
    Record,
    append,
    batches,
    create_log,
    read_log,
)
from lightkeeper.matching.index._manifest import (
    Manifest,
    SegmentName,
    lock_folder,
    manifest_path,
    next_file_number,
    read_manifest,
    remove_unnamed,
    swap_manifest,
)
from lightkeeper.matching.index._merge import MergePlan, plan_merge
from lightkeeper.matching.index._sections import damaged
from lightkeeper.matching.index._segment import Segment, segment_of, write_marks, write_segment
from lightkeeper.matching.index._values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lightkeeper.matching._ports import Change
    from lightkeeper.matching.index._values import Items

_MERGE_AFTER = 32_768
"""Rows in the log that cost a search some tens of microseconds."""
_WAIT_AFTER = 16
"""Times as many rows may gather while a merge runs."""


class IndexWriter:
    """Applies the changes of a store; the only writer of its folder, created where it is missing.

    Whatever a process was doing when it was killed, the next writer finds every change for which
    :meth:`apply` had returned.

    Parameters
    ----------
    folder : path
    merge_after : int
        Changes in the log after which a merge starts in a thread of its own.

    Raises
    ------
    MatchError
        Another process writes here, or the index is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], *, merge_after: int = _MERGE_AFTER) -> None:
        self._folder = Path(folder)
        self._merge_after = merge_after
        self._lock = lock_folder(self._folder)
        self._applying, self._merging = threading.Lock(), threading.Lock()
        self._swapping = threading.Lock()
        self._background: threading.Thread | None = None
        self._failure: BaseException | None = None
        try:
            self._open()
        except BaseException:
            self._lock.close()
            raise

    def _open(self) -> None:
        if not manifest_path(self._folder).exists():
            _start(self._folder, (), 0)
        self._manifest = read_manifest(self._folder)
        remove_unnamed(self._folder, self._manifest)
        self._revision, self._log_rows = self._manifest.revision, 0
        for name in self._manifest.logs:
            self._recover(self._folder / name, is_last=name == self._manifest.logs[-1])
        self._log = self._open_log()

    def _recover(self, path: Path, *, is_last: bool) -> None:
        try:
            read = read_log(path)
        except FileNotFoundError as error:
            raise damaged(path, "it is missing") from error
        if read.is_torn and not is_last:
            raise damaged(path, "its last record is cut off")
        if read.is_torn:
            os.truncate(path, read.end)
        for record in read.records:
            self._revision = max(self._revision, record.revision)
            self._log_rows += len(record.rows)

    @property
    def last_revision(self) -> int:
        """Revision of the last change that was applied; 0 before the first."""
        return self._revision

    def apply(self, changes: Iterable[Change]) -> int:
        """Apply changes in the order of their revisions; durable when it returns.

        Changes up to :attr:`last_revision` are passed over: a stream may be applied again. When
        it fails half way, what :attr:`last_revision` names has been applied.

        Returns
        -------
        int
            How many changes were applied.

        Raises
        ------
        MatchError
            A value is not of its kind, the log cannot be written, or a merge has failed.
        """
        applied = 0
        with self._applying:
            for record in batches(changes, after=self._revision):
                self._raise_failure()
                self._append(record)
                applied += len(record.rows)
        return applied

    def reach(self, revision: int) -> None:
        """Note that the store has no other changes up to a revision; durable when it returns."""
        with self._applying:
            if revision > self._revision:
                self._append(Record(revision, NO_ROWS))

    def _append(self, record: Record) -> None:
        with self._swapping:
            append(self._log, record)
            self._revision = max(self._revision, record.revision)
            self._log_rows += len(record.rows)
        if self._log_rows >= self._merge_after * _WAIT_AFTER:
            self._join()
        if self._log_rows >= self._merge_after and not self._is_merging():
            self._background = threading.Thread(target=self._merge_quietly, name="index-merge")
            self._background.start()

    def merge(self) -> None:
        """Move the log into segments now, and wait until that is done.

        Raises
        ------
        MatchError
            It cannot be written, or the index is damaged; nothing is lost.
        """
        self._join()
        self._raise_failure()
        self._merge()

    def close(self) -> None:
        """Wait for a merge that runs, and let others write."""
        self._join()
        self._log.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _is_merging(self) -> bool:
        return self._background is not None and self._background.is_alive()

    def _join(self) -> None:
        if self._background is not None:
            self._background.join()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise MatchError(f"a merge of the index failed: {failure}") from failure

    def _merge_quietly(self) -> None:
        try:
            self._merge()
        except Exception as error:  # reported to whoever writes next
            self._failure = error

    def _merge(self) -> None:
        with self._merging:
            sealed, revision = self._seal()
            plan = plan_merge(self._folder, self._manifest, sealed)
            try:
                segments = self._write(plan)
                with self._swapping:
                    self._swap(
                        segments=segments,
                        logs=tuple(log for log in self._manifest.logs if log not in sealed),
                        revision=revision,
                    )
            except OSError as error:
                message = f"a merged segment cannot be written: {error.strerror}"
                raise MatchError(message) from error
            with self._swapping:
                remove_unnamed(self._folder, self._manifest)

    def _seal(self) -> tuple[tuple[str, ...], int]:
        """Send what comes from now on to a new log."""
        with self._swapping:
            sealed = self._manifest.logs
            name = self._new_name("log")
            create_log(self._folder / name)
            self._swap(logs=(*sealed, name))
            self._log.close()
            self._log = self._open_log()
            self._log_rows = 0
            return sealed, self._revision

    def _write(self, plan: MergePlan) -> tuple[SegmentName, ...]:
        segments = []
        for names, segment, has_changed in plan.kept:
            if has_changed:
                marks = self._new_name("marks")
                write_marks(self._folder / marks, segment)
                names = SegmentName(names.segment, marks)
            segments.append(names)
        if plan.merged.rows:
            segments.append(SegmentName(self._new_name("segment")))
            write_segment(self._folder / segments[-1].segment, plan.merged)
        return tuple(segments)

    def _new_name(self, suffix: str) -> str:
        number = self._manifest.next_file
        self._manifest = replace(self._manifest, next_file=number + 1)
        return f"{number:08}.{suffix}"

    def _swap(self, **changed: object) -> None:
        manifest = replace(self._manifest, **changed)  # type: ignore[arg-type]
        swap_manifest(self._folder, manifest)
        self._manifest = manifest

    def _open_log(self) -> BinaryIO:
        return cast("BinaryIO", (self._folder / self._manifest.logs[-1]).open("ab", buffering=0))


def bulk_build(
    folder: str | os.PathLike[str], items: Mapping[str, Items], *, revision: int = 0
) -> None:
    """Replace an index by one segment of these entries; readers follow.

    Parameters
    ----------
    folder : path
    items : mapping of str to Items
        By kind: ``pdq``, ``md5``, ``sha1``, ``sha256``; ``opaque`` for digests of opaque values.
        PDQ rows that are ordered by entry number are not copied.
    revision : int
        Of the store, which they reflect.

    Raises
    ------
    MatchError
        A kind is unknown, an entry number stands there twice, the folder cannot be written or
        another process writes there.
    """
    target = Path(folder)
    segment = segment_of({_kind(name): rows for name, rows in items.items()})
    with lock_folder(target):
        try:
            names = _write_first(target, segment) if segment.rows else ()
            _start(target, names, revision)
        except OSError as error:
            raise MatchError(f"the index cannot be written: {error.strerror}") from error


def _write_first(folder: Path, segment: Segment) -> tuple[SegmentName, ...]:
    name = f"{next_file_number(folder):08}.segment"
    write_segment(folder / name, segment)
    return (SegmentName(name),)


def _kind(name: str) -> Kind:
    try:
        return Kind[name.upper()]
    except KeyError:
        raise MatchError(f"the index has no table for {name}") from None


def _start(folder: Path, segments: tuple[SegmentName, ...], revision: int) -> None:
    number = next_file_number(folder)
    log = f"{number:08}.log"
    create_log(folder / log)
    manifest = Manifest(number + 1, revision, segments, (log,))
    swap_manifest(folder, manifest)
    remove_unnamed(folder, manifest)
