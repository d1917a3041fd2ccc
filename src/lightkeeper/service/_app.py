"""The app: what the rooms of the service share, and how it starts and stops."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI

from lightkeeper import __version__
from lightkeeper.service._acting import guard
from lightkeeper.service._failures import answer_failures
from lightkeeper.service._gate import Gate
from lightkeeper.service._gauges import Gauges
from lightkeeper.service._identity import Identify
from lightkeeper.service._metrics import Metrics
from lightkeeper.service._rates import Rates
from lightkeeper.service._state import state_routes
from lightkeeper.service._static import static_routes
from lightkeeper.service._telemetry import NO_TELEMETRY
from lightkeeper.service.api import api_routes
from lightkeeper.service.pages import page_routes
from lightkeeper.storage._engine import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from lightkeeper.service._services import ServiceConfig, Services

_OF_LOOKUPS: Final = ("/v1/", "/h/", "/m/", "/c/", "/livez", "/status")


def create_app(
    services: Services,
    config: ServiceConfig,
    *,
    lookups: FastAPI | None = None,
    seconds: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The review service.

    Parameters
    ----------
    services : Services
    config : ServiceConfig
    lookups : FastAPI, optional
        The look-up service, which answers under its own paths with keys of its own.
    seconds : callable, optional
        What rates are measured with.

    Returns
    -------
    FastAPI
    """
    metrics = Metrics()
    metrics.registry.register(Gauges(services))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Each waits for the data base most of its time; more would only wait for a connection.
        current_default_thread_limiter().total_tokens = CONNECTIONS
        async with contextlib.AsyncExitStack() as stack:
            if lookups is not None:
                await stack.enter_async_context(lookups.router.lifespan_context(lookups))
            yield

    app = FastAPI(
        title="Lightkeeper",
        version=__version__,
        lifespan=lifespan,
        dependencies=[Depends(guard)],
        max_body_size=config.max_body_bytes,
        # These would be routes without a guard, and their pages load scripts from elsewhere.
        openapi_url=None,
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )
    app.state.services, app.state.config, app.state.metrics = services, config, metrics
    answer_failures(app)
    # The last that is added sees a request first.
    app.add_middleware(Identify, services=services, config=config, rates=Rates(seconds))
    app.add_middleware(Gate, config=config, metrics=metrics)
    if lookups is not None:
        app.add_middleware(_Beside, lookups=lookups)
    for router in (
        state_routes(metrics),
        static_routes(),
        page_routes(),
        api_routes(config),
    ):
        app.include_router(router)
    return app


class _Beside:
    """ASGI middleware that hands requests for look-ups to their own app."""

    def __init__(self, app: ASGIApp, *, lookups: FastAPI) -> None:
        self._app = app
        self._lookups = lookups

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] != "http" or not scope["path"].startswith(_OF_LOOKUPS)
        await (self._app if ours else self._lookups)(scope, receive, send)
