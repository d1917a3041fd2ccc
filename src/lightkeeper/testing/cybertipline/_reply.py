"""What a request is answered with, if it is."""

from __future__ import annotations

from dataclasses import dataclass


class ConnectionDroppedError(Exception):
    """There is no answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer on its way out."""

    status: int
    body: bytes
    request_id: str
