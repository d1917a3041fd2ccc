"""Whether they may: the table of rights is enforced here, before a route runs."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from lightkeeper.cases.people import Actor, Permission
from lightkeeper.service._failures import SIGN_IN
from lightkeeper.service._identity import Identity
from lightkeeper.service._refusal import Refusal
from lightkeeper.service._rights import RIGHTS, Access
from lightkeeper.service._services import ServiceConfig, Services
from lightkeeper.service.accounts._form_token import form_token

if TYPE_CHECKING:
    from lightkeeper.service._rights import Needs

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_HEADER: Final = "x-csrf-token"
TOKEN_FIELD: Final = "csrf"


async def guard(request: Request) -> None:
    """Refuse who may not. It is a dependency of the whole app, so no route can do without it."""
    path = getattr(request.scope.get("route"), "path", "")
    needs = RIGHTS.get(f"{request.method} {path}")
    if needs is None:
        raise Refusal(403, "undeclared", "This route has not declared what it needs.")
    identity: Identity | None = request.state.identity
    if needs is not Access.ANYBODY:
        check_right(identity, needs)
    if request.method not in _SAFE:
        await _check_token(request, identity)


def check_right(identity: Identity | None, needs: Needs) -> None:
    """Pass, or refuse.

    Raises
    ------
    Refusal
        Nobody asks, or somebody without the right.
    """
    if identity is None:
        raise Refusal(401, SIGN_IN, "Sign in, or send a key.", WWW_Authenticate="Bearer")
    if needs is Access.PERSON and not identity.actor.is_person:
        raise Refusal(403, "not-permitted", "Only a person may do this.")
    if isinstance(needs, Permission) and not identity.actor.may(needs):
        raise Refusal(403, "not-permitted", f"This needs the right '{needs.value}'.")


async def _check_token(request: Request, identity: Identity | None) -> None:
    """A browser sends its cookies wherever a page makes it; the token only a page of ours knows."""
    if identity is not None and identity.session is None:
        return
    expected = identity.session.csrf if identity and identity.session else form_token(request)
    given = request.headers.get(TOKEN_HEADER, "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not given and kind == "application/x-www-form-urlencoded":
        field = (await request.form()).get(TOKEN_FIELD)
        given = field if isinstance(field, str) else ""
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refusal(403, "stale-form", "This page is too old. Load it again, and try once more.")


async def acting(request: Request) -> Actor:
    """Whoever acts; a route whose table entry is ``ANYBODY`` cannot ask for this."""
    identity: Identity | None = request.state.identity
    if identity is None:
        raise Refusal(401, SIGN_IN, "Sign in, or send a key.", WWW_Authenticate="Bearer")
    return identity.actor


async def services(request: Request) -> Services:
    """What the routes work with."""
    found: Services = request.app.state.services
    return found


async def config(request: Request) -> ServiceConfig:
    """What the service grants."""
    found: ServiceConfig = request.app.state.config
    return found


# None of them waits, and yet they are coroutines: each would else be handed to a thread and back.
Acting = Annotated[Actor, Depends(acting)]
Serving = Annotated[Services, Depends(services)]
Granting = Annotated[ServiceConfig, Depends(config)]
