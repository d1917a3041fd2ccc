"""What can be done with a case besides deciding: each is a form that posts and comes back."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse

from lightkeeper.cases.record import Signal
from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service.pages._frame import Posted, back_to, text_of

_LONGEST_REASON = 500


def act_routes() -> APIRouter:
    """Claims, skips, signals, holds."""
    router = APIRouter(include_in_schema=False)

    @router.post("/cases/{case_id}/claim")
    def claim(case_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        services.desk.claim(actor, case_id)
        return back_to(f"/cases/{case_id}", "claimed")

    @router.post("/cases/{case_id}/release")
    def release(case_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        services.desk.release(actor, case_id)
        return back_to(f"/cases/{case_id}", "released")

    @router.post("/cases/{case_id}/skip")
    def skip(case_id: str, form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        because = text_of(form, "because", most=_LONGEST_REASON)
        services.desk.skip(actor, case_id, because=because)
        return back_to("/", "skipped")

    @router.post("/cases/{case_id}/hand-over")
    def hand_over(case_id: str, form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        to = text_of(form, "to", most=100)
        because = text_of(form, "because", most=_LONGEST_REASON)
        services.desk.hand_over(actor, case_id, to=to, because=because)
        return back_to("/", "handed-over")

    @router.post("/cases/{case_id}/signals")
    def signals(case_id: str, form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        chosen = {str(value) for value in form.getlist("signal")}
        found = frozenset(signal for signal in Signal if signal.value in chosen)
        because = text_of(form, "because", most=_LONGEST_REASON)
        services.desk.signal(actor, case_id, found, because=because)
        return back_to(f"/cases/{case_id}", "signals")

    @router.post("/cases/{case_id}/second-opinion")
    def second_opinion(case_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        services.desk.ask_second_opinion(actor, case_id)
        return back_to(f"/cases/{case_id}", "second-opinion")

    @router.post("/cases/{case_id}/hold")
    def hold(case_id: str, form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        because = text_of(form, "because", most=_LONGEST_REASON)
        services.desk.hold(actor, case_id, because=because)
        return back_to(f"/cases/{case_id}", "held")

    @router.post("/cases/{case_id}/release-hold")
    def release_hold(
        case_id: str, form: Posted, actor: Acting, services: Serving
    ) -> RedirectResponse:
        because = text_of(form, "because", most=_LONGEST_REASON)
        services.desk.release_hold(actor, case_id, because=because)
        return back_to(f"/cases/{case_id}", "hold-released")

    return router
