"""Pages of a queue against a sort in memory, whatever is asked and whatever is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event

from lightkeeper.cases import CaseReader
from lightkeeper.cases.record import (
    Arising,
    Case,
    CaseState,
    Claim,
    Intake,
    Outline,
    Signal,
    Subject,
    SubjectKind,
)
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.errors import CaseError
from lightkeeper.storage.cases import SqlCaseStore
from lightkeeper.storage.cases._tables_cases import case_record
from lightkeeper.testing.cases._selection import admits, position

from .stand_ins import HOUR, NOON, a_case

PEOPLE = ("ada", "bo")
few = st.integers(0, 3)
moments = few.map(lambda hours: NOON + hours * HOUR)
subjects = st.builds(Subject, st.sampled_from(SubjectKind), st.sampled_from(["a", "b"]))


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    numbers = draw(st.lists(st.integers(0, 999), unique=True, max_size=25))
    return [draw(one_case(f"c{number:03d}")) for number in numbers]


def one_case(case_id: str) -> st.SearchStrategy[Case]:
    return st.builds(
        a_case,
        st.just(case_id),
        rank=few.map(float),
        score=few,
        due=moments,
        opened=moments,
        state=st.sampled_from(CaseState),
        arising=st.sampled_from(Arising),
        intake=st.sampled_from(Intake),
        subject=subjects,
        queue=st.sampled_from(["default", "urgent"]),
        times_reported=few,
        signals=st.frozensets(st.sampled_from(Signal)),
        outline=st.builds(
            Outline,
            origin=st.sampled_from([None, "generated", "photographed"]),
            set_origins=st.sampled_from([(), ("generated",)]),
        ),
        claim=st.none() | st.builds(Claim, person=st.sampled_from(PEOPLE), until=moments),
        assigned=st.none() | st.sampled_from(PEOPLE),
    )


filters = st.builds(
    CaseFilter,
    queues=st.none() | st.frozensets(st.sampled_from(["default", "urgent"])),
    states=st.frozensets(st.sampled_from(CaseState)),
    arising=st.just(frozenset()) | st.frozensets(st.sampled_from(Arising)),
    intake=st.just(frozenset()) | st.frozensets(st.sampled_from(Intake)),
    signals=st.just(frozenset()) | st.frozensets(st.sampled_from(Signal)),
    origins=st.just(frozenset()) | st.frozensets(st.sampled_from(["generated", "mixed"])),
    known=st.none() | st.booleans(),
    subject_kind=st.none() | st.sampled_from(SubjectKind),
    subject=st.none() | st.sampled_from(["a", "c"]),
    least_score=st.none() | few,
    opened_before=st.none() | moments,
    claimed_by=st.none() | st.sampled_from(PEOPLE),
    unclaimed=st.booleans(),
    assigned=st.none() | st.sampled_from(PEOPLE),
    overdue=st.booleans(),
)
# A filter that asks for everything at once finds nothing: most examples ask for one thing.
single = st.sampled_from(
    [
        CaseFilter(),
        CaseFilter(states=frozenset({CaseState.OPEN})),
        CaseFilter(overdue=True),
        CaseFilter(unclaimed=True),
        CaseFilter(claimed_by="ada"),
        CaseFilter(known=True),
        CaseFilter(signals=frozenset({Signal.LIVE})),
        CaseFilter(least_score=2),
        CaseFilter(subject="a"),
    ]
)


def all_pages(unit: CaseReader, which: CaseFilter, sort: Sort, size: int) -> Iterator[Case]:
    after = None
    for turn in count():
        assert turn < 100
        page = unit.page(which, sort=sort, now=NOON + HOUR, after=after, limit=size)
        assert len(page.cases) <= size
        yield from page.cases
        if page.next is None:
            return
        assert len(page.cases) == size
        after = page.next


EXAMPLES = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@EXAMPLES
@given(cases(), single | filters, st.sampled_from(Sort), st.integers(1, 7))
def test_pages_are_the_sorted_queue(
    sql: SqlCaseStore, held: list[Case], which: CaseFilter, sort: Sort, size: int
) -> None:
    with sql.writing() as unit:
        unit._connection.execute(delete(case_record))
        for case in held:
            unit.add_case(case)
    admitted = [case for case in held if admits(which, case, NOON + HOUR)]
    expected = sorted(admitted, key=lambda case: position(case, sort))
    with sql.reading() as unit:
        assert list(all_pages(unit, which, sort, size)) == expected
        assert unit.count(which, now=NOON + HOUR) == len(expected)
        assert unit.count(which, now=NOON + HOUR, most=2) == min(2, len(expected))
        assert unit.counts([which, which], now=NOON + HOUR) == (len(expected),) * 2


@pytest.mark.parametrize("sort", Sort)
def test_no_page_of_a_queue_is_sorted(lite: SqlCaseStore, sort: Sort) -> None:
    plans: list[str] = []
    filters = [
        CaseFilter(states=frozenset({CaseState.OPEN})),
        CaseFilter(states=frozenset({CaseState.OPEN, CaseState.SECOND_OPINION})),
        CaseFilter(),
        CaseFilter(states=frozenset({CaseState.OPEN}), queues=frozenset({"a"}), unclaimed=True),
        CaseFilter(opened_before=NOON, least_score=10, overdue=True),
    ]

    @event.listens_for(lite._engine, "before_cursor_execute")
    def explain(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        if "ORDER BY" in statement:
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.extend(row[-1] for row in rows)

    with lite.writing() as unit:
        unit.add_case(a_case("c1"))
        unit.add_case(a_case("c2"))
    with lite.reading() as unit:
        for which in filters:
            first = unit.page(which, sort=sort, now=NOON, limit=1)
            unit.page(which, sort=sort, now=NOON, limit=1, after=first.next)
    assert any(f"COVERING INDEX case_record_by_{sort}" in plan for plan in plans)
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]
    assert not [plan for plan in plans if plan.startswith("SCAN case_record")]


@pytest.mark.parametrize(
    ("which", "index"),
    [(CaseFilter(subject="a"), "subject_digest=?"), (CaseFilter(claimed_by="a"), "claim_person=?")],
)
def test_the_cases_of_one_subject_or_person_are_found_without_reading_all(
    lite: SqlCaseStore, which: CaseFilter, index: str
) -> None:
    plans: list[str] = []

    @event.listens_for(lite._engine, "before_cursor_execute")
    def explain(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        if "ORDER BY" in statement:
            rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.extend(row[-1] for row in rows)

    with lite.reading() as unit:
        unit.page(which, sort=Sort.RANK, now=NOON)
    searches = [plan for plan in plans if "case_record" in plan]
    assert searches
    assert all(index in plan for plan in searches)


@pytest.mark.parametrize(
    "cursor", ["", "c1", "WyJyYW5rIl0", "ü", "W10", "WyJyYW5rIiwxLDIsIngiXQ" * 9]
)
def test_a_place_that_was_never_given_out_is_refused(lite: SqlCaseStore, cursor: str) -> None:
    with lite.reading() as unit, pytest.raises(CaseError, match="no place in the queue"):
        unit.page(CaseFilter(), sort=Sort.RANK, now=NOON, after=cursor)


def test_a_place_belongs_to_one_order(lite: SqlCaseStore) -> None:
    with lite.writing() as unit:
        for number in range(3):
            unit.add_case(a_case(f"c{number}", opened=NOON + timedelta(seconds=number)))
    with lite.reading() as unit:
        place = unit.page(CaseFilter(), sort=Sort.RANK, now=NOON, limit=1).next
        with pytest.raises(CaseError, match="no place in the queue"):
            unit.page(CaseFilter(), sort=Sort.SCORE, now=NOON, after=place)
