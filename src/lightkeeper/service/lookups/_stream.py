"""A stream of hashes in, a stream of results out, line by line.

The answer begins while the request still comes. Most HTTP clients read nothing before they have
sent everything: results wait for them in memory, up to a bound, so that neither side waits for
the other for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from lightkeeper.service._refusal import Refusal
from lightkeeper.service.lookups._models import HashIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from lightkeeper.service.lookups._config import LookupConfig

    Plain = dict[str, Any]
    LookUp = Callable[[list[HashIn]], Awaitable[list[Plain]]]

_BATCH = 256
_MOST_WAITING_BYTES = 64 << 20
_EMPTY: Plain = {"matches": [], "leads": [], "benign": [], "suppressed": []}


class NdjsonStream(Response):
    """Answers each line of the request; a line that is no hash gets a result with ``error``."""

    media_type = "application/x-ndjson"

    def __init__(self, request: Request, look_up: LookUp, *, config: LookupConfig) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._request = request
        self._look_up = look_up
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send results as they come."""
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        waiting = _Waiting()
        reading = asyncio.create_task(self._read(waiting))
        try:
            async for content in waiting:
                await send({"type": "http.response.body", "body": content, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    async def _read(self, waiting: _Waiting) -> None:
        number = 0
        try:
            async for lines in self._batches():
                rows = await self._answer(lines, number)
                number += len(lines)
                await waiting.put("".join(json.dumps(row) + "\n" for row in rows).encode())
        except Refusal as refusal:
            await waiting.put(_failure(number + 1, refusal))
        except ClientDisconnect:
            pass
        except Exception:
            await waiting.put(_failure(number + 1, Refusal(500, "internal-error", "It failed.")))
            raise
        finally:
            waiting.close()

    async def _batches(self) -> AsyncIterator[list[bytes]]:
        """Lines that have come, at most ``_BATCH`` at once; the last one may lack its end."""
        rest = b""
        async for chunk in self._request.stream():
            *lines, rest = (rest + chunk).split(b"\n")
            for start in range(0, len(lines), _BATCH):
                yield lines[start : start + _BATCH]
            if len(rest) > self._config.max_line_bytes:
                raise Refusal(413, "line-too-long", self._too_long)
        if rest:
            yield [rest]

    @property
    def _too_long(self) -> str:
        return f"A line is longer than {self._config.max_line_bytes} bytes."

    async def _answer(self, lines: list[bytes], before: int) -> list[Plain]:
        """Results of a batch; empty lines get none but count."""
        hashes: list[HashIn] = []
        rows: list[Plain] = []
        good: list[Plain] = []
        for number, line in enumerate(lines, before + 1):
            if not line.strip():
                continue
            row: Plain = {"line": number, "id": None, **_EMPTY, "error": None}
            rows.append(row)
            try:
                hashes.append(self._parse(line))
                good.append(row)
            except Refusal as refusal:
                row["error"] = {"code": refusal.code, "message": refusal.detail}
        for row, result in zip(good, await self._look_up(hashes) if hashes else [], strict=True):
            row.update(result)
        return rows

    def _parse(self, line: bytes) -> HashIn:
        if len(line) > self._config.max_line_bytes:
            raise Refusal(413, "line-too-long", self._too_long)
        try:
            return HashIn.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part)[:40] for part in first["loc"])
            message = f"{where}: {first['msg']}" if where else first["msg"]
            raise Refusal(422, "invalid-line", message) from None


class _Waiting:
    """Results on their way to a client; who adds waits while too much is here."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._size = 0
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, content: bytes) -> None:
        await self._room.wait()
        self._size += len(content)
        if self._size > _MOST_WAITING_BYTES:
            self._room.clear()
        self._queue.put_nowait(content)

    def close(self) -> None:
        self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (content := await self._queue.get()) is not None:
            self._size -= len(content)
            if self._size <= _MOST_WAITING_BYTES:
                self._room.set()
            yield content


def _failure(line: int, refusal: Refusal) -> bytes:
    error = {"code": refusal.code, "message": refusal.detail}
    return json.dumps({"line": line, "id": None, **_EMPTY, "error": error}).encode() + b"\n"
