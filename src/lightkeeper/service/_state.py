"""Whether the service is up, and what it has counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from lightkeeper.service._acting import Serving

if TYPE_CHECKING:
    from lightkeeper.service._metrics import Metrics


def state_routes(metrics: Metrics) -> APIRouter:
    """For load balancers and Prometheus."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    def readyz(services: Serving) -> JSONResponse:
        """The data base answers."""
        with services.cases.reading() as reader:
            reader.head()
        return JSONResponse({"status": "ready"})

    @router.get("/metrics")
    def prometheus() -> Response:
        """Counters, for a key of an auditor."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return router
