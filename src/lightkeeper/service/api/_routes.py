"""All routes of the API."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request

from lightkeeper.service._services import ServiceConfig
from lightkeeper.service.api._accounts import account_routes
from lightkeeper.service.api._audit import audit_routes
from lightkeeper.service.api._cases import case_routes
from lightkeeper.service.api._oversight import oversight_routes
from lightkeeper.service.api._packages import package_routes
from lightkeeper.service.api._reports import report_routes
from lightkeeper.service.api._signing_keys import signing_key_routes
from lightkeeper.service.api._work import work_routes


def api_routes(config: ServiceConfig) -> APIRouter:
    """Routes under ``/api/v1``, written out in full."""
    router = APIRouter()
    router.include_router(work_routes())
    router.include_router(case_routes(config.max_upload_bytes))
    router.include_router(report_routes())
    router.include_router(package_routes())
    router.include_router(oversight_routes())
    router.include_router(audit_routes())
    router.include_router(account_routes())
    router.include_router(signing_key_routes())

    @router.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        """What the API offers."""
        return JSONResponse(request.app.openapi())

    return router
