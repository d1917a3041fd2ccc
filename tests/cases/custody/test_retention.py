"""What stands against destroying a case."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.custody import may_destroy, preserve_until
from lightkeeper.cases.desk import Rules
from lightkeeper.cases.record import (
    Arising,
    Case,
    CaseState,
    Intake,
    Subject,
    SubjectKind,
    Triage,
)

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
CASE = Case(
    id="case-one",
    arising=Arising.UPLOADED,
    intake=Intake.API,
    subject=Subject(SubjectKind.USER, "somebody"),
    queue="default",
    opened=NOW,
    source="intake",
    triage=Triage(score=0, reasons=(), due=NOW, rank=0.0),
)


def _reported(**changes: object) -> Case:
    kept = {"state": CaseState.REPORTED, "preserve_until": NOW, **changes}
    return dataclasses.replace(CASE, **kept)  # type: ignore[arg-type]


@given(st.dates(datetime(2000, 1, 1).date(), datetime(2090, 1, 1).date()))
def test_a_year_is_never_a_day_short(day: object) -> None:
    submitted = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    leap = (submitted.month, submitted.day) == (2, 29)
    same_day = submitted.replace(year=submitted.year + 1, day=28 if leap else submitted.day)
    assert preserve_until(submitted) >= same_day
    assert preserve_until(submitted, Rules().retention) >= same_day


def test_a_reported_case_is_kept_until_its_time_has_passed() -> None:
    case = _reported(preserve_until=NOW + timedelta(seconds=1))
    reason = may_destroy(case, now=NOW, lawful_request=False)
    assert reason is not None
    assert "2026-05-04" in reason
    later = NOW + timedelta(seconds=1)
    assert may_destroy(case, now=later, lawful_request=False) is None


def test_law_enforcement_may_ask_for_it_earlier() -> None:
    case = _reported(preserve_until=NOW + timedelta(days=300))
    assert may_destroy(case, now=NOW, lawful_request=True) is None


@pytest.mark.parametrize("lawful", [True, False])
def test_a_hold_stands_against_everything(lawful: bool) -> None:
    case = _reported(hold="asked for by a court", preserve_until=NOW - timedelta(days=1))
    reason = may_destroy(case, now=NOW, lawful_request=lawful)
    assert reason is not None
    assert "court" not in reason


@pytest.mark.parametrize("lawful", [True, False])
@pytest.mark.parametrize("state", [CaseState.TO_REPORT, CaseState.REPORTING, CaseState.DESTROYED])
def test_a_report_on_its_way_and_a_destroyed_case_stand_against_it(
    state: CaseState, lawful: bool
) -> None:
    assert may_destroy(dataclasses.replace(CASE, state=state), now=NOW, lawful_request=lawful)


@pytest.mark.parametrize("state", [CaseState.OPEN, CaseState.SECOND_OPINION])
def test_an_undecided_case_goes_only_on_the_request_of_law_enforcement(state: CaseState) -> None:
    case = dataclasses.replace(CASE, state=state)
    assert may_destroy(case, now=NOW, lawful_request=False) is not None
    assert may_destroy(case, now=NOW, lawful_request=True) is None


def test_a_reported_case_whose_time_nobody_knows_is_kept() -> None:
    assert may_destroy(_reported(preserve_until=None), now=NOW, lawful_request=False)


def test_a_closed_case_may_go() -> None:
    closed = dataclasses.replace(CASE, state=CaseState.CLOSED)
    assert may_destroy(closed, now=NOW, lawful_request=False) is None
    kept = dataclasses.replace(closed, preserve_until=NOW + timedelta(days=1))
    assert may_destroy(kept, now=NOW, lawful_request=False) is not None
