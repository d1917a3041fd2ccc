"""A supervisor of worker processes in which no file can hurt another.

The standard pools end with the first worker that dies. Here each worker has its own pipe: one
that hangs, crashes or runs out of memory costs the file it held, and is replaced.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections import deque
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import EvidenceError, InvalidConfiguration, LightkeeperError
from lightkeeper.evidence import Tier
from lightkeeper.scan._row import ScanRow
from lightkeeper.scan._worker import Order, work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

_DEPTH = 2
"""Files that a worker holds: the next one waits in its pipe while the last one's row travels."""
_MOST_FALSE_STARTS = 3
"""Replacements that may fail to start one after the other, on a machine short of memory."""
_MAX_ROW_BYTES = 256 << 20
_START_SECONDS = 180.0
"""Longest start of a worker: the first one on a machine compiles the kernels."""

Task = tuple[int, str]


class Pool:
    """Worker processes that turn file names into rows.

    Use as a context manager. Nothing is examined in this process.

    Raises
    ------
    InvalidConfiguration, EvidenceError
        On entering: no worker can start with this policy.
    """

    def __init__(self, order: Order, *, jobs: int) -> None:
        self._order = order
        self._jobs = jobs
        self._context = multiprocessing.get_context("forkserver")
        preload = "_preload" if order.policy.tier >= Tier.PIXELS else "_file"
        self._context.set_forkserver_preload([f"lightkeeper.scan.{preload}"])
        self._seconds = order.policy.limits.max_seconds
        self._workers: list[_Worker] = []
        self._false_starts = 0
        self.versions: dict[str, str] = {}
        """Examiner to version, as the first worker reported them."""

    def __enter__(self) -> Pool:
        try:
            first = self._hire()
            self.versions = first.greeting()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, tasks: Iterable[Task | None]) -> Iterator[list[tuple[int, ScanRow]]]:
        """Examine files, at most two in flight per worker; rows come as they are done.

        ``tasks`` gives ``None`` for "none at the moment"; it is asked again after the next list,
        which may then be empty.
        """
        source = iter(tasks)
        waiting: deque[Task] = deque()
        open_ended = True
        while open_ended or waiting or any(w.tasks for w in self._workers):
            open_ended = self._feed(source, waiting) if open_ended else False
            while waiting and (worker := self._free_worker()):
                worker.give(waiting.popleft())
            yield [row for worker in self._ready() for row in self._collect(worker, waiting)]

    def _feed(self, source: Iterator[Task | None], waiting: deque[Task]) -> bool:
        """Give files to workers until all have enough; false once there are no more."""
        while not waiting and (worker := self._free_worker()):
            try:
                task = next(source)
            except StopIteration:
                return False
            if task is None:
                return True
            worker.give(task)
        return True

    def close(self) -> None:
        """End every worker at once; files in flight are given up."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _hire(self) -> _Worker:
        worker = _Worker(self._context, self._order)
        self._workers.append(worker)
        return worker

    def _free_worker(self) -> _Worker | None:
        """The worker with the fewest files, unless all have enough; hired as the need grows."""
        idle = min(self._workers, key=lambda w: len(w.tasks), default=None)
        if (idle is None or idle.tasks) and len(self._workers) < self._jobs:
            return self._hire()
        return idle if idle and len(idle.tasks) < _DEPTH else None

    def _ready(self) -> list[_Worker]:
        """Workers with something to say, or out of time."""
        now = time.monotonic()
        busy = [w for w in self._workers if w.tasks or not w.greeted]
        patience = min((w.deadline for w in busy), default=now) - now
        talking = set(wait([w.connection for w in busy], max(0.0, patience)))
        now = time.monotonic()
        return [w for w in busy if w.connection in talking or w.deadline <= now]

    def _collect(self, worker: _Worker, waiting: deque[Task]) -> Iterator[tuple[int, ScanRow]]:
        """One row of a worker, or the end of it: the file it held fails, the others wait."""
        if not worker.greeted:
            self._greet(worker, waiting)
            return
        try:
            if not worker.connection.poll():
                raise TimeoutError
            row = worker.receive()
        except TimeoutError:
            code, message = "timeout", f"It took more than {self._seconds:g} s."
        except (EOFError, OSError, ValueError):
            cause = worker.cause_of_death()
            code, message = "worker-died", f"The worker died on this file ({cause})."
        else:
            yield worker.tasks.popleft()[0], row
            worker.restart_clock()
            return
        index, file = worker.tasks.popleft()
        self._dismiss(worker, waiting)
        yield index, ScanRow.failed(file, code, message)

    def _greet(self, worker: _Worker, waiting: deque[Task]) -> None:
        """Take a worker's greeting; one that could not start is replaced, within reason."""
        try:
            worker.greeting()
            self._false_starts = 0
        except EvidenceError:
            self._false_starts += 1
            if self._false_starts > _MOST_FALSE_STARTS:
                raise
            self._dismiss(worker, waiting)

    def _dismiss(self, worker: _Worker, waiting: deque[Task]) -> None:
        worker.end()
        self._workers.remove(worker)
        waiting.extend(worker.tasks)


class _Worker:
    """One process, its pipe and the files that it holds, the current one first."""

    def __init__(self, context: multiprocessing.context.ForkServerContext, order: Order) -> None:
        self.connection: Connection
        self.connection, theirs = context.Pipe()
        self._seconds = order.policy.limits.max_seconds
        self._process: ForkServerProcess = context.Process(
            target=work, args=(theirs, order), daemon=True
        )
        self._process.start()
        theirs.close()
        self.tasks: deque[Task] = deque()
        self.greeted = False
        self.deadline = time.monotonic() + _START_SECONDS

    def greeting(self) -> dict[str, str]:
        """Wait for the worker to be ready; the versions of its examiners.

        Raises
        ------
        LightkeeperError
            It could not start, for the reason that it gives.
        """
        if not self.connection.poll(max(0.0, self.deadline - time.monotonic())):
            raise EvidenceError(f"A worker was not ready after {_START_SECONDS:g} s.")
        try:
            message: dict[str, Any] = json.loads(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise EvidenceError("A worker died while it started.") from error
        if "versions" not in message:
            raise _error_of(message)
        self.greeted = True
        self.restart_clock()
        versions: dict[str, str] = message["versions"]
        return versions

    def give(self, task: Task) -> None:
        """Hand over a file."""
        if not self.tasks and self.greeted:
            self.restart_clock()
        self.tasks.append(task)
        try:
            self.connection.send_bytes(json.dumps(task[1]).encode())
        except OSError:
            # It died between two files; _collect finds that out and says so.
            return

    def receive(self) -> ScanRow:
        """Its next row."""
        return ScanRow.from_wire(self.connection.recv_bytes(_MAX_ROW_BYTES))

    def restart_clock(self) -> None:
        """The current file begins now."""
        self.deadline = time.monotonic() + self._seconds

    def cause_of_death(self) -> str:
        """Signal or exit status, in words."""
        self._process.join(1.0)
        code = self._process.exitcode
        if code is None:
            return "it sent something that is no row"
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def end(self) -> None:
        """Kill it if it runs, and free what it held."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()


def _error_of(message: dict[str, Any]) -> LightkeeperError:
    text, hint = str(message.get("message")), message.get("hint")
    if message.get("code") == "invalid-configuration":
        return InvalidConfiguration(text, hint=hint)
    return EvidenceError(f"A worker could not start: {text}", hint=hint)
