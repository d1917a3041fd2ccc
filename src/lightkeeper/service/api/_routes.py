"""All routes of the API."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request


def api_routes() -> APIRouter:
    """Routes under ``/api/v1``, written out in full."""
    router = APIRouter()

    @router.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        """What the API offers."""
        return JSONResponse(request.app.openapi())

    return router
