"""Pixels, each time that somebody asks for them, and how long they were on the screen."""

from __future__ import annotations

import math

from fastapi import APIRouter
from starlette.responses import Response

from lightkeeper.cases.item import ViewMode
from lightkeeper.errors import VaultError
from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service.pages._frame import Posted, text_of

VIEW_HEADER = "Lightkeeper-View"
_LEAST_SECONDS = 1.0
"""A shorter look is no view of the entire contents, whatever the page says."""
_HEADERS = {"Cache-Control": "no-store", "Content-Disposition": "inline"}


def pixel_routes() -> APIRouter:
    """They are posted for: no link, no prefetch and no other page can cause a view."""
    router = APIRouter(include_in_schema=False)

    @router.post("/items/{item_id}/pixels")
    def pixels(item_id: str, form: Posted, actor: Acting, services: Serving) -> Response:
        clear = text_of(form, "mode") == ViewMode.CLEAR.value
        try:
            shown = services.desk.show(
                actor, item_id, ViewMode.CLEAR if clear else ViewMode.OBSCURED
            )
        except VaultError:
            raise Refusal(409, "no-picture", "The vault does not give this picture out.") from None
        return Response(
            shown.content,
            media_type=shown.media_type,
            headers={**_HEADERS, VIEW_HEADER: shown.view.id},
        )

    @router.post("/views/{view_id}", status_code=204)
    def ended(view_id: str, form: Posted, actor: Acting, services: Serving) -> Response:
        seconds = _seconds(text_of(form, "seconds", most=20))
        entire = text_of(form, "entire") == "yes" and seconds >= _LEAST_SECONDS
        services.desk.end_view(actor, view_id, seconds=seconds, entire=entire)
        return Response(status_code=204)

    return router


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
