"""One process behind the service that may hang or die, at the cost of what it was asked alone."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import LightkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, ForkServerProcess

_START_SECONDS = 180.0
"""Longest start of a worker: the first one on a machine compiles the kernels."""


class WorkerFailed(LightkeeperError):
    """The process took too long (``timeout``), died (``worker-died``) or cannot start
    (``no-worker``)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def code(self) -> str:
        """The reason."""
        return self.reason


class WorkerProcess:
    """A process and its pipe; started again when it has died. Used by one thread at a time.

    ``target`` is called there with its end of the pipe and ``arguments``. It sends one message
    when it is ready, and then answers each question with a fixed number of messages.
    """

    def __init__(
        self,
        context: ForkServerContext,
        target: Callable[..., None],
        arguments: tuple[Any, ...],
        *,
        max_answer_bytes: int,
    ) -> None:
        self._context = context
        self._target = target
        self._arguments = arguments
        self._max_answer_bytes = max_answer_bytes
        self._process: ForkServerProcess | None = None
        self._connection: Connection | None = None
        self.greeting = b""
        """What it said when it was ready."""

    def start(self) -> Connection:
        """A pipe to a process that is ready.

        Raises
        ------
        WorkerFailed
            It cannot start.
        """
        if self._connection is not None and self._process and self._process.is_alive():
            return self._connection
        self.end()
        ours, theirs = self._context.Pipe()
        self._connection = ours
        self._process = self._context.Process(
            target=self._target, args=(theirs, *self._arguments), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            if not ours.poll(_START_SECONDS):
                raise TimeoutError
            self.greeting = ours.recv_bytes(self._max_answer_bytes)
        except (EOFError, OSError):
            self.end()
            raise WorkerFailed("no-worker", "Uploads cannot be opened now.") from None
        return ours

    def ask(self, messages: Sequence[bytes], *, answers: int, seconds: float) -> list[bytes]:
        """Send a question and wait for its answers.

        Raises
        ------
        WorkerFailed
        """
        connection = self.start()
        try:
            for message in messages:
                connection.send_bytes(message)
            if not connection.poll(seconds):
                raise TimeoutError
            return [connection.recv_bytes(self._max_answer_bytes) for _ in range(answers)]
        except TimeoutError:
            self.end()
            raise WorkerFailed("timeout", f"It took more than {seconds:g} s to open.") from None
        except (EOFError, OSError):
            self.end()
            raise WorkerFailed("worker-died", "Opening it ended the process.") from None

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
