"""The process that opens uploads, one at a time.

It answers in JSON, never in pickle: a worker that a hostile picture has taken over must not be
able to run anything in the service.
"""

from __future__ import annotations

import contextlib
import json
import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import LimitExceeded, MediaError
from lightkeeper.evidence.watermark import lattice
from lightkeeper.hashing import PdqHash, PdqVariant, digests, media_digests, pdq, warm_up
from lightkeeper.matching._pictures import digest_queries, picture_queries
from lightkeeper.media import open_media
from lightkeeper.plain import to_plain
from lightkeeper.scan._worker import bound_memory
from lightkeeper.service.lookups._mark_worker import MarkPlan, marks_of, recovered_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from lightkeeper.media import Limits, Media

    Answer = dict[str, Any]

_GRACE = 2.0
"""Factor on the time limit after which the kernel ends a worker whose service is gone."""


class Purpose(StrEnum):
    """What is asked of a worker."""

    HASH = "hash"
    """Digests, and PDQ bit-identical to the reference."""
    MATCH = "match"
    """Every hash under which the picture is looked up."""
    MARKS = "marks"
    """Its open marks."""
    RECOVER = "recover"
    """What its open marks lead to."""


def work(
    connection: Connection, limits: Limits, memory_bytes: int, plan: MarkPlan | None = None
) -> None:
    """Answer on ``connection`` until it closes; ``plan`` is there where marks are served."""
    # Ctrl-C reaches the whole process group; the service alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        warm_up()
        if plan is not None:
            lattice.warm_up()
        bound_memory(memory_bytes)
        connection.send_bytes(b"{}")
        while True:
            purpose = Purpose(connection.recv_bytes().decode())
            content = connection.recv_bytes()
            signal.setitimer(signal.ITIMER_REAL, limits.max_seconds * _GRACE)
            answer = json.dumps(answer_to(purpose, content, limits, plan))
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send_bytes(answer.encode())


def answer_to(
    purpose: Purpose, content: bytes, limits: Limits, plan: MarkPlan | None = None
) -> Answer:
    """What is asked of a file; where its pixels are no use, digests and ``error``."""
    if purpose is Purpose.MARKS:
        return marks_of(content, limits)
    if purpose is Purpose.RECOVER:
        return recovered_of(content, limits, plan or MarkPlan(None, None))
    ask = _hash if purpose is Purpose.HASH else _match
    try:
        media = open_media(content, name="upload", limits=limits)
    except MediaError as error:
        return {**ask(None, content), "error": _error(error)}
    return _with_pixels(lambda: ask(media, content), lambda: ask(None, content))


def _with_pixels(whole: Callable[[], Answer], rest: Callable[[], Answer]) -> Answer:
    try:
        return {**whole(), "error": None}
    except MediaError as error:
        return {**rest(), "error": _error(error)}
    except MemoryError:
        return {**rest(), "error": _error(LimitExceeded("it needs more memory than a worker has"))}


def _hash(media: Media | None, content: bytes) -> Answer:
    if media is None:
        return {**to_plain(digests(content)), "pdq": None}
    value = pdq(media, variant=PdqVariant.EXACT)
    return {**to_plain(media_digests(media)), "pdq": _pdq_row(value)}


def _match(media: Media | None, content: bytes) -> Answer:
    if media is None:
        found = digests(content)
        kinds = {"sha256": found.sha256, "sha1": found.sha1, "md5": found.md5}
        return {"digests": [{"kind": k, "value": v} for k, v in kinds.items()], "pictures": []}
    return {
        "pictures": [to_plain(query) for query in picture_queries(media)],
        "digests": [to_plain(query) for query in digest_queries(media)],
    }


def _pdq_row(value: PdqHash) -> Answer:
    return {
        "hash": value.hex,
        "quality": value.quality,
        "variant": value.variant,
        "dihedral": [other.hex for other in value.dihedral()],
    }


def _error(error: MediaError) -> Answer:
    return {"code": error.code, "message": str(error)}
