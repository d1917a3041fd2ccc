from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.assessment.policy._hour_book import StageRun, StageUse
from lightkeeper.storage.cases import SqlCaseStore
from lightkeeper.storage.cases._hour_book import SqlHourBook

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Open = Callable[[], SqlCaseStore]


@pytest.fixture
def book(sql: SqlCaseStore) -> SqlHourBook:
    return sql.hour_book()


def test_what_is_set_aside_is_gone_until_it_is_settled(book: SqlHourBook) -> None:
    first, allowance = book.set_aside(NOW, most=6, per_hour=10.0)
    assert allowance.left == 6
    _, second = book.set_aside(NOW, most=6, per_hour=10.0)
    assert second.left == 4
    assert book.set_aside(NOW, most=6, per_hour=10)[1].left == 0
    book.settle(first, NOW, [StageRun("deep", 1.5)])
    assert book.set_aside(NOW, most=6, per_hour=10)[1].left == pytest.approx(4.5)


def test_an_hour_later_there_is_a_new_budget(book: SqlHourBook) -> None:
    number, _ = book.set_aside(NOW, most=10, per_hour=10)
    book.settle(number, NOW, [StageRun("deep", 10)])
    # Of a process that died, its share stays spent for as long.
    book.set_aside(NOW + MINUTE, most=10, per_hour=15)
    assert book.set_aside(NOW + 59 * MINUTE, most=10, per_hour=15)[1].left == 0
    assert book.set_aside(NOW + 60 * MINUTE, most=10, per_hour=15)[1].left == 10


def test_stages_are_measured_over_a_day_and_told_over_an_hour(book: SqlHourBook) -> None:
    for at, runs in (
        (NOW - 30 * timedelta(hours=1), [StageRun("deep", 99)]),
        (NOW - 3 * timedelta(hours=1), [StageRun("deep", 2)]),
        (NOW, [StageRun("deep", 4), StageRun("small", 0.5), StageRun("deep", 0, omitted=True)]),
    ):
        number, _ = book.set_aside(at, most=1, per_hour=math.inf)
        book.settle(number, at, runs)
    _, allowance = book.set_aside(NOW, most=1, per_hour=math.inf)
    assert allowance.measured == {"deep": 3.0, "small": 0.5}
    assert book.stages(NOW) == (StageUse("deep", 1, 1, 4.0), StageUse("small", 1, 0, 0.5))


def test_a_share_is_settled_once(book: SqlHourBook) -> None:
    number, _ = book.set_aside(NOW, most=1, per_hour=10)
    for _ in range(2):
        book.settle(number, NOW, [StageRun("deep", 1)])
    book.settle(0, NOW, [StageRun("deep", 1)])
    assert book.stages(NOW) == (StageUse("deep", 1, 0, 1.0),)


def test_many_at_once_spend_no_more_than_the_hour(sql: SqlCaseStore) -> None:
    def work(_: int) -> float:
        number, allowance = sql.hour_book().set_aside(NOW, most=3, per_hour=10)
        used = min(allowance.left, 2.0)
        sql.hour_book().settle(number, NOW, [StageRun("deep", used)])
        return used

    with ThreadPoolExecutor(6) as threads:
        spent = sum(threads.map(work, range(24)))
    # Those who came while others held their share may have gone without.
    assert 0 < spent <= 10
