"""Evidence packages: a case as a file for somebody outside."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service._packages import ZIP, packaged
from lightkeeper.service.api._refusals import refusals


class PackageBody(BaseModel):
    """What goes into a package."""

    model_config = ConfigDict(extra="forbid")

    with_media: bool = False
    """The files too, decrypted. Only a person may ask for that, never a key."""


def package_routes() -> APIRouter:
    """The route that hands a case out."""
    router = APIRouter(tags=["cases"])

    @router.post(
        "/api/v1/cases/{case_id}/package",
        response_class=StreamingResponse,
        responses={
            **refusals(404, 409),
            200: {
                "description": "The package, as docs/reference/evidence-package.md describes it.",
                "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    def package(
        case_id: str, actor: Acting, services: Serving, body: PackageBody | None = None
    ) -> StreamingResponse:
        """Hand a case out as an evidence package. That it was handed out is in the audit."""
        asked = body or PackageBody()
        return packaged(services, actor, case_id, with_media=asked.with_media)

    return router
