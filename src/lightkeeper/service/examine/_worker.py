"""The process that examines uploads, one at a time, from memory.

It answers in JSON and JPEG, never in pickle: a worker that a hostile file has taken over must not
be able to run anything in the service.
"""

from __future__ import annotations

import contextlib
import json
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.assessment.policy._cascade import Allowance
from lightkeeper.plain import to_plain
from lightkeeper.scan import scan_content
from lightkeeper.scan._cascade import Staging
from lightkeeper.scan._examiners import warm_up
from lightkeeper.scan._worker import bound_memory
from lightkeeper.service.examine._pictures import preview_and_view

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from lightkeeper.scan import Policy
    from lightkeeper.scan._worker import Order

_GRACE = 2.0
"""Factor on the time limit after which the kernel ends a worker whose service is gone."""

ANSWERS = 4
"""Messages of one answer: the row, the preview, the view and what the cascade's stages took; the
pictures may be empty."""


def work(connection: Connection, order: Order) -> None:
    """Examine what comes on ``connection`` until it closes: each time a name, a content and what
    the cascade may spend."""
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
            policy, staging = _staging(order.policy, connection.recv_bytes())
            signal.setitimer(signal.ITIMER_REAL, policy.limits.max_seconds * _GRACE)
            row, media = scan_content(
                name, content, examiners, policy, explanation=order.explanations, staging=staging
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
            connection.send_bytes(json.dumps(to_plain(staging.runs)).encode())


def _staging(policy: Policy, message: bytes) -> tuple[Policy, Staging]:
    """What the service says of one item: whether it was reported, and what it may cost."""
    told = json.loads(message)
    spending = told["allowance"]
    allowance = None if spending is None else Allowance(spending["left"], spending["measured"])
    reported = policy.reported or told["reported"]
    return replace(policy, reported=reported), Staging(allowance)
