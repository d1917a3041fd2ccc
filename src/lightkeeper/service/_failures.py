"""How the service says no: JSON to programs, a page to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from lightkeeper.errors import (
    CaseNotFound,
    InvalidReport,
    InvalidTransition,
    LightkeeperError,
    LimitExceeded,
    MediaError,
    NotPermitted,
    Rejected,
    StaleCase,
    Unavailable,
    UnsupportedMedia,
)
from lightkeeper.service._log import log
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._render import render

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

_STATUS: Final[tuple[tuple[type[LightkeeperError], int], ...]] = (
    (NotPermitted, 403),
    (CaseNotFound, 404),
    (InvalidTransition, 409),
    (StaleCase, 409),
    (LimitExceeded, 413),
    (UnsupportedMedia, 415),
    (MediaError, 422),
    (InvalidReport, 422),
    (Rejected, 502),
    (Unavailable, 503),
)
_CODES: Final = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
_SENTENCES: Final = {
    403: "You have no right to this.",
    404: "There is nothing here, or nothing for you.",
    405: "This address does not take such requests.",
    413: "That is too much at once.",
}


def for_programs(path: str) -> bool:
    """Whether programs ask under this path."""
    return path.startswith("/api/") or path in {"/healthz", "/readyz", "/metrics"}


def answer_failures(app: FastAPI) -> None:
    """Give every kind of failure its answer."""
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(LightkeeperError, _on_domain_error)


def refusal_of(error: LightkeeperError) -> Refusal:
    """What a client is told of an error of the domain; of one that it cannot help, nothing."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return Refusal(status, error.code, str(error))
    log.error("domain error", code=error.code)
    return Refusal(500, "internal-error", "Something went wrong here.")


def failure_response(request: Request, failure: HTTPException) -> Response:
    """The answer to a request that failed."""
    status, headers = failure.status_code, failure.headers
    # What a client wrote may hold half a surrogate pair, which no encoding takes.
    message = str(failure.detail).encode("utf-8", "replace").decode()
    if not isinstance(failure, Refusal):
        message = _SENTENCES.get(status, message)
    code = failure.code if isinstance(failure, Refusal) else _CODES.get(status, "http")
    if for_programs(request.url.path):
        return JSONResponse({"error": {"code": code, "message": message}}, status, headers)
    if isinstance(failure, Refusal) and failure.code == SIGN_IN:
        return _to_sign_in(request)
    page = render(request, "error.html", status=status, message=message, code=code)
    page.headers.update(headers or {})
    page.status_code = status
    return page


SIGN_IN: Final = "sign-in"
"""Code of a refusal that signing in would help."""


def _to_sign_in(request: Request) -> Response:
    if request.headers.get("hx-request"):
        # A redirect would put the sign-in page into a part of this one.
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    back = f"?next={request.url.path}" if request.method == "GET" else ""
    return RedirectResponse(f"/sign-in{back}", 303)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return failure_response(request, error)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part)[:40] for part in first["loc"])
    return failure_response(request, Refusal(422, "invalid-request", f"{where}: {first['msg']}"))


async def _on_domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LightkeeperError)
    return failure_response(request, refusal_of(error))
