"""Where a person can go: what the table of rights grants, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightkeeper.cases.people import Permission
from lightkeeper.service._rights import RIGHTS

if TYPE_CHECKING:
    from lightkeeper.cases.people import Actor


@dataclass(frozen=True, slots=True)
class Place:
    """A page with a name."""

    path: str
    name: str


_PLACES: Final = (
    Place("/", "Queue"),
    Place("/reports", "Reports"),
    Place("/statistics", "Statistics"),
    Place("/audit", "Audit"),
    Place("/people", "People"),
    Place("/settings", "Settings"),
    Place("/me", "Account"),
)


def navigation(actor: Actor) -> tuple[Place, ...]:
    """Pages that there are, and that the actor may open."""
    return tuple(place for place in _PLACES if _may_open(actor, place))


def _may_open(actor: Actor, place: Place) -> bool:
    needs = RIGHTS.get(f"GET {place.path}")
    return needs is not None and (not isinstance(needs, Permission) or actor.may(needs))
