"""How the service says no: a status, a stable code and a sentence."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from lightkeeper.errors import LightkeeperError, MatchError, MediaError, UnsupportedMedia
from lightkeeper.service._refusal import Refusal

_HMA = ("/h/", "/m/", "/c/")


def refusal_of(error: LightkeeperError) -> Refusal:
    """What a client is told of an error of the domain."""
    status = 415 if isinstance(error, UnsupportedMedia) else 422
    if not isinstance(error, (MediaError, MatchError)):
        status = 500
    return Refusal(status, error.code, str(error))


def failure_response(path: str, failure: HTTPException) -> JSONResponse:
    """The body of a failure, in the shape that clients of the path expect."""
    # What a client wrote may hold half a surrogate pair, which no encoding takes.
    message = str(failure.detail).encode("utf-8", "replace").decode()
    code = failure.code if isinstance(failure, Refusal) else _CODES.get(failure.status_code, "http")
    body: dict[str, Any] = {"error": {"code": code, "message": message}}
    if path.startswith(_HMA):
        body = {"message": message}
    return JSONResponse(body, failure.status_code, failure.headers)


_CODES = {404: "not-found", 405: "method-not-allowed"}
