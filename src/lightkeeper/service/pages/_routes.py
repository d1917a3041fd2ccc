"""All pages."""

from __future__ import annotations

from fastapi import APIRouter

from lightkeeper.service.pages._acts import act_routes
from lightkeeper.service.pages._audit import audit_routes
from lightkeeper.service.pages._case import case_routes
from lightkeeper.service.pages._destruction import destruction_routes
from lightkeeper.service.pages._exposure import exposure_routes
from lightkeeper.service.pages._openid import openid_routes
from lightkeeper.service.pages._own_account import own_account_routes
from lightkeeper.service.pages._package import package_routes
from lightkeeper.service.pages._people import people_routes
from lightkeeper.service.pages._pixels import pixel_routes
from lightkeeper.service.pages._queue import queue_routes
from lightkeeper.service.pages._reports import report_routes
from lightkeeper.service.pages._settings import settings_routes
from lightkeeper.service.pages._sign_in import sign_in_routes
from lightkeeper.service.pages._statistics import statistics_routes


def page_routes() -> APIRouter:
    """Routes for people; answers are HTML. Each writes its path in full."""
    router = APIRouter(include_in_schema=False)
    for routes in (
        sign_in_routes,
        openid_routes,
        queue_routes,
        case_routes,
        act_routes,
        destruction_routes,
        pixel_routes,
        settings_routes,
        people_routes,
        own_account_routes,
        exposure_routes,
        statistics_routes,
        report_routes,
        package_routes,
        audit_routes,
    ):
        router.include_router(routes())
    return router
