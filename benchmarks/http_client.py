"""A client that costs little: it shares the cores with the service that it measures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

_SECONDS = 30
_IDLE_SECONDS = 3.0
"""A connection that nobody has used for this long is not used again: its server may be closing it
at this moment."""


class ClientError(Exception):
    """No whole answer has come."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


class Client:
    """HTTP/1.1 with as many kept connections as there are requests at once."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._port = port
        self._head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._idle: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes = b"",
    ) -> Answer:
        """One answer; ClientError where none has come."""
        target = f"{path}?{urlencode(params)}" if params else path
        body, kind = (content, "application/octet-stream")
        if json is not None:
            body, kind = _written(json), "application/json"
        head = f"{method} {target} HTTP/1.1\r\n{self._head}"
        if body:
            head += f"Content-Type: {kind}\r\n"
        if method != "GET":
            head += f"Content-Length: {len(body)}\r\n"
        try:
            async with asyncio.timeout(_SECONDS), self._connection() as (reader, writer):
                writer.write(f"{head}\r\n".encode() + body)
                return await _answer(reader)
        except (OSError, EOFError, ValueError) as error:
            raise ClientError(type(error).__name__) from error

    def close(self) -> None:
        for _, _, writer in self._idle:
            writer.close()
        self._idle.clear()

    @contextlib.asynccontextmanager
    async def _connection(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        fresh = time.monotonic() - _IDLE_SECONDS
        while self._idle and self._idle[0][0] < fresh:
            self._idle.pop(0)[2].close()
        if self._idle:
            _, reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield reader, writer
        except BaseException:
            writer.close()
            raise
        self._idle.append((time.monotonic(), reader, writer))


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            raise ValueError("an answer without its length")
    return Answer(status, await reader.readexactly(length) if length else b"")


def _written(content: Any) -> bytes:
    return json.dumps(content).encode()
