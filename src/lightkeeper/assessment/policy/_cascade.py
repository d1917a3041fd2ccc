"""Decide, one stage at a time, whether an item is worth the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.assessment.policy._policy import CascadePolicy, Omission, Plan, Stage, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lightkeeper.assessment.policy._signals import Signals


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one item may cost of the hour, and what stages were seen to cost."""

    left: float = math.inf
    """Seconds of this hour that this item may use."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """Mean seconds of stages that have run; those that have not cost what they are declared."""


class Cascade:
    """Carries out a policy for one item and keeps its budget.

    Parameters
    ----------
    allowance : Allowance, optional
        Without one, the budget of the item counts declared seconds and the hour has no end: a
        plan then follows from the item alone, whatever the machine was doing.
    """

    def __init__(self, policy: CascadePolicy, *, allowance: Allowance | None = None) -> None:
        self.policy = policy
        self._allowance = allowance or Allowance()
        self._took: dict[str, float] = {}

    def plan(self, signals: Signals, scores: Mapping[str, float | None]) -> Plan:
        """The next stage for the item, or none.

        Parameters
        ----------
        signals : Signals
            Why it deserves attention. More of them never mean fewer stages.
        scores : mapping
            Stages that have run, by name, with their score (``None`` where they abstained).
        """
        omitted = []
        spent = sum(
            self._took.get(stage.name, self.seconds(stage))
            for stage in self.policy.stage
            if stage.name in scores
        )
        for stage in self.policy.stage:
            if stage.name in scores:
                continue
            because = _reasons(stage, signals, scores)
            if not because:
                omitted.append(Omission(stage.name, "no trigger of it was met"))
            elif reason := self._unaffordable(stage, spent):
                omitted.append(reason)
            else:
                return Plan(stage, because, tuple(omitted))
        return Plan(None, (), tuple(omitted))

    def took(self, stage: Stage, seconds: float) -> None:
        """Note how long a stage took, in place of what was expected."""
        self._took[stage.name] = seconds

    def seconds(self, stage: Stage) -> float:
        """Expected time of a stage: as measured, or as declared until it has run."""
        return self._allowance.measured.get(stage.name, stage.seconds)

    def _unaffordable(self, stage: Stage, spent: float) -> Omission | None:
        cost = self.seconds(stage)
        if spent + cost > self.policy.budget.seconds_per_item:
            return Omission(stage.name, "the budget of one item does not allow it")
        if spent + cost > self._allowance.left:
            return Omission(stage.name, "the budget of this hour is spent", for_the_hour=True)
        return None


def _reasons(stage: Stage, signals: Signals, scores: Mapping[str, float | None]) -> tuple[str, ...]:
    # A stage that waits for a score runs on its own triggers too, but not simply always.
    wanted = [t for t in stage.on if not (stage.after and t is Trigger.ALWAYS)]
    found = [trigger.value for trigger in wanted if trigger in signals.triggers]
    score = scores.get(stage.after) if stage.after else None
    if score is not None and score >= stage.at_least:
        found.append(f"score of {stage.after}")
    return tuple(found)
