"""How much a person has looked at, against what they may be asked to look at in a shift.

Blurring and grey have shown mixed results, so what is bounded is the number and the length of
exposures. Nothing here measures how fast or how well anybody works.

References
----------
.. [1] Das, Dang and Lease, "Fast, Accurate, and Healthier: Interactive Blurring Helps Moderators
   Reduce Exposure to Harmful Content", HCOMP 2020, doi 10.1609/hcomp.v8i1.7461.
.. [2] Lewitzka et al., 2026, doi 10.1007/s00426-026-02241-5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lightkeeper.cases.item import View, ViewMode

SEVERITIES = 4
"""0 to 3."""


class BreakReason(StrEnum):
    """Why a break is suggested."""

    LONG_SESSION = "long-session"
    REVEALS = "reveals"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one shift may hold. A reveal weighs more the more severe it is."""

    shift: timedelta = timedelta(hours=4)
    points: float = 200.0
    """Sum of ``weights`` over reveals."""
    seconds: float = 3600.0
    """Of clear pixels on the screen."""
    weights: tuple[float, float, float, float] = (1.0, 1.5, 2.0, 3.0)
    """Of one reveal, by severity."""
    break_after: timedelta = timedelta(minutes=50)
    """Looking without a pause this long calls for a break."""
    pause: timedelta = timedelta(minutes=10)
    """A gap at least this long is a break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What one person has seen in this shift."""

    reveals: tuple[int, int, int, int]
    """Clear views by severity."""
    seconds: float
    points: float
    share: float
    """Of the budget, by points or by seconds, whichever is more used; 1 is all of it."""
    since_break: timedelta
    suggests: frozenset[BreakReason]


def exposure(views: Sequence[View], *, now: datetime, budget: Budget) -> Exposure:
    """Exposure in the current shift.

    Parameters
    ----------
    views : sequence of View
        Of one person; those before the shift are ignored. Previews do not count as reveals.
    now : datetime
    budget : Budget

    Returns
    -------
    Exposure
    """
    recent = sorted(
        (view for view in views if now - budget.shift <= view.started <= now),
        key=lambda view: view.started,
    )
    clear = [view for view in recent if view.mode is ViewMode.CLEAR]
    reveals = [0] * SEVERITIES
    for view in clear:
        reveals[_severity(view)] += 1
    points = sum(n * weight for n, weight in zip(reveals, budget.weights, strict=True))
    seconds = sum(view.seconds for view in clear)
    working = _since_break(recent, now=now, pause=budget.pause)
    suggests = {
        BreakReason.LONG_SESSION: working >= budget.break_after,
        BreakReason.REVEALS: points >= budget.points,
        BreakReason.SECONDS: seconds >= budget.seconds,
    }
    return Exposure(
        reveals=(reveals[0], reveals[1], reveals[2], reveals[3]),
        seconds=seconds,
        points=points,
        share=max(points / budget.points, seconds / budget.seconds),
        since_break=working,
        suggests=frozenset(reason for reason, due in suggests.items() if due),
    )


def team_exposure(
    views: Iterable[View], *, now: datetime, budget: Budget
) -> Mapping[str, Exposure]:
    """Exposure of each person, for a lead who sees to breaks. It holds nothing else of them."""
    by_person: dict[str, list[View]] = {}
    for view in views:
        by_person.setdefault(view.person, []).append(view)
    return {
        person: exposure(seen, now=now, budget=budget) for person, seen in sorted(by_person.items())
    }


def _severity(view: View) -> int:
    return min(max(view.severity, 0), SEVERITIES - 1)


def _since_break(views: Sequence[View], *, now: datetime, pause: timedelta) -> timedelta:
    """Time since the first view after the last break; zero during one."""
    if not views or now - _end(views[-1]) >= pause:
        return timedelta()
    began = views[-1].started
    for earlier, later in zip(reversed(views[:-1]), reversed(views[1:]), strict=True):
        if later.started - _end(earlier) >= pause:
            break
        began = earlier.started
    return now - began


def _end(view: View) -> datetime:
    return view.started + timedelta(seconds=view.seconds)
