"""The hour's budget of the cascade, for all processes that examine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from lightkeeper.assessment.policy._hour_book import StageRun
from lightkeeper.errors import CaseError
from lightkeeper.service._log import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lightkeeper.assessment.policy import CascadePolicy
    from lightkeeper.assessment.policy._cascade import Allowance
    from lightkeeper.assessment.policy._hour_book import HourBook, StageUse

_MOST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Share:
    """What one item may use of the hour."""

    number: int
    allowance: Allowance

    def told(self) -> dict[str, Any]:
        """As the worker is told; JSON has no infinity."""
        return {
            "left": min(self.allowance.left, _MOST_SECONDS),
            "measured": dict(self.allowance.measured),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """Takes shares of the hour out of a book that all processes share, and puts back what is
    left of them."""

    book: HourBook
    rules: CascadePolicy
    seconds: float
    """Of computing in an hour; ``inf`` where only the stages are timed."""
    clock: Callable[[], datetime]

    def share(self) -> Share | None:
        """What the next item may use; ``None`` where the book cannot be asked.

        An item is then planned with declared times and without the hour: a store that is down
        must not take examinations away.
        """
        most = self.rules.budget.seconds_per_item
        try:
            return Share(*self.book.set_aside(self.clock(), most=most, per_hour=self.seconds))
        except CaseError:
            log.warning("the hour's budget cannot be asked for")
            return None

    def settle(self, share: Share, runs: bytes) -> None:
        """Put down what a worker says its stages took.

        A worker that died or says nothing that is usable leaves its whole share spent.
        """
        known = {stage.name for stage in self.rules.stage}
        try:
            told = msgspec.convert(json.loads(runs), list[StageRun])
            kept = [run for run in told if run.stage in known and 0 <= run.seconds < _MOST_SECONDS]
            self.book.settle(share.number, self.clock(), kept)
        except (ValueError, RecursionError):
            log.warning("a worker does not say what its stages took")
        except CaseError:
            log.warning("the hour's budget cannot be settled")

    def stages(self) -> tuple[StageUse, ...]:
        """What the past hour was spent on.

        Raises
        ------
        CaseError
        """
        return self.book.stages(self.clock())
