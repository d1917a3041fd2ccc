"""One case: its evidence before its pixels, and the decision about it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lightkeeper.assessment import AgeGroup
from lightkeeper.cases.decision import Artefact, Confidence, Guidance, Seen, guidance
from lightkeeper.cases.people import Permission
from lightkeeper.cases.record import UNDECIDED, Signal
from lightkeeper.errors import CaseNotFound, InvalidTransition, NotPermitted, StaleCase
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._render import render
from lightkeeper.service.pages import _answers, _reporter_form
from lightkeeper.service.pages._answers import Answers, classification, read_answers
from lightkeeper.service.pages._evidence import panels
from lightkeeper.service.pages._frame import SOON, Posted, back_to, framed, names_of, text_of

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from lightkeeper.cases.audit import Event
    from lightkeeper.cases.desk import CaseFile
    from lightkeeper.cases.people import Actor
    from lightkeeper.cases.record import Case
    from lightkeeper.service._services import ServiceConfig, Services

_HISTORY = 200
_OF_PANEL = re.compile(r"g([1-9][0-9]{0,3})\.")


def case_routes() -> APIRouter:
    """A case, and deciding about it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/cases/{case_id}")
    def case(
        case_id: str, request: Request, actor: Acting, services: Serving, config: Granting
    ) -> HTMLResponse:
        return case_page(request, actor, services, config, case_id)

    @router.post("/cases/{case_id}/decision")
    def decide(
        case_id: str,
        request: Request,
        form: Posted,
        actor: Acting,
        services: Serving,
        config: Granting,
    ) -> Response:
        file = services.desk.case_file(actor, case_id)
        answers = read_answers(form, panels(file.groups))
        if answers.draft is None:
            return case_page(request, actor, services, config, case_id, answers, status=422)
        try:
            draft = _with_claim(actor, services, file.case, answers)
            services.desk.decide(actor, case_id, draft)
        except CaseNotFound:
            raise
        except (NotPermitted, InvalidTransition, StaleCase) as error:
            answers = replace(answers, problems={"case": f"{str(error).capitalize()}."})
            return case_page(request, actor, services, config, case_id, answers, status=409)
        return back_to(f"/cases/{case_id}", "decided")

    @router.post("/cases/{case_id}/guidance")
    def guide(
        case_id: str, request: Request, form: Posted, actor: Acting, services: Serving
    ) -> HTMLResponse:
        # The case was opened with a trace; each change of its form is no further reading.
        _require_case(actor, services, case_id)
        return render(request, "part_guidance.html", guidance=_guidance(form, actor))

    @router.post("/decisions/{decision_id}/undo")
    def undo(decision_id: str, form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        because = text_of(form, "because", most=500)
        case = services.desk.undo(actor, decision_id, because=because)
        return back_to(f"/cases/{case.id}", "undone")

    return router


def case_page(
    request: Request,
    actor: Actor,
    services: Services,
    config: ServiceConfig,
    case_id: str,
    answers: Answers | None = None,
    *,
    reported: Answers | None = None,
    status: int = 200,
) -> HTMLResponse:
    """A case, with what was answered to its decision and about its report, where that was not
    good."""
    file = services.desk.case_file(actor, case_id)
    now = services.clock()
    context: dict[str, Any] = {
        "file": file,
        "case": file.case,
        "panels": panels(file.groups),
        "answers": answers or Answers(),
        "reported": reported or Answers(),
        "names": names_of(services),
        "claimed": file.case.claim is not None and file.case.claim.until > now,
        "soon": now + SOON,
        "file_marks": _file_marks(file),
        "undecided": file.case.state in UNDECIDED,
        "spread": _spread(actor, services, file),
        "guidance": _decided_guidance(file),
        "reports": services.reports.of_case(actor, case_id),
        "history": _history(actor, services, case_id),
        "reviewers": _reviewers(actor, services, file.case),
        "form": _answers,
        "reporter": _reporter_form,
        "signals": Signal,
        "artefacts": Artefact,
        "seen": Seen,
        "confidences": Confidence,
        "ages": AgeGroup,
    }
    return framed(request, actor, services, config, "case.html", status=status, **context)


def _with_claim(actor: Actor, services: Services, case: Case, answers: Answers) -> Any:
    """The draft, under a claim: one that ran out while somebody was thinking is taken again,
    unless the case has changed since."""
    draft = answers.draft
    assert draft is not None
    stands = case.claim is not None and case.claim.until > services.clock()
    if stands or draft.version != case.version:
        return draft
    return replace(draft, version=services.desk.claim(actor, case.id).version)


def _spread(actor: Actor, services: Services, file: CaseFile) -> tuple[int, int]:
    """Near-duplicates in other cases, and how many open cases a decision would reach."""
    elsewhere = sum(group.elsewhere for group in file.groups)
    if not elsewhere or file.case.state not in UNDECIDED or not actor.may(Permission.REVIEW):
        return 0, 0
    return elsewhere, services.desk.reach(actor, file.case.id)


def _require_case(actor: Actor, services: Services, case_id: str) -> None:
    actor.require(Permission.READ_CASES)
    with services.cases.reading() as reader:
        case = reader.case(case_id)
    if case is None or not actor.may(Permission.READ_CASES, case.queue):
        raise CaseNotFound("there is no such case")


def _guidance(form: FormData, actor: Actor) -> tuple[Guidance, ...]:
    numbers = {int(field[1]) for name in form if (field := _OF_PANEL.match(name))}
    found = (
        each
        for number in sorted(numbers)
        for each in guidance(classification(form, number, person=actor.id))
    )
    return tuple(dict.fromkeys(found))


def _decided_guidance(file: CaseFile) -> tuple[Guidance, ...]:
    parts = (part for d in file.decisions if d.stands for part in d.items)
    return tuple(dict.fromkeys(each for part in parts for each in guidance(part.labels)))


def _file_marks(file: CaseFile) -> dict[str, tuple[str, ...]]:
    """What people marked each file with, in the newest decision that stands."""
    names = _answers.ANNOTATIONS
    return {
        part.item: tuple(names[mark] for mark in names if mark in part.annotations)
        for decision in file.decisions
        if decision.stands and not decision.second
        for part in decision.items
    }


def _history(actor: Actor, services: Services, case_id: str) -> tuple[Event, ...]:
    if not actor.may(Permission.READ_AUDIT):
        return ()
    with services.cases.reading() as reader:
        return tuple(reader.events(case=case_id, limit=_HISTORY))


def _reviewers(actor: Actor, services: Services, case: Case) -> list[tuple[str, str]]:
    with services.accounts.reading_accounts() as unit:
        return [
            (account.id, account.name)
            for account in unit.accounts()
            if account.active
            and account.id != actor.id
            and account.actor().may(Permission.REVIEW, case.queue)
        ]
