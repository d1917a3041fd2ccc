"""What is around every page of somebody who has signed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse

from lightkeeper.cases.exposure import Exposure, exposure
from lightkeeper.cases.people import Permission
from lightkeeper.service._render import render
from lightkeeper.service.pages._preferences import KEYS, Preferences

if TYPE_CHECKING:
    from starlette.responses import HTMLResponse

    from lightkeeper.cases.people import Actor
    from lightkeeper.service._services import ServiceConfig, Services

LATER: Final = "break-later"
"""Preference: when a reminder was put off."""
SOON: Final = timedelta(hours=4)
"""A case that is due within this is marked."""
_PUT_OFF: Final = timedelta(minutes=10)
_SAID: Final = {
    "nothing-free": "Nothing is free in this queue. You have done what there was.",
    "claimed": "The case is yours for the next minutes.",
    "released": "You have given the case back.",
    "skipped": "Skipped. You will not be offered this case again today.",
    "handed-over": "The case was handed over.",
    "decided": "Your decision is kept. You can undo it until a report is sent.",
    "undone": "The decision was undone, and so was everything it had spread to.",
    "signals": "The signals are set, and the case was triaged anew.",
    "held": "Nothing of this case can be destroyed now.",
    "hold-released": "The hold has ended.",
    "second-opinion": "Somebody else decides blindly now.",
    "saved": "Your settings are kept.",
    "queue-saved": "The queue is kept among your tabs.",
    "queue-dropped": "The tab is gone.",
    "prepared": "The draft is ready. Nothing has been sent.",
    "confirmed": "Confirmed. The report is sent in the background.",
    "discarded": "The draft was thrown away.",
    "retracted": "The report is being withdrawn.",
    "retried": "It is tried again.",
    "settled": "It is settled.",
}


async def _posted(request: Request) -> FormData:
    return await request.form()


Posted = Annotated[FormData, Depends(_posted)]


def framed(
    request: Request,
    actor: Actor,
    services: Services,
    config: ServiceConfig,
    name: str,
    *,
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """A page with the person's settings and exposure around it."""
    kept = services.desk.preferences(actor)
    preferences = Preferences.of(kept)
    seen = own_exposure(actor, services) if actor.may(Permission.VIEW_MEDIA) else None
    return render(
        request,
        name,
        status=status,
        now=services.clock(),
        preferences=preferences,
        key_names=KEYS,
        exposure=seen,
        budget=services.budget,
        remind=_reminds(seen, preferences, config, kept.get(LATER, ""), services.clock()),
        said=_SAID.get(request.query_params.get("said", "")),
        **context,
    )


def own_exposure(actor: Actor, services: Services) -> Exposure:
    """What somebody has looked at in this shift."""
    now, budget = services.clock(), services.budget
    with services.cases.reading() as reader:
        views = reader.views_of(actor.id, now - budget.shift)
    return exposure(views, now=now, budget=budget)


def names_of(services: Services) -> dict[str, str]:
    """Names of all accounts, by identifier."""
    with services.accounts.reading_accounts() as unit:
        return {account.id: account.name for account in unit.accounts()}


def text_of(form: FormData, name: str, *, most: int = 10_000) -> str:
    """One field of a form, bounded."""
    value = form.get(name)
    return value[:most].strip() if isinstance(value, str) else ""


def back_to(path: str, said: str) -> RedirectResponse:
    """A page, which says what has happened."""
    joint = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joint}said={said}", 303)


def _reminds(
    seen: Exposure | None,
    preferences: Preferences,
    config: ServiceConfig,
    later: str,
    now: datetime,
) -> bool:
    if seen is None or not seen.suggests or not config.break_reminders:
        return False
    if preferences.breaks == "no":
        return False
    try:
        return now - datetime.fromisoformat(later) >= _PUT_OFF
    except (ValueError, TypeError):
        return True
