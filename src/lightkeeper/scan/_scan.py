"""Scan many files: workers, journal and order."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from lightkeeper.scan._examiners import default_examiners
from lightkeeper.scan._journal import Journal
from lightkeeper.scan._pool import Pool, Task
from lightkeeper.scan._worker import Order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lightkeeper.scan._policy import Policy
    from lightkeeper.scan._row import ScanRow
    from lightkeeper.scan._worker import Builder

_WINDOW = 256
"""Finished rows that may wait for a slower file before them."""


def scan(
    files: Iterable[str],
    policy: Policy,
    *,
    jobs: int | None = None,
    journal: Path | None = None,
    thumbnails: bool = False,
    explanations: bool = False,
    build: Builder = default_examiners,
) -> Iterator[ScanRow]:
    """Examine files in worker processes, one row for each, in the order of ``files``.

    Memory stays flat however many files there are: names are taken as workers become free, and
    at most 256 finished rows wait for a slower one.

    Parameters
    ----------
    files : iterable of str
    policy : Policy
    jobs : int, optional
        Worker processes; as many as there are cores by default. Even one is a process of its own,
        so that no file can end the scan.
    journal : Path, optional
        Finished rows are kept there, and those that it holds are not examined again.
    thumbnails, explanations : bool
        Fill these fields of the rows.
    build : callable
        Makes the examiners from the policy, in each worker; it must be importable there.

    Yields
    ------
    ScanRow
        A file that hangs, crashes its worker or exceeds a limit is a row with an error.

    Raises
    ------
    InvalidConfiguration, EvidenceError
        No worker can start with this policy.
    OutputError
        The journal cannot be used.
    """
    order = Order(policy=policy, build=build, thumbnails=thumbnails, explanations=explanations)
    with ExitStack() as stack:
        pool = stack.enter_context(Pool(order, jobs=jobs or _cores()))
        kept = None
        if journal:
            extras = f"{thumbnails:d}{explanations:d}"
            fingerprint = policy.fingerprint(pool.versions) + extras
            kept = stack.enter_context(Journal(journal, fingerprint))
        yield from _Sequence(policy, pool, kept).rows(files)


def _cores() -> int:
    # A container or taskset may grant fewer than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Sequence:
    """Puts rows back into the order of the files, and each finished one into the journal."""

    def __init__(self, policy: Policy, pool: Pool, journal: Journal | None) -> None:
        self._policy = policy
        self._pool = pool
        self._journal = journal
        self._done: dict[int, ScanRow] = {}
        self._next = 0

    def rows(self, files: Iterable[str]) -> Iterator[ScanRow]:
        for batch in self._pool.rows(self._unknown(files)):
            for index, row in batch:
                if self._journal is not None:
                    self._journal.add(row)
                self._done[index] = row
            yield from self._in_order()
        yield from self._in_order()

    def _unknown(self, files: Iterable[str]) -> Iterator[Task | None]:
        for index, file in enumerate(files):
            while index - self._next >= _WINDOW:
                yield None
            known = self._journal and self._journal.find(
                file, max_bytes=self._policy.limits.max_bytes
            )
            if known:
                self._done[index] = known
            else:
                yield index, file

    def _in_order(self) -> Iterator[ScanRow]:
        while self._next in self._done:
            yield self._done.pop(self._next)
            self._next += 1
