"""The queue: what waits, why, and taking the next case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lightkeeper.cases.people import Permission
from lightkeeper.cases.record import UNDECIDED, Arising, CaseState, Intake, Signal, SubjectKind
from lightkeeper.cases.triage import CaseFilter, SavedQueue, Sort
from lightkeeper.service._acting import Acting, Granting, Serving
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._words import named
from lightkeeper.service.api._filters import QueueParameters
from lightkeeper.service.pages._frame import SOON, Posted, back_to, framed, names_of, text_of
from lightkeeper.service.pages._reasons import few_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.cases.people import Actor
    from lightkeeper.service._services import Services

_MANY: Final = frozenset({"queue", "state", "arising", "intake", "signal", "origin"})
_OF_THE_PAGE: Final = frozenset({"tab", "changed", "said", "csrf", "name", "for_all"})
SORTS: Final = {
    Sort.RANK: "Most urgent",
    Sort.SCORE: "Highest score",
    Sort.DUE: "Due first",
    Sort.OLDEST: "Oldest",
    Sort.NEWEST: "Newest",
    Sort.REPORTS: "Most reported",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the address asks for."""

    tab: str
    which: CaseFilter
    sort: Sort
    after: str | None
    query: tuple[tuple[str, str], ...]
    """The same, as parameters of an address without its place."""


def queue_routes() -> APIRouter:
    """Lists of cases."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def queue(request: Request, actor: Acting, services: Serving, config: Granting) -> Response:
        if not actor.may(Permission.READ_CASES):
            return framed(request, actor, services, config, "home.html")
        tabs = _tabs(actor, services)
        asked = _asked(request.query_params, tabs)
        page = services.desk.queue(actor, asked.which, sort=asked.sort, after=asked.after)
        context: dict[str, Any] = {
            "tabs": tabs,
            "asked": asked,
            "page": page,
            "counts": services.desk.count_by_arising(actor, asked.which),
            "names": names_of(services),
            "sorts": SORTS,
            "few_words": few_words,
            "soon": services.clock() + SOON,
            "kinds": {
                "arising": Arising,
                "state": CaseState,
                "intake": Intake,
                "signal": Signal,
                "subject_kind": SubjectKind,
            },
            "more": urlencode([*asked.query, ("after", page.next)]) if page.next else None,
        }
        return framed(request, actor, services, config, "queue.html", **context)

    @router.post("/next")
    def take_next(form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        asked = _asked(form, _tabs(actor, services))
        case = services.desk.take_next(actor, asked.which, sort=asked.sort)
        if case is None:
            return back_to(f"/?{urlencode(asked.query)}", "nothing-free")
        return RedirectResponse(f"/cases/{case.id}", 303)

    @router.post("/queues")
    def save(form: Posted, actor: Acting, services: Serving) -> RedirectResponse:
        asked = _asked(form, _tabs(actor, services))
        name = text_of(form, "name", most=60)
        if not name:
            raise Refusal(422, "no-name", "A queue needs a name to be kept under.")
        for_all = text_of(form, "for_all") == "yes" and actor.may(Permission.LEAD)
        queue = SavedQueue(
            id="",
            name=name,
            owner=None if for_all else actor.id,
            filter=asked.which,
            sort=asked.sort,
        )
        kept = services.desk.save_queue(actor, queue)
        return back_to(f"/?tab={kept.id}", "queue-saved")

    @router.post("/queues/{queue_id}/drop")
    def drop(queue_id: str, actor: Acting, services: Serving) -> RedirectResponse:
        services.desk.drop_queue(actor, queue_id)
        return back_to("/", "queue-dropped")

    return router


def _tabs(actor: Actor, services: Services) -> tuple[SavedQueue, ...]:
    """Those that everybody has, then one's own and those of all."""
    known = [
        SavedQueue(id="review", name="To review", owner=None, filter=_of(states=UNDECIDED)),
        SavedQueue(
            id="overdue", name="Overdue", owner=None, filter=_of(overdue=True), sort=Sort.DUE
        ),
    ]
    if actor.may(Permission.REVIEW):
        mine = _of(states=UNDECIDED, claimed_by=actor.id)
        given = _of(states=UNDECIDED, assigned=actor.id)
        known.insert(1, SavedQueue(id="mine", name="Claimed by me", owner=None, filter=mine))
        known.insert(2, SavedQueue(id="given", name="Handed to me", owner=None, filter=given))
    to_report = _of(states=frozenset({CaseState.TO_REPORT}))
    report = SavedQueue(id="report", name="To report", owner=None, filter=to_report)
    known.insert(0 if not actor.may(Permission.REVIEW) else len(known), report)
    if actor.may(Permission.KEEP):
        ended = _of(past_retention=True)
        known.append(
            SavedQueue(
                id="ended", name="Retention over", owner=None, filter=ended, sort=Sort.OLDEST
            )
        )
    known.append(SavedQueue(id="all", name="All", owner=None, filter=_of()))
    return (*known, *services.desk.saved_queues(actor))


def _of(**narrow: Any) -> CaseFilter:
    return CaseFilter(**narrow)


def _asked(given: FormData | QueryParams, tabs: Iterable[SavedQueue]) -> _Asked:
    """The filter of the tab, until somebody changes it."""
    pairs = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]
    by_id = {tab.id: tab for tab in tabs}
    tab = by_id.get(dict(pairs).get("tab", "")) or next(iter(by_id.values()))
    parameters = _parameters(pairs)
    changed = bool(given.get("changed"))
    which = parameters.case_filter() if changed else tab.filter
    sort = parameters.sort if changed else tab.sort
    if changed and tab.filter.assigned is not None:
        which = replace(which, assigned=tab.filter.assigned)
    query = [(name, value) for name, value in pairs if value and name not in _OF_THE_PAGE]
    query = [(name, value) for name, value in query if name != "after"]
    query.append(("tab", tab.id))
    if changed:
        query.append(("changed", "1"))
    return _Asked(tab.id, which, sort, parameters.after, tuple(query))


def _parameters(pairs: list[tuple[str, str]]) -> QueueParameters:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if not value or name in _OF_THE_PAGE:
            continue
        if name in _MANY:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    try:
        return QueueParameters.model_validate(values)
    except ValidationError as error:
        where = named(str(error.errors()[0]["loc"][0])[:40])
        raise Refusal(422, "invalid-request", f"The filter “{where}” is not understood.") from None
