"""The hour's budget of the cascade, shared by all processes on one data base."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from lightkeeper.assessment.policy._cascade import Allowance
from lightkeeper.assessment.policy._hour_book import StageUse
from lightkeeper.errors import CaseError
from lightkeeper.storage._engine import reading, writing
from lightkeeper.storage._rows import to_time
from lightkeeper.storage.cases._tables_stages import stage_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from lightkeeper.assessment.policy._hour_book import StageRun

_HOUR, _KEPT = timedelta(hours=1), timedelta(days=1)
_MICROS = 1_000_000
_T = stage_run.c


class SqlHourBook:
    """Implements :class:`lightkeeper.assessment.policy._hour_book.HourBook`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def set_aside(self, now: datetime, *, most: float, per_hour: float) -> tuple[int, Allowance]:
        """See the port."""
        with writing(self._engine, raises=CaseError) as connection:
            # One after the other: two that read first would both take what is left.
            connection.execute(select(_T.number).where(_T.number == 0).with_for_update())
            connection.execute(delete(stage_run).where(_T.at < to_time(now - _KEPT)))
            share = most
            if math.isfinite(per_hour):
                share = min(most, max(0.0, per_hour - _spent(connection, now)))
            row = _row(0, now, "", share, omitted=False)
            added = insert(stage_run).values(row).returning(_T.number)
            number = int(connection.execute(added).scalar_one())
            return number, Allowance(share, _measured(connection))

    def settle(self, number: int, now: datetime, runs: Sequence[StageRun]) -> None:
        """See the port."""
        rows = [_row(number, now, run.stage, run.seconds, omitted=run.omitted) for run in runs]
        with writing(self._engine, raises=CaseError) as connection:
            gone = delete(stage_run).where(_T.number == number, _T.stage == "", _T.number != 0)
            if connection.execute(gone).rowcount and rows:
                connection.execute(insert(stage_run), rows)

    def stages(self, now: datetime) -> tuple[StageUse, ...]:
        """See the port."""
        counts = (
            select(
                _T.stage,
                func.sum(1 - _T.omitted),
                func.sum(_T.omitted),
                func.sum(_T.micros),
            )
            .where(_T.number != 0, _T.at > to_time(now - _HOUR), _T.stage != "")
            .group_by(_T.stage)
            .order_by(_T.stage)
        )
        with reading(self._engine, raises=CaseError) as connection:
            return tuple(
                StageUse(stage, int(runs), int(omitted), int(micros) / _MICROS)
                for stage, runs, omitted, micros in connection.execute(counts)
            )


def _row(share: int, now: datetime, stage: str, seconds: float, *, omitted: bool) -> dict[str, Any]:
    micros = round(seconds * _MICROS)
    at = to_time(now)
    return {
        "share": share, "at": at, "stage": stage, "micros": micros, "omitted": int(omitted)
    }  # fmt: skip


def _spent(connection: Connection, now: datetime) -> float:
    since = (_T.number != 0, _T.at > to_time(now - _HOUR))
    # PostgreSQL sums to a Decimal, which no float can be added to.
    return float(connection.scalar(select(func.sum(_T.micros)).where(*since)) or 0) / _MICROS


def _measured(connection: Connection) -> dict[str, float]:
    """Mean time of each stage over the past day."""
    means = (
        select(_T.stage, func.avg(_T.micros))
        .where(_T.number != 0, _T.stage != "", _T.omitted == 0)
        .group_by(_T.stage)
    )
    return {stage: float(micros) / _MICROS for stage, micros in connection.execute(means)}
