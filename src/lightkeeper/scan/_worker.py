"""The process that touches untrusted files, one at a time.

It answers in JSON, never in pickle: a worker that a hostile file has taken over must not be able
to run anything in the supervisor.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import LightkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from lightkeeper.evidence import Examiner
    from lightkeeper.scan._policy import Policy

    Builder = Callable[[Policy], Sequence[Examiner]]

_GRACE = 2.0
"""Factor on the time limit after which the kernel ends a worker whose supervisor is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What every worker of one scan is told when it starts."""

    policy: Policy
    build: Builder
    thumbnails: bool = False
    explanations: bool = False


def work(connection: Connection, order: Order) -> None:
    """Examine the files named on ``connection`` until it closes."""
    # Ctrl-C reaches the whole process group; the supervisor alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        examiners = _prepare(connection, order)
        if examiners is not None:
            _serve(connection, order, examiners)


def _prepare(connection: Connection, order: Order) -> Sequence[Examiner] | None:
    try:
        examiners = order.build(order.policy)
        versions = _versions(examiners)
        _warm_up(order.policy)
    except LightkeeperError as error:
        _send(connection, {"code": error.code, "message": str(error), "hint": error.hint})
        return None
    except Exception as error:
        _send(connection, {"code": "internal-error", "message": f"{type(error).__name__}: {error}"})
        return None
    bound_memory(order.policy.worker_memory)
    _send(connection, {"versions": versions})
    return examiners


def _versions(examiners: Sequence[Examiner]) -> dict[str, str]:
    from lightkeeper import __version__
    from lightkeeper.assessment import Calibration

    versions = {e.name: e.version for e in examiners if e.unavailable() is None}
    return versions | {"lightkeeper": __version__, "assessment": Calibration.load().id}


def _warm_up(policy: Policy) -> None:
    from lightkeeper.scan._examiners import warm_up

    warm_up(policy.tier)


def _serve(connection: Connection, order: Order, examiners: Sequence[Examiner]) -> None:
    from lightkeeper.scan._file import scan_file

    while True:
        file = json.loads(connection.recv_bytes())
        signal.setitimer(signal.ITIMER_REAL, order.policy.limits.max_seconds * _GRACE)
        row = scan_file(
            file,
            examiners,
            order.policy,
            thumbnail=order.thumbnails,
            explanation=order.explanations,
        )
        signal.setitimer(signal.ITIMER_REAL, 0)
        connection.send_bytes(row.to_wire())


def _send(connection: Connection, message: dict[str, Any]) -> None:
    connection.send_bytes(json.dumps(message).encode())


def bound_memory(limit_bytes: int) -> None:
    """Let this process allocate no more than ``limit_bytes`` from now on."""
    # RLIMIT_DATA counts private writable memory only. RLIMIT_AS would also count what LLVM and
    # the allocators merely reserve, several times what they use.
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
