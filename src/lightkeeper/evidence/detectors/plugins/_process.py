"""The owner's side of a worker: starts it, asks it, and ends it when it misbehaves."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lightkeeper.evidence.detectors.plugins._failure import FailureKind, PluginFailure
from lightkeeper.evidence.detectors.plugins._wire import (
    MOST_PIXEL_BYTES,
    START_SECONDS,
    TooLong,
    decode,
    encode,
    receive,
    send,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SPARE_SECONDS = 2.0
"""What a start after a death may take beyond twice the first one: a whole file waits for it."""
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
        self._asked_for = 0
        self._start_seconds = START_SECONDS
        self._never: PluginFailure | None = None
        self.network: str | None = None
        """``cut`` or ``open``, once it has started."""

    def score(self, rgb: NDArray[np.uint8]) -> float | None:
        """Ask for one score.

        Raises
        ------
        PluginFailure
        """
        if self._never is not None:
            raise PluginFailure(self._never.kind, str(self._never))
        if rgb.nbytes > MOST_PIXEL_BYTES:
            raise PluginFailure(FailureKind.ERROR, "the picture is larger than a worker takes")
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
            with contextlib.suppress(PluginFailure):
                self._started()

    def _asked(self, rgb: NDArray[np.uint8]) -> float | None:
        child = self._child or self._started()
        deadline = time.monotonic() + self._seconds
        height, width = rgb.shape[:2]
        self._asked_for += 1
        question = {"picture": self._asked_for, "shape": [height, width]}
        message = self._exchange(
            child,
            [encode(question), np.ascontiguousarray(rgb).tobytes()],
            deadline,
            f"it took more than {self._seconds:g} s",
        )
        # Otherwise one answer too many would give each picture the score of the one before it.
        if message.get("picture") != self._asked_for:
            raise PluginFailure(FailureKind.BAD_ANSWER, "its answer is for another picture")
        if "kind" in message:
            raise _reported(message)
        return _score(message)

    def _started(self) -> subprocess.Popen[bytes]:
        """A worker that is ready. One that cannot start is not tried again, picture by picture."""
        began = time.monotonic()
        try:
            child = self._greeted()
        except PluginFailure as failure:
            self.close()
            self._never = failure
            raise
        self._start_seconds = min(START_SECONDS, 2 * (time.monotonic() - began) + _SPARE_SECONDS)
        return child

    def _greeted(self) -> subprocess.Popen[bytes]:
        # An empty folder: ONNX Runtime looks in the working folder for weights that a model keeps
        # outside itself, and would load them although nothing pins them.
        folder = tempfile.mkdtemp(prefix="lightkeeper-")
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lightkeeper.evidence.detectors.plugins._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            cwd=folder,
            # A group of its own, so that what it has started itself ends with it.
            start_new_session=True,
        )
        self._child = child
        # An examiner has no end of its own: the worker goes when nobody can ask it any more.
        self._end = weakref.finalize(self, _ended, child, folder)
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        deadline = time.monotonic() + self._start_seconds
        path = str(self._manifest.absolute()).encode()
        message = self._exchange(child, [path], deadline, "it was not ready in time")
        if "kind" in message:
            raise _reported(message)
        if message.get("fingerprint") != self._fingerprint:
            raise PluginFailure(FailureKind.REFUSED, "its manifest has changed since it was read")
        self.network = str(message.get("network"))
        return child

    def _exchange(
        self, child: subprocess.Popen[bytes], frames: list[bytes], deadline: float, late: str
    ) -> dict[str, Any]:
        """Send frames and wait for one message."""
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
        return message

    def _died(self, child: subprocess.Popen[bytes], error: Exception) -> NoReturn:
        try:
            code = child.wait(timeout=1.0)
            how = f"signal {-code}" if code < 0 else f"exit status {code}"
        except subprocess.TimeoutExpired:
            how = "it closed its pipe"
        raise PluginFailure(FailureKind.CRASHED, f"its worker died ({how})") from error

    def close(self) -> None:
        """End the worker at once, if there is one."""
        self._child = None
        if self._end is not None:
            self._end()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if path := kept.get("PYTHONPATH"):
        # The worker works elsewhere.
        kept["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))
    return kept | _SET


def _ended(child: subprocess.Popen[bytes], folder: str) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    shutil.rmtree(folder, ignore_errors=True)


def _score(message: dict[str, Any]) -> float | None:
    score = message.get("score")
    if score is None and "score" in message:
        return None
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        raise PluginFailure(FailureKind.BAD_ANSWER, "its answer is no score")
    try:
        finite = math.isfinite(score)
    except OverflowError:
        finite = False
    if not finite:
        raise PluginFailure(FailureKind.BAD_ANSWER, "its score is not a finite number")
    return float(score)


def _reported(message: dict[str, Any]) -> PluginFailure:
    try:
        kind = FailureKind(message["kind"])
    except ValueError:
        kind = FailureKind.BAD_ANSWER
    return PluginFailure(kind, str(message.get("message"))[:200])
