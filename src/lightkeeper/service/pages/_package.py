"""The control on the page of a case that hands it out."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import StreamingResponse

from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service._packages import packaged
from lightkeeper.service.pages._frame import Posted, text_of


def package_routes() -> APIRouter:
    """It is posted for: no link and no prefetch can hand a case out."""
    router = APIRouter(include_in_schema=False)

    @router.post("/cases/{case_id}/package")
    def package(case_id: str, form: Posted, actor: Acting, services: Serving) -> StreamingResponse:
        with_media = text_of(form, "media", most=10) == "yes"
        return packaged(services, actor, case_id, with_media=with_media)

    return router
