"""Frames between the process that scans and the worker that runs a plug-in.

JSON and pixels, never pickle: nothing that a plug-in answers can run anything here.
"""

from __future__ import annotations

import json
import math
import os
import select
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">I")
MOST_PIXEL_BYTES = 2 << 30
START_SECONDS = 120.0
"""Longest start of a worker: a framework is imported and weights are read."""
_MOST_ANSWER_BYTES = 64 << 10
_CHUNK = 1 << 16


class TooLong(ValueError):
    """An answer is longer than any answer."""


def send(descriptor: int, content: bytes, *, deadline: float) -> None:
    """Write one frame.

    Raises
    ------
    TimeoutError, OSError
        The other side does not read, or is gone.
    """
    left = memoryview(_LENGTH.pack(len(content)) + content)
    while left:
        _wait(descriptor, select.POLLOUT, deadline)
        try:
            left = left[os.write(descriptor, left[:_CHUNK]) :]
        except BlockingIOError:
            continue


def receive(
    descriptor: int, *, deadline: float = math.inf, most: int = _MOST_ANSWER_BYTES
) -> bytes:
    """Read one frame.

    Raises
    ------
    TimeoutError, EOFError, TooLong
    """
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size, deadline))
    if length > most:
        raise TooLong(f"an answer of {length:,} bytes")
    return _read(descriptor, length, deadline)


def encode(message: dict[str, Any]) -> bytes:
    """A message as JSON."""
    return json.dumps(message).encode()


def decode(content: bytes) -> dict[str, Any]:
    """A message from JSON.

    Raises
    ------
    ValueError
        It is no JSON object, is nested too deep, or holds NaN or an infinity.
    """
    try:
        message = json.loads(content, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(message, dict):
        raise ValueError("it is no object")
    return message


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _read(descriptor: int, length: int, deadline: float) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        _wait(descriptor, select.POLLIN, deadline)
        try:
            part = os.read(descriptor, min(_CHUNK, length - len(parts)))
        except BlockingIOError:
            continue
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    if math.isinf(deadline):
        return
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
