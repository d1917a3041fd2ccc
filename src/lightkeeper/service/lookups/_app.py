"""The app: what the routes share, and how it starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.exceptions import HTTPException

from lightkeeper import __version__
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._telemetry import NO_TELEMETRY
from lightkeeper.service.lookups._answers import Answers, CountedIndex
from lightkeeper.service.lookups._config import LookupConfig
from lightkeeper.service.lookups._failures import failure_response
from lightkeeper.service.lookups._gate import Gate
from lightkeeper.service.lookups._hasher import Hasher
from lightkeeper.service.lookups._hma import hma_routes
from lightkeeper.service.lookups._mark_worker import MarkPlan
from lightkeeper.service.lookups._marks import mark_routes
from lightkeeper.service.lookups._metrics import Metrics
from lightkeeper.service.lookups._models import Failure, StateOut
from lightkeeper.service.lookups._resolution import resolution_routes
from lightkeeper.service.lookups._v1 import v1_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lightkeeper.matching import SetStore
    from lightkeeper.service.lookups._marks import MarkEntries

_DESCRIPTION = """Look hashes and pictures up in sets of known material.

A match says which set, which entry and at what distance; leads are entries that nobody has
confirmed. Nothing is fetched from anywhere, and uploads are kept nowhere.
"""


def create_lookup_app(
    store: SetStore | None,
    index: CountedIndex | None,
    config: LookupConfig | None = None,
    *,
    marks: MarkEntries | None = None,
) -> FastAPI:
    """The look-up service over a store and the index that was built from it.

    Parameters
    ----------
    store : SetStore or None
    index : CountedIndex or None
        An :class:`lightkeeper.matching.index.IndexReader`; it renews itself. Without store and
        index there are no look-ups of hashes.
    config : LookupConfig, optional
    marks : MarkEntries, optional
        Registries of marked pictures; without them there are no look-ups of payloads.

    Returns
    -------
    FastAPI
        Worker processes start and end with its lifespan.
    """
    config = config or LookupConfig()
    metrics = Metrics()
    answers = None
    if store is not None and index is not None:
        answers = Answers(store, index, metrics, park=config.park_floods)
    plan = None if marks is None else MarkPlan(config.manifests, config.trust)
    hasher = Hasher(config, metrics, plan=plan)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Hashes can be looked up while workers start, which takes a minute on a new machine.
        tasks = [asyncio.create_task(hasher.start())]
        if answers is not None:
            tasks.append(asyncio.create_task(answers.keep_tally()))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            hasher.stop()
            if answers is not None:
                answers.stop()

    app = FastAPI(
        title="Lightkeeper look-ups",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
    )
    app.add_middleware(Gate, config=config, metrics=metrics)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.include_router(_state_routes(answers, hasher))
    # The gate checks keys; these only make the document say so.
    bearer, header = HTTPBearer(auto_error=False), APIKeyHeader(name="X-API-Key", auto_error=False)
    keyed = [Security(bearer), Security(header)] if config.keys else []
    for router in (
        *([] if answers is None else [v1_routes(answers, hasher, config)]),
        *([] if answers is None else [hma_routes(answers, hasher)]),
        _metrics_route(answers, metrics),
        *([mark_routes(marks, hasher, config)] if marks is not None else []),
        *([resolution_routes(marks, hasher, config)] if marks is not None else []),
    ):
        app.include_router(router, dependencies=keyed)
    return app


def _state_routes(answers: Answers | None, hasher: Hasher) -> APIRouter:
    router = APIRouter(tags=["state"])
    busy = {503: {"model": Failure}}

    @router.get("/healthz", response_model=StateOut)
    async def healthz() -> JSONResponse:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", response_model=StateOut, responses=busy)  # type: ignore[arg-type]
    async def readyz() -> JSONResponse:
        """Workers have started, and store and index answer."""
        if not hasher.ready:
            raise Refusal(503, "starting", "Workers are starting.")
        if answers is not None:
            await answers.status()
        return JSONResponse({"status": "ready"})

    @router.get("/livez", response_class=PlainTextResponse)
    async def livez() -> PlainTextResponse:
        """The process answers, as HMA says it."""
        return PlainTextResponse("OK")

    @router.get("/status", response_class=PlainTextResponse, responses={503: {}})
    async def status() -> PlainTextResponse:
        """Ready, as HMA says it."""
        if not hasher.ready:
            return PlainTextResponse("INDEX-NOT-LOADED", 503)
        return PlainTextResponse("I-AM-ALIVE")

    return router


def _metrics_route(answers: Answers | None, metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["state"])

    @router.get("/metrics", response_class=PlainTextResponse)
    async def prometheus() -> Response:
        """Counters for Prometheus."""
        if answers is not None:
            await answers.status()
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    return router


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return failure_response(request.url.path, error)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part)[:40] for part in first["loc"])
    failure = Refusal(422, "invalid-request", f"{where}: {first['msg']}")
    return failure_response(request.url.path, failure)
