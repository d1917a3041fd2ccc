"""The owner's side of a worker: starts it, asks it, and ends it when it misbehaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lightkeeper.evidence.detectors.plugins._failure import FailureKind, PluginFailure
from lightkeeper.evidence.detectors.plugins._wire import TooLong, decode, encode, receive, send

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_START_SECONDS = 120.0
"""Longest start: a framework is imported and weights are read."""
_MOST_FAILURES = 3
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_SET = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


class PluginProcess:
    """One worker for one plug-in; started when first asked, and again after it has died.

    Not a ``multiprocessing`` process: those of a scan's pool may have no children.
    """

    def __init__(self, manifest: Path, *, fingerprint: str, seconds: float) -> None:
        self._manifest = manifest
        self._fingerprint = fingerprint
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., PluginProcess] | None = None
        self._failures = 0
        self.network: str | None = None
        """``cut`` or ``open``, once it has started."""

    def score(self, rgb: NDArray[np.uint8]) -> float | None:
        """Ask for one score.

        Raises
        ------
        PluginFailure
        """
        if self._failures >= _MOST_FAILURES:
            raise PluginFailure(
                FailureKind.GIVEN_UP, f"it failed on {_MOST_FAILURES} pictures in a row"
            )
        try:
            answer = self._asked(rgb)
        except PluginFailure as failure:
            # A picture that it cannot score is no fault of the worker.
            if failure.kind is not FailureKind.ERROR:
                self._failures += 1
                self.close()
            raise
        self._failures = 0
        return answer

    def start(self) -> None:
        """Start the worker now, so that no picture pays for it; what fails is told with one."""
        if self._child is None:
            try:
                self._started()
            except PluginFailure:
                self.close()

    def _asked(self, rgb: NDArray[np.uint8]) -> float | None:
        child = self._child or self._started()
        deadline = time.monotonic() + self._seconds
        height, width = rgb.shape[:2]
        message = self._exchange(
            child,
            [encode({"shape": [height, width]}), np.ascontiguousarray(rgb).tobytes()],
            deadline,
            f"it took more than {self._seconds:g} s",
        )
        score = message.get("score")
        if score is None and "score" in message:
            return None
        if isinstance(score, bool) or not isinstance(score, (int, float)):
            raise PluginFailure(FailureKind.BAD_ANSWER, "its answer is no score")
        return float(score)

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _SET
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lightkeeper.evidence.detectors.plugins._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._child = child
        # An examiner has no end of its own: the worker goes when nobody can ask it any more.
        self._end = weakref.finalize(self, _ended, child)
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        deadline = time.monotonic() + _START_SECONDS
        path = str(self._manifest.absolute()).encode()
        message = self._exchange(child, [path], deadline, "it was not ready in time")
        if message.get("fingerprint") != self._fingerprint:
            raise PluginFailure(FailureKind.REFUSED, "its manifest has changed since it was read")
        self.network = str(message.get("network"))
        return child

    def _exchange(
        self, child: subprocess.Popen[bytes], frames: list[bytes], deadline: float, late: str
    ) -> dict[str, Any]:
        """Send frames and wait for one message; a failure that it reports is raised."""
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            for frame in frames:
                send(child.stdin.fileno(), frame, deadline=deadline)
            message = decode(receive(child.stdout.fileno(), deadline=deadline))
        except TimeoutError as error:
            raise PluginFailure(FailureKind.TIMEOUT, late) from error
        except TooLong as error:
            raise PluginFailure(FailureKind.BAD_ANSWER, "its answer is too long") from error
        except ValueError as error:
            raise PluginFailure(FailureKind.BAD_ANSWER, "its answer is no answer") from error
        except (EOFError, OSError) as error:
            self._died(child, error)
        if "kind" in message:
            raise _reported(message)
        return message

    def _died(self, child: subprocess.Popen[bytes], error: Exception) -> NoReturn:
        try:
            code = child.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            code = 0
        how = f"signal {-code}" if code < 0 else f"exit status {code}"
        raise PluginFailure(FailureKind.CRASHED, f"its worker died ({how})") from error

    def close(self) -> None:
        """End the worker at once, if there is one."""
        self._child = None
        if self._end is not None:
            self._end()


def _ended(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _reported(message: dict[str, Any]) -> PluginFailure:
    try:
        kind = FailureKind(message["kind"])
    except ValueError:
        kind = FailureKind.BAD_ANSWER
    return PluginFailure(kind, str(message.get("message"))[:200])
