"""The process that runs one plug-in, and in which alone its code is ever loaded.

Started by ``_process``. Before any code or weights of the plug-in are touched, its files are
checked against the manifest, memory is bounded and the network is cut where the system allows.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightkeeper.evidence.detectors.plugins._failure import FailureKind, PluginFailure
from lightkeeper.evidence.detectors.plugins._manifest import Backend, Manifest, read_manifest
from lightkeeper.evidence.detectors.plugins._wire import (
    MOST_PIXEL_BYTES,
    START_SECONDS,
    decode,
    encode,
    receive,
    send,
)

if TYPE_CHECKING:
    from lightkeeper.evidence.detectors.plugins._backends import Scorer

_GRACE = 2.0
"""Factor on a time limit after which the kernel ends a worker whose owner is gone."""
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def main() -> None:
    """Serve pictures until the owner closes the pipe."""
    pictures, answers = _private_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with contextlib.suppress(EOFError, OSError):
        manifest_path = Path(receive(pictures).decode())
        signal.setitimer(signal.ITIMER_REAL, START_SECONDS * _GRACE)
        prepared = _prepared(manifest_path, answers)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if prepared is not None:
            _serve(*prepared, pictures, answers)


def _private_pipes() -> tuple[int, int]:
    """Take the pipes off standard input and output, so that a stray print harms nothing."""
    pictures, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    return pictures, answers


def _prepared(path: Path, answers: int) -> tuple[Scorer, float] | None:
    try:
        manifest = read_manifest(path)
        files = _checked_files(manifest, path.parent)
        network = "cut" if _cut_network() else "open"
        _import_framework(manifest)
        bound_memory(manifest.limits.memory_mib << 20)
        from lightkeeper.evidence.detectors.plugins._backends import scorer

        score = scorer(manifest, files)
    except BaseException as error:
        _answer(answers, _failure_of(error))
        return None
    _answer(answers, {"fingerprint": manifest.fingerprint, "network": network})
    return score, manifest.limits.seconds


def _checked_files(manifest: Manifest, folder: Path) -> dict[str, bytes]:
    """The files' content: what is run is what was checked."""
    found = {}
    for name, digest in manifest.files.items():
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise PluginFailure(
                FailureKind.UNAVAILABLE, f"{name} is not there; nothing is ever fetched"
            ) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise PluginFailure(FailureKind.REFUSED, f"{name} is not the file that was pinned")
        found[name] = content
    return found


def _cut_network() -> bool:
    """Leave this process without any network, where the system lets it."""
    if sys.platform != "linux":
        return False
    try:
        return bool(ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK) == 0)
    except (OSError, AttributeError):
        return False


def _import_framework(manifest: Manifest) -> None:
    # Before memory is bounded: frameworks reserve far more than they use.
    if manifest.backend is Backend.ONNX:
        importlib.import_module("onnxruntime")
    elif manifest.backend is not Backend.PYTHON:
        importlib.import_module("torch")


def bound_memory(limit_bytes: int) -> None:
    """Let this process allocate no more private memory than this from now on."""
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _serve(score: Scorer, seconds: float, pictures: int, answers: int) -> None:
    while True:
        asked = decode(receive(pictures))
        height, width = (int(side) for side in asked["shape"])
        pixels = receive(pictures, most=MOST_PIXEL_BYTES)
        rgb = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
        signal.setitimer(signal.ITIMER_REAL, seconds * _GRACE)
        answer = _scored(score, rgb)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _answer(answers, {"picture": asked["picture"], **answer})


def _scored(score: Scorer, rgb: np.ndarray[Any, np.dtype[np.uint8]]) -> dict[str, Any]:
    try:
        value = score(rgb)
    except BaseException as error:
        return _failure_of(error)
    if value is not None and not math.isfinite(value):
        return {"kind": FailureKind.BAD_ANSWER, "message": "its score is not a finite number"}
    return {"score": value}


def _failure_of(error: BaseException) -> dict[str, Any]:
    if isinstance(error, PluginFailure):
        return {"kind": error.kind, "message": str(error)}
    if isinstance(error, MemoryError):
        return {"kind": FailureKind.OUT_OF_MEMORY, "message": "it met its memory limit"}
    if isinstance(error, ImportError):
        return {"kind": FailureKind.UNAVAILABLE, "message": f"{error.name} is not installed"}
    # Only the type: a message of foreign code may quote what it was given.
    return {"kind": FailureKind.ERROR, "message": f"it failed with {type(error).__name__}"}


def _answer(answers: int, message: dict[str, Any]) -> None:
    send(answers, encode(message), deadline=math.inf)


if __name__ == "__main__":
    main()
