"""Worker processes behind the service: no upload can hold up or take down the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from lightkeeper.service._refusal import Refusal
from lightkeeper.service._worker_process import WorkerFailed, WorkerProcess
from lightkeeper.service.lookups._hash_worker import Purpose, work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.service.lookups._config import LookupConfig
    from lightkeeper.service.lookups._mark_worker import MarkPlan
    from lightkeeper.service.lookups._metrics import Metrics

_MAX_ANSWER_BYTES = 1 << 20


class Hasher:
    """Hashes uploads in processes that may hang or die; each such costs its own upload only."""

    def __init__(
        self, config: LookupConfig, metrics: Metrics, *, plan: MarkPlan | None = None
    ) -> None:
        self._config = config
        self._plan = plan
        self._metrics = metrics
        self._held = 0
        self.ready = False
        """Whether workers have started."""
        self._workers: list[WorkerProcess] = []
        self._idle: asyncio.Queue[WorkerProcess] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(config.workers, thread_name_prefix="hasher")

    async def start(self) -> None:
        """Start the workers and wait until they are ready; one that fails is tried again later."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["lightkeeper.service.lookups._hash_worker"])
        self._workers = [
            WorkerProcess(
                context,
                work,
                (self._config.limits, self._config.worker_memory, self._plan),
                max_answer_bytes=_MAX_ANSWER_BYTES,
            )
            for _ in range(self._config.workers)
        ]
        loop = asyncio.get_running_loop()
        starts = (loop.run_in_executor(self._threads, worker.start) for worker in self._workers)
        started = await asyncio.gather(*starts, return_exceptions=True)
        self.ready = not all(isinstance(result, BaseException) for result in started)
        for worker in self._workers:
            self._idle.put_nowait(worker)

    def stop(self) -> None:
        """End every worker at once; uploads in flight are given up."""
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.end()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Hold an upload in memory, from its first byte until it is answered.

        Raises
        ------
        Refusal
            Too many are held already.
        """
        if self._held >= self._config.waiting_uploads:
            raise Refusal(503, "busy", "Too many uploads are waiting.", Retry_After="1")
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def ask(self, purpose: Purpose, content: bytes) -> dict[str, Any]:
        """Have a worker open an upload.

        Raises
        ------
        Refusal
            It took too long, killed its worker, or no worker can start.
        """
        worker = await self._idle.get()
        # A request that is given up must not give back a worker that is still busy.
        asked = asyncio.create_task(self._ask(worker, purpose, content))
        answer = await asyncio.shield(asked)
        if isinstance(answer, Refusal):
            self._metrics.uploads.labels(answer.code).inc()
            raise answer
        error = answer["error"]
        self._metrics.uploads.labels(error["code"] if error else "ok").inc()
        return answer

    async def _ask(
        self, worker: WorkerProcess, purpose: Purpose, content: bytes
    ) -> dict[str, Any] | Refusal:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._threads, _answer, worker, purpose, content, self._config.limits.max_seconds
            )
        except WorkerFailed as failure:
            status = 503 if failure.reason == "no-worker" else 422
            return Refusal(status, failure.code, str(failure))
        finally:
            self._idle.put_nowait(worker)


def _answer(
    worker: WorkerProcess, purpose: Purpose, content: bytes, seconds: float
) -> dict[str, Any]:
    messages = (purpose.value.encode(), content)
    (message,) = worker.ask(messages, answers=1, seconds=seconds)
    try:
        answer = json.loads(message)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        worker.end()
        raise WorkerFailed("worker-died", "Opening it broke the process.")
    return answer
