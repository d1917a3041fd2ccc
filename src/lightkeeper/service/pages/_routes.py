"""All pages."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from lightkeeper.service._render import render
from lightkeeper.service.pages._sign_in import sign_in_routes


def page_routes() -> APIRouter:
    """Routes for people; answers are HTML. Each writes its path in full."""
    router = APIRouter(include_in_schema=False)
    router.include_router(sign_in_routes())

    @router.get("/")
    def home(request: Request) -> HTMLResponse:
        return render(request, "home.html")

    return router
