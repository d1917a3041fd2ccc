"""Working on cases: claims, decisions, custody. A key can do none of this: a person decides."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from lightkeeper.cases.custody import sign_certificate
from lightkeeper.cases.decision import Decision
from lightkeeper.cases.record import Case
from lightkeeper.service._acting import Acting, Serving
from lightkeeper.service.api._filters import Queued
from lightkeeper.service.api._models import (
    BecauseBody,
    DecisionBody,
    DestructionBody,
    HandOverBody,
    SignalsBody,
)
from lightkeeper.service.api._refusals import refusals


def work_routes() -> APIRouter:
    """Routes of reviewers and leads, for programs that they use."""
    router = APIRouter(tags=["work"])

    @router.post(
        "/api/v1/cases/next",
        responses={**refusals(), 204: {"description": "Nothing is free."}},
        response_model=Case,
    )
    def take_next(parameters: Queued, actor: Acting, services: Serving) -> Any:
        """Claim the first case of a queue that is free."""
        case = services.desk.take_next(actor, parameters.case_filter(), sort=parameters.sort)
        return Response(status_code=204) if case is None else case

    @router.post("/api/v1/cases/{case_id}/claim", responses=refusals(404, 409))
    def claim(case_id: str, actor: Acting, services: Serving) -> Case:
        """Claim a case, or renew the claim."""
        return services.desk.claim(actor, case_id)

    @router.post("/api/v1/cases/{case_id}/release", responses=refusals(404, 409))
    def release(case_id: str, actor: Acting, services: Serving) -> Case:
        """Give a claim back."""
        return services.desk.release(actor, case_id)

    @router.post("/api/v1/cases/{case_id}/skip", responses=refusals(404, 409))
    def skip(case_id: str, body: BecauseBody, actor: Acting, services: Serving) -> Case:
        """Give a case back, and not be offered it again in this shift."""
        return services.desk.skip(actor, case_id, because=body.because)

    @router.post("/api/v1/cases/{case_id}/hand-over", responses=refusals(404, 409))
    def hand_over(case_id: str, body: HandOverBody, actor: Acting, services: Serving) -> Case:
        """Assign a case to another person."""
        return services.desk.hand_over(actor, case_id, to=body.to, because=body.because)

    @router.put("/api/v1/cases/{case_id}/signals", responses=refusals(404, 409))
    def signal(case_id: str, body: SignalsBody, actor: Acting, services: Serving) -> Case:
        """Say what is known of a case's urgency; triage follows."""
        return services.desk.signal(actor, case_id, body.signals, because=body.because)

    @router.post("/api/v1/cases/{case_id}/decision", status_code=201, responses=refusals(404, 409))
    def decide(case_id: str, body: DecisionBody, actor: Acting, services: Serving) -> Decision:
        """Decide about a case that one has claimed."""
        return services.desk.decide(actor, case_id, body.draft())

    @router.post("/api/v1/decisions/{decision_id}/undo", responses=refusals(404, 409))
    def undo(decision_id: str, body: BecauseBody, actor: Acting, services: Serving) -> Case:
        """Undo a decision, and all that was spread from it."""
        return services.desk.undo(actor, decision_id, because=body.because)

    @router.post("/api/v1/cases/{case_id}/second-opinion", responses=refusals(404, 409))
    def ask_second_opinion(case_id: str, actor: Acting, services: Serving) -> Case:
        """Have another person decide blindly."""
        return services.desk.ask_second_opinion(actor, case_id)

    @router.post("/api/v1/cases/{case_id}/hold", responses=refusals(404, 409))
    def hold(case_id: str, body: BecauseBody, actor: Acting, services: Serving) -> Case:
        """Let nothing of a case be destroyed."""
        return services.desk.hold(actor, case_id, because=body.because)

    @router.post("/api/v1/cases/{case_id}/release-hold", responses=refusals(404, 409))
    def release_hold(case_id: str, body: BecauseBody, actor: Acting, services: Serving) -> Case:
        """End a hold."""
        return services.desk.release_hold(actor, case_id, because=body.because)

    @router.post("/api/v1/cases/{case_id}/destroy", responses=refusals(404, 409))
    def destroy(
        case_id: str, body: DestructionBody, actor: Acting, services: Serving
    ) -> dict[str, Any]:
        """Destroy media and texts of a case; the signed certificate of it, which is kept nowhere
        here."""
        certified = services.desk.destroy(
            actor,
            case_id,
            request=body.request,
            by_law_enforcement=body.by_law_enforcement,
        )
        return sign_certificate(certified, services.keys.signing_key())

    return router
