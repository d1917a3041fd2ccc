"""How far behind the jobs are, as the queue itself knows it: for every process that takes them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from huey.signals import SIGNAL_ERROR

if TYPE_CHECKING:
    from huey import Huey

_FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs that wait, and those that have failed since the queue was made."""

    queued: int
    failed: int
    oldest_seconds: float
    """How long the next one has waited; 0 where none waits."""


def count_failures(queue: Huey) -> None:
    """Count in the queue, whichever process a job fails in."""

    @queue.signal(SIGNAL_ERROR)  # type: ignore[untyped-decorator]
    def failed(*_: Any) -> None:
        queue.storage.incr(_FAILED)


def backlog(queue: Huey) -> Backlog:
    """What stands in the queue now."""
    storage = queue.storage
    return Backlog(
        queued=storage.queue_size(),
        failed=storage.incr(_FAILED, 0),
        oldest_seconds=_waited(storage.enqueued_items(1)),
    )


def _waited(messages: list[bytes]) -> float:
    try:
        asked = float(json.loads(messages[0])["asked"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0
    return max(time.time() - asked, 0.0)
