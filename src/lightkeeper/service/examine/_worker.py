"""The process that examines uploads, one at a time, from memory.

It answers in JSON and JPEG, never in pickle: a worker that a hostile file has taken over must not
be able to run anything in the service.
"""

from __future__ import annotations

import contextlib
import json
import signal
from typing import TYPE_CHECKING

from lightkeeper.scan import scan_content
from lightkeeper.scan._examiners import warm_up
from lightkeeper.scan._worker import bound_memory
from lightkeeper.service.examine._pictures import preview_and_view

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from lightkeeper.scan._worker import Order

_GRACE = 2.0
"""Factor on the time limit after which the kernel ends a worker whose service is gone."""

ANSWERS = 3
"""Messages of one answer: the row, the preview and the view; the pictures may be empty."""


def work(connection: Connection, order: Order) -> None:
    """Examine what comes on ``connection``, a name and a content at a time, until it closes."""
    # Ctrl-C reaches the whole process group; the service alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        examiners = order.build(order.policy)
        warm_up(order.policy.tier)
        bound_memory(order.policy.worker_memory)
        connection.send_bytes(b"{}")
        while True:
            name = connection.recv_bytes().decode()
            content = connection.recv_bytes()
            signal.setitimer(signal.ITIMER_REAL, order.policy.limits.max_seconds * _GRACE)
            row, media = scan_content(
                name, content, examiners, order.policy, explanation=order.explanations
            )
            pictures = None
            if media is not None:
                try:
                    pictures = preview_and_view(media)
                except MemoryError:
                    pictures = None
            signal.setitimer(signal.ITIMER_REAL, 0)
            plain = row.to_plain() | {"explanation": row.explanation}
            connection.send_bytes(json.dumps(plain).encode())
            for picture in pictures or (b"", b""):
                connection.send_bytes(picture)
