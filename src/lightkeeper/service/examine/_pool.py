"""Examinations of what is in memory, in processes that may hang or die."""

from __future__ import annotations

import json
import multiprocessing
import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lightkeeper.scan import ScanRow
from lightkeeper.scan._worker import Order
from lightkeeper.service._worker_process import WorkerFailed, WorkerProcess
from lightkeeper.service.examine._worker import ANSWERS, work

if TYPE_CHECKING:
    from lightkeeper.scan import Policy
    from lightkeeper.scan._worker import Builder
    from lightkeeper.service.examine._hour import Hour

_MAX_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination gave: a row (schema ``lightkeeper.scan/1``) and what may be shown."""

    row: dict[str, Any]
    preview: bytes | None = field(default=None, repr=False)
    view: bytes | None = field(default=None, repr=False)


class ExaminerPool:
    """A fixed number of worker processes, for any number of threads.

    Parameters
    ----------
    policy : Policy
        How deep, and what one file may cost: its time and memory bounds hold for each.
    build : callable
        Makes the examiners in the worker.
    workers : int
    hour : Hour, optional
        Keeps the hourly budget of the policy's cascade, and the measured time of its stages.
    """

    def __init__(
        self, policy: Policy, build: Builder, *, workers: int = 1, hour: Hour | None = None
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["lightkeeper.service.examine._worker"])
        order = Order(policy=policy, build=build, explanations=True)
        self._seconds = policy.limits.max_seconds
        self._hour = hour
        self._workers = [
            WorkerProcess(context, work, (order,), max_answer_bytes=_MAX_ANSWER_BYTES)
            for _ in range(workers)
        ]
        self._idle: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def examine(self, name: str, content: bytes, *, reported: bool = False) -> Examined:
        """Examine a file; it waits until a worker is free.

        Never raises because of the file: a worker that it ends costs this file alone, and the
        row says so. A row whose ``error`` has the code ``no-worker`` is worth another try.

        Parameters
        ----------
        reported : bool
            Somebody reported it: a trigger of the cascade.
        """
        worker = self._idle.get()
        share = None
        try:
            share = self._hour.share() if self._hour else None
            told = {"reported": reported, "allowance": share.told() if share else None}
            row, preview, view, runs = worker.ask(
                (name.encode("utf-8", "replace"), content, json.dumps(told).encode()),
                answers=ANSWERS,
                seconds=self._seconds,
            )
            plain = json.loads(row)
            if not isinstance(plain, dict):
                raise ValueError("not a row")
            if self._hour and share:
                self._hour.settle(share, runs)
        except WorkerFailed as failure:
            return Examined(ScanRow.failed(name, failure.code, str(failure)).to_plain())
        except ValueError:
            worker.end()
            failed = ScanRow.failed(
                name, "worker-died", "The worker sent something that is no row."
            )
            return Examined(failed.to_plain())
        finally:
            self._idle.put(worker)
        return Examined(plain, preview or None, view or None)

    def start(self) -> None:
        """Start every worker now.

        Raises
        ------
        WorkerFailed
            One cannot start.
        """
        for worker in self._workers:
            worker.start()

    def stop(self) -> None:
        """End every worker at once; what is in their hands is given up."""
        for worker in self._workers:
            worker.kill()
