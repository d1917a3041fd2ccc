"""The hour's budget, which all that examine share: the port that a store implements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lightkeeper.assessment.policy._cascade import Allowance


@dataclass(frozen=True, slots=True)
class StageRun:
    """A stage that ran on one item, or that the hour's budget left out."""

    stage: str
    seconds: float
    omitted: bool = False


@dataclass(frozen=True, slots=True)
class StageUse:
    """One stage in the past hour."""

    stage: str
    runs: int
    omitted: int
    """Items that the hour's budget kept from it."""
    seconds: float
    """Of all its runs."""


class HourBook(Protocol):
    """Seconds that were spent, shared by every process that examines.

    What an item may use is set aside before it is examined, so that many at once spend no more
    than the budget; what a process that died had set aside counts as spent until the hour is over.
    """

    def set_aside(self, now: datetime, *, most: float, per_hour: float) -> tuple[int, Allowance]:
        """Set aside what one item may use, at most ``most`` seconds; gives a number for it."""

    def settle(self, number: int, now: datetime, runs: Sequence[StageRun]) -> None:
        """Put what was used in the place of what was set aside."""

    def stages(self, now: datetime) -> tuple[StageUse, ...]:
        """What the past hour was spent on."""
