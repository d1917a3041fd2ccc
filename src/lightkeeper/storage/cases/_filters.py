"""From a filter to the conditions of a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, or_

from lightkeeper.cases.record import UNDECIDED, CaseState
from lightkeeper.storage._rows import to_time
from lightkeeper.storage.cases._case_values import digest, signal_bits
from lightkeeper.storage.cases._tables_cases import case_record, case_skip

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from enum import StrEnum

    from sqlalchemy import Column, ColumnElement

    from lightkeeper.cases.triage import CaseFilter

_row = case_record.c


def states_of(which: CaseFilter) -> tuple[str, ...]:
    """States that a case of the filter can be in: each is looked for by itself."""
    states = which.states or frozenset(CaseState)
    if which.overdue:
        states &= UNDECIDED
    if which.past_retention:
        states -= {CaseState.DESTROYED}
    return tuple(sorted(state.value for state in states))


def conditions(which: CaseFilter, *, now: datetime) -> list[ColumnElement[bool]]:
    """All that a filter asks, but for the state."""
    asked = _of_names(which) + _of_numbers(which)
    if which.claimed_by is not None:
        asked += [_row.claim_person == which.claimed_by, _row.claim_until > to_time(now)]
    if which.unclaimed:
        asked += [no_claim(now), _row.assigned.is_(None)]
    if which.overdue:
        asked.append(_row.due < to_time(now))
    if which.past_retention:
        asked += [_row.preserve_until <= to_time(now), ~_row.held]
    return asked


def _of_names(which: CaseFilter) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if which.queues is not None:
        asked.append(_row.queue.in_(sorted(which.queues)))
    if which.arising:
        asked.append(_among(_row.arising, which.arising))
    if which.intake:
        asked.append(_among(_row.intake, which.intake))
    if which.origins:
        asked.append(_row.origin.in_(sorted(which.origins)))
    if which.subject_kind is not None:
        asked.append(_row.subject_kind == which.subject_kind.value)
    if which.assigned is not None:
        asked.append(_row.assigned == which.assigned)
    return asked


def _of_numbers(which: CaseFilter) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if which.signals:
        asked.append(_row.signals.bitwise_and(signal_bits(which.signals)) != 0)
    if which.known is not None:
        asked.append(_row.known.is_(which.known))
    if which.subject is not None:
        asked.append(_row.subject_digest == digest(which.subject))
    if which.least_score is not None:
        asked.append(_row.score_down <= -which.least_score)
    if which.opened_before is not None:
        asked.append(_row.opened < to_time(which.opened_before))
    return asked


def no_claim(now: datetime) -> ColumnElement[bool]:
    """Nobody has claimed it, or the claim has ended."""
    return or_(_row.claim_until.is_(None), _row.claim_until <= to_time(now))


def free_for(person: str, *, now: datetime) -> list[ColumnElement[bool]]:
    """Cases that this person may be given next."""
    skipped = exists().where(
        and_(
            case_skip.c.person == person,
            case_skip.c.case_id == _row.id,
            case_skip.c.until > to_time(now),
        )
    )
    handed = or_(_row.assigned.is_(None), _row.assigned == person)
    return [no_claim(now), handed, ~skipped]


def _among(column: Column[str], values: Iterable[StrEnum]) -> ColumnElement[bool]:
    return column.in_(sorted(value.value for value in values))
