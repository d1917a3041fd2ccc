"""Many at once: nobody is given what another has, nothing is overwritten, the audit stays whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text

from lightkeeper.cases.audit import verify
from lightkeeper.cases.people._accounts import Attempts
from lightkeeper.cases.record import CaseState, Claim
from lightkeeper.cases.triage import CaseFilter, Sort
from lightkeeper.errors import CaseError, StaleCase
from lightkeeper.storage._engine import writing
from lightkeeper.storage.cases import SqlCaseStore
from lightkeeper.testing.cases._reader import AUDIT_KEY

from .stand_ins import HOUR, NOON, a_case, an_event, an_item, media

OPEN = CaseFilter(states=frozenset({CaseState.OPEN}))
WORKERS = 8


def all_at_once(work: Callable[[int], list[str]]) -> list[str]:
    """What eight workers give back that begin together."""
    ready = threading.Barrier(WORKERS)

    def begin(worker: int) -> list[str]:
        ready.wait()
        return work(worker)

    with ThreadPoolExecutor(WORKERS) as pool:
        return [found for part in pool.map(begin, range(WORKERS)) for found in part]


def test_no_two_people_are_given_the_same_case(sql: SqlCaseStore) -> None:
    with sql.writing() as unit:
        for number in range(40):
            unit.add_case(a_case(f"c{number}", rank=float(number)))

    def claim(worker: int) -> list[str]:
        person, taken = f"p{worker}", []
        while True:
            with sql.writing() as unit:
                case = unit.next_unclaimed(OPEN, person=person, sort=Sort.RANK, now=NOON)
                if case is None:
                    return taken
                unit.save_case(replace(case, claim=Claim(person=person, until=NOON + HOUR)))
            taken.append(case.id)

    taken = all_at_once(claim)
    assert sorted(taken) == sorted(f"c{number}" for number in range(40))


def test_only_one_of_many_marks_something_as_used(sql: SqlCaseStore) -> None:
    def use(worker: int) -> list[str]:
        used = []
        for number in range(10):
            key = f"state {number}".encode()
            with sql.accounts() as unit:
                if unit.add_attempts(Attempts(key=key, failures=1, last=NOON, until=NOON)):
                    used.append(key.decode())
        return used

    assert sorted(all_at_once(use)) == sorted(f"state {number}" for number in range(10))


def test_no_failure_is_lost_that_many_count_at_the_same_moment(sql: SqlCaseStore) -> None:
    """And whoever tidies up meanwhile neither waits for them nor has them wait."""
    none = Attempts(key=b"network", failures=0, last=NOON, until=NOON)

    def count(worker: int) -> list[str]:
        for _ in range(10):
            with sql.accounts() as unit:
                for key in (b"a", b"network"):
                    unit.add_attempts(replace(none, key=key))
                    known = unit.attempts(key) or replace(none, key=key)
                    unit.save_attempts(replace(known, failures=known.failures + 1))
            with sql.accounts() as unit:
                unit.save_attempts(replace(none, key=b"%d" % worker, last=NOON - HOUR))
            with sql.accounts() as unit:
                unit.trim_attempts(before=NOON, most=100)
        return []

    with sql.accounts() as unit:
        unit.save_attempts(replace(none, failures=1000))
    all_at_once(count)
    with sql.reading_accounts() as unit:
        kept = unit.attempts(b"network")
    assert kept is not None
    assert kept.failures == 1000 + 10 * WORKERS


def test_whoever_knew_an_older_case_is_refused(sql: SqlCaseStore) -> None:
    with sql.writing() as unit:
        unit.add_case(a_case(times_reported=0))

    def report(_worker: int) -> list[str]:
        outcomes = []
        for _ in range(5):
            with sql.reading() as unit:
                case = unit.case("c1")
            assert case is not None
            try:
                with sql.writing() as unit:
                    unit.save_case(replace(case, times_reported=case.times_reported + 1))
                outcomes.append("kept")
            except StaleCase:
                outcomes.append("stale")
        return outcomes

    outcomes = all_at_once(report)
    with sql.reading() as unit:
        case = unit.case("c1")
    assert case is not None
    assert case.times_reported == outcomes.count("kept") == case.version
    assert len(outcomes) == WORKERS * 5


def test_a_locked_case_is_changed_by_one_after_the_other(sql: SqlCaseStore) -> None:
    with sql.writing() as unit:
        unit.add_case(a_case(times_reported=0))

    def report(_worker: int) -> list[str]:
        for _ in range(5):
            with sql.writing() as unit:
                case = unit.lock_case("c1")
                assert case is not None
                unit.save_case(replace(case, times_reported=case.times_reported + 1))
        return []

    all_at_once(report)
    with sql.reading() as unit:
        case = unit.case("c1")
    assert case is not None
    assert case.times_reported == WORKERS * 5


def test_the_audit_stays_one_chain_and_members_are_never_missed(sql: SqlCaseStore) -> None:
    with sql.writing() as unit:
        unit.add_case(a_case())
    followed: list[str] = []
    done = threading.Event()

    def follow() -> None:
        last = 0
        while True:
            ended = done.is_set()
            with sql.reading() as unit:
                for number, member in unit.members_since(last):
                    assert number == last + 1
                    last = number
                    followed.append(member.item)
            if ended:
                return

    def write(worker: int) -> list[str]:
        names = [f"{worker}-{number}" for number in range(10)]
        for name in names:
            with sql.writing() as unit:
                unit.append([an_event(name)])
                unit.add_item(an_item(name, media=media(), cluster="k"))
                unit.append([an_event(name), an_event(None)])
        return names

    follower = threading.Thread(target=follow)
    follower.start()
    names = all_at_once(write)
    done.set()
    follower.join()
    assert sorted(followed) == sorted(names)
    with sql.reading() as unit:
        report = verify(unit.events(), unit.head(), AUDIT_KEY)
    assert report.intact
    assert report.events == WORKERS * 10 * 3


def test_a_reader_sees_one_moment(sql: SqlCaseStore) -> None:
    with sql.writing() as unit:
        unit.add_case(a_case("c1"))
    with sql.reading() as reader:
        assert reader.count(OPEN, now=NOON) == 1
        with sql.writing() as unit:
            unit.add_case(a_case("c2"))
            unit.append([an_event("c2")])
        assert reader.count(OPEN, now=NOON) == 1
        assert reader.case("c2") is None
        assert reader.head() is None


def test_two_who_wait_for_each_other_are_told_to_look_anew(postgres: SqlCaseStore) -> None:
    with postgres.writing() as unit:
        unit.add_case(a_case("c1"))
        unit.add_case(a_case("c2"))
    both = threading.Barrier(2)

    def lock(first: str, second: str) -> str:
        try:
            with postgres.writing() as unit:
                unit.lock_case(first)
                both.wait()
                unit.lock_case(second)
        except StaleCase:
            return "stale"
        return "kept"

    with ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lock, ["c1", "c2"], ["c2", "c1"])
    assert sorted(outcomes) == ["kept", "stale"]


@pytest.mark.parametrize("act", ["UPDATE case_event SET actor = 'bo'", "DELETE FROM case_event"])
def test_the_data_base_refuses_to_change_the_audit(sql: SqlCaseStore, act: str) -> None:
    with sql.writing() as unit:
        unit.append([an_event()])
    with (
        pytest.raises(CaseError, match="append-only"),
        writing(sql._engine, raises=CaseError) as connection,
    ):
        connection.execute(text(act))
    with sql.reading() as unit:
        assert verify(unit.events(), unit.head(), AUDIT_KEY).intact


def test_other_spelling_of_the_same_details_shows(sql: SqlCaseStore) -> None:
    with sql.writing() as unit:
        unit.append([an_event(why="\x1f")])
    with writing(sql._engine) as connection:
        if sql._engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER case_event_no_update"))
        else:
            connection.execute(text("ALTER TABLE case_event DISABLE TRIGGER ALL"))
        changed = connection.execute(
            text("UPDATE case_event SET details = replace(details, 'u001f', 'u001F')")
        )
        assert changed.rowcount == 1
    with sql.reading() as unit:
        assert not verify(unit.events(), unit.head(), AUDIT_KEY).intact
