"""What a route may answer beside its success, for its description."""

from __future__ import annotations

from typing import Any, Final

from lightkeeper.service.api._models import ProblemView

_SAID: Final = {
    400: "The request cannot be read.",
    401: "Nobody signed in, and no key was sent.",
    403: "There is no right to this.",
    404: "There is no such thing, or not for whoever asks.",
    408: "The body stopped coming.",
    409: "The state of the case does not allow it, or somebody else was faster.",
    413: "That is too much at once.",
    415: "The content is of another type.",
    422: "Something in the request is not valid.",
    429: "There were too many requests at once.",
    500: "Something went wrong in the service.",
}


def refusals(*more: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of the answers that any route may give, and of ``more``."""
    always = (400, 401, 403, 413, 422, 429, 500)
    return {
        status: {"model": ProblemView, "description": _SAID[status]}
        for status in sorted({*always, *more})
    }
