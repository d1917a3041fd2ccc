"""The queue of jobs: beside the data base on one machine, in Redis for several."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from huey import Huey, RedisHuey, SqliteHuey
from huey.consumer import Consumer

from lightkeeper.errors import InvalidConfiguration, MissingExtra
from lightkeeper.service.jobs._serializer import JsonSerializer

_NAME = "lightkeeper"
_PLACES = "sqlite:///FILE, redis://HOST/NUMBER or unix://SOCKET?db=NUMBER"


def open_queue(url: str) -> Huey:
    """The queue at ``sqlite:///FILE``, ``redis://HOST/NUMBER`` or ``unix://SOCKET?db=NUMBER``.

    Raises
    ------
    InvalidConfiguration
        The URL is of another kind.
    MissingExtra
    """
    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {"results": False, "serializer": JsonSerializer(), "utc": True}
    if scheme == "sqlite":
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(_NAME, filename=str(path), **options)
    if scheme in ("redis", "rediss", "unix"):
        return RedisHuey(_NAME, connection_pool=_redis(url), **options)
    raise InvalidConfiguration(f"no queue of jobs on '{scheme}'", hint=_PLACES)


def close_queue(queue: Huey) -> None:
    """Give back the connections of a queue; huey itself leaves those to Redis open."""
    queue.storage.close()
    if isinstance(queue, RedisHuey):
        queue.storage.pool.disconnect()


def _redis(url: str) -> Any:
    try:
        from redis import ConnectionPool
    except ImportError as error:
        raise MissingExtra("A queue in Redis", extra="redis") from error
    try:
        # Without a limit, a server that hangs would hold every intake up.
        return ConnectionPool.from_url(url, socket_connect_timeout=5, socket_timeout=10)
    except ValueError as error:
        raise InvalidConfiguration(f"the queue's URL is wrong: {error}", hint=_PLACES) from None


class Worker:
    """Takes jobs from a queue in threads of this process, until it is stopped."""

    def __init__(self, queue: Huey, *, threads: int = 2) -> None:
        self._consumer = _QuietConsumer(
            queue,
            workers=threads,
            worker_type="thread",
            periodic=True,
            initial_delay=0.05,
            max_delay=1.0,
            shutdown_timeout=20,
        )

    def start(self) -> None:
        """Begin to work."""
        self._consumer.start()

    def stop(self) -> None:
        """Finish the jobs in hand, for 20 seconds at most; the rest stays in the queue."""
        self._consumer.stop(graceful=True)


class _QuietConsumer(Consumer):  # type: ignore[misc]
    """A consumer inside another program, which alone decides what signals mean."""

    def _set_signal_handlers(self) -> None:
        return
