"""Destroying what a case holds, on somebody's request, and the certificate of it."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from lightkeeper.cases.custody import sign_certificate
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._words import short
from lightkeeper.service.pages._frame import Posted, framed, text_of


def destruction_routes() -> APIRouter:
    """It cannot be undone, so a person types which case it is about."""
    router = APIRouter(include_in_schema=False)

    @router.post("/cases/{case_id}/destroy")
    def destroy(
        case_id: str,
        request: Request,
        form: Posted,
        actor: Acting,
        services: Serving,
        config: Granting,
    ) -> HTMLResponse:
        if text_of(form, "typed", most=100) != short(case_id):
            raise Refusal(
                422, "not-typed", "What you typed is not the beginning of the case’s identifier."
            )
        certified = services.desk.destroy(
            actor,
            case_id,
            request=text_of(form, "because", most=500),
            by_law_enforcement=text_of(form, "law_enforcement") == "yes",
        )
        signed = sign_certificate(certified, services.keys.signing_key())
        text = json.dumps(signed, indent=1, ensure_ascii=False)
        return framed(
            request,
            actor,
            services,
            config,
            "destroyed.html",
            certificate=signed,
            text=text,
            case_id=case_id,
        )

    return router
