from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.exposure import BreakReason, Budget, exposure, team_exposure
from lightkeeper.cases.item import View, ViewMode

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUDGET = Budget()


def view(
    minutes_ago: float,
    *,
    mode: ViewMode = ViewMode.CLEAR,
    seconds: float = 5.0,
    severity: int = 0,
    person: str = "ada",
) -> View:
    return View(
        id="v",
        item="i",
        case="c",
        person=person,
        mode=mode,
        started=NOW - timedelta(minutes=minutes_ago),
        seconds=seconds,
        severity=severity,
    )


def test_previews_are_no_reveals() -> None:
    assert exposure([view(1, mode=ViewMode.OBSCURED)], now=NOW, budget=BUDGET).reveals == (
        0,
        0,
        0,
        0,
    )


def test_reveals_are_counted_by_severity_and_weigh_by_it() -> None:
    seen = exposure([view(1), view(2, severity=3), view(3, severity=9)], now=NOW, budget=BUDGET)
    assert seen.reveals == (1, 0, 0, 2)
    assert seen.points == 7.0


def test_another_shift_does_not_count() -> None:
    assert exposure([view(5 * 60)], now=NOW, budget=BUDGET).points == 0


def test_a_spent_budget_suggests_a_break() -> None:
    often = [view(n / 100, severity=3, seconds=0.5) for n in range(100)]
    assert BreakReason.REVEALS in exposure(often, now=NOW, budget=BUDGET).suggests
    long = [view(10, seconds=3600.0)]
    assert BreakReason.SECONDS in exposure(long, now=NOW, budget=BUDGET).suggests


def test_a_long_session_suggests_a_break_and_a_pause_ends_it() -> None:
    session = [view(n * 5) for n in range(12)]
    assert BreakReason.LONG_SESSION in exposure(session, now=NOW, budget=BUDGET).suggests
    later = NOW + timedelta(minutes=11)
    after = exposure(session, now=later, budget=BUDGET)
    assert after.since_break == timedelta()
    assert BreakReason.LONG_SESSION not in after.suggests


def test_a_pause_in_the_middle_starts_the_clock_anew() -> None:
    views = [view(55), view(50), view(20), view(15)]
    assert exposure(views, now=NOW, budget=BUDGET).since_break == timedelta()
    assert exposure([*views, view(12), view(5)], now=NOW, budget=BUDGET).since_break == timedelta(
        minutes=20
    )


@given(
    st.lists(st.tuples(st.floats(0, 239), st.integers(0, 3), st.floats(0, 60)), max_size=20),
    st.tuples(st.floats(0, 239), st.integers(0, 3), st.floats(0, 60)),
)
def test_looking_more_never_uses_less(
    before: list[tuple[float, int, float]], more: tuple[float, int, float]
) -> None:
    views = [view(m, severity=s, seconds=t) for m, s, t in before]
    one_more = [*views, view(more[0], severity=more[1], seconds=more[2])]
    assert (
        exposure(one_more, now=NOW, budget=BUDGET).share
        >= exposure(views, now=NOW, budget=BUDGET).share
    )


def test_a_team_is_seen_person_by_person_and_nothing_else_of_them() -> None:
    team = team_exposure([view(1), view(2, person="bo")], now=NOW, budget=BUDGET)
    assert list(team) == ["ada", "bo"]
    assert team["ada"] == exposure([view(1)], now=NOW, budget=BUDGET)
