"""Worker processes behind the service: no upload can hold up or take down the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from lightkeeper.service.lookups._failures import Refusal
from lightkeeper.service.lookups._hash_worker import Purpose, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    from lightkeeper.service.lookups._config import LookupConfig
    from lightkeeper.service.lookups._metrics import Metrics

_START_SECONDS = 180.0
"""Longest start of a worker: the first one on a machine compiles the kernels."""
_MAX_ANSWER_BYTES = 1 << 20


class Hasher:
    """Hashes uploads in processes that may hang or die; each such costs its own upload only."""

    def __init__(self, config: LookupConfig, metrics: Metrics) -> None:
        self._config = config
        self._metrics = metrics
        self._held = 0
        self.ready = False
        """Whether workers have started."""
        self._workers: list[_Worker] = []
        self._idle: asyncio.Queue[_Worker] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(config.workers, thread_name_prefix="hasher")

    async def start(self) -> None:
        """Start the workers and wait until they are ready; one that fails is tried again later."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["lightkeeper.service.lookups._hash_worker"])
        self._workers = [_Worker(context, self._config) for _ in range(self._config.workers)]
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
        self, worker: _Worker, purpose: Purpose, content: bytes
    ) -> dict[str, Any] | Refusal:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, worker.ask, purpose, content)
        except Refusal as refusal:
            return refusal
        finally:
            self._idle.put_nowait(worker)


class _Worker:
    """One process and its pipe; started again when it has died. Used by one thread at a time."""

    def __init__(self, context: ForkServerContext, config: LookupConfig) -> None:
        self._context = context
        self._config = config
        self._process: ForkServerProcess | None = None
        self._connection: Connection | None = None

    def start(self) -> Connection:
        """A pipe to a process that is ready.

        Raises
        ------
        Refusal
            It cannot start.
        """
        if self._connection is not None and self._process and self._process.is_alive():
            return self._connection
        self.end()
        ours, theirs = self._context.Pipe()
        self._connection = ours
        self._process = self._context.Process(
            target=work,
            args=(theirs, self._config.limits, self._config.worker_memory),
            daemon=True,
        )
        self._process.start()
        theirs.close()
        try:
            if not ours.poll(_START_SECONDS):
                raise TimeoutError
            ours.recv_bytes(_MAX_ANSWER_BYTES)
        except (EOFError, OSError):
            self.end()
            raise Refusal(503, "no-worker", "Uploads cannot be opened now.") from None
        return ours

    def ask(self, purpose: Purpose, content: bytes) -> dict[str, Any]:
        """Send an upload and wait for the answer, for as long as one picture may take."""
        connection = self.start()
        seconds = self._config.limits.max_seconds
        try:
            connection.send_bytes(purpose.value.encode())
            connection.send_bytes(content)
            if not connection.poll(seconds):
                raise TimeoutError
            answer = json.loads(connection.recv_bytes(_MAX_ANSWER_BYTES))
        except TimeoutError:
            self.end()
            raise Refusal(422, "timeout", f"It took more than {seconds:g} s to open.") from None
        except (EOFError, OSError, ValueError):
            self.end()
            raise Refusal(422, "worker-died", "Opening it ended the process.") from None
        if not isinstance(answer, dict):
            self.end()
            raise Refusal(422, "worker-died", "Opening it broke the process.")
        return answer

    def kill(self) -> None:
        """Kill the process; the thread that waits for it finds out and cleans up."""
        with contextlib.suppress(AttributeError, ValueError):
            if self._process is not None:
                self._process.kill()

    def end(self) -> None:
        """Kill the process if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None
