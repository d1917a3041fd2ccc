"""A request that is refused, in every room of the service."""

from __future__ import annotations

from starlette.exceptions import HTTPException


class Refusal(HTTPException):
    """A request that is refused."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(
            status, message, {name.replace("_", "-"): text for name, text in headers.items()}
        )
        self.code = code
