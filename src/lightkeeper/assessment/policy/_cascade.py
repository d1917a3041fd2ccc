"""Decide, one stage at a time, whether an item is worth the next one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from lightkeeper.assessment.policy._policy import CascadePolicy, Omission, Plan, Stage, Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lightkeeper.assessment.policy._signals import Signals

_HOUR = 3600.0
_MEMORY = 0.9
"""Weight of the past in the measured time of a stage."""


class Cascade:
    """Carries out a policy and keeps its budget.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, policy: CascadePolicy, *, clock: Callable[[], float]) -> None:
        self.policy = policy
        self._clock = clock
        self._spent: deque[tuple[float, float]] = deque()
        self._measured: dict[str, float] = {}

    def plan(self, signals: Signals, scores: Mapping[str, float | None]) -> Plan:
        """The next stage for an item, or none.

        Parameters
        ----------
        signals : Signals
            Why it deserves attention. More of them never mean fewer stages.
        scores : mapping
            Stages that have run, by name, with their score (``None`` where they abstained).
        """
        omitted = []
        spent = sum(self.seconds(s) for s in self.policy.stage if s.name in scores)
        for stage in self.policy.stage:
            if stage.name in scores:
                continue
            because = self._reasons(stage, signals, scores)
            if not because:
                omitted.append(Omission(stage.name, "no trigger of it was met"))
            elif reason := self._unaffordable(stage, spent):
                omitted.append(Omission(stage.name, reason))
            else:
                return Plan(stage, because, tuple(omitted))
        return Plan(None, (), tuple(omitted))

    def ran(self, stage: Stage, seconds: float) -> None:
        """Note that a stage ran, and how long it took."""
        now = self._clock()
        self._spent.append((now, seconds))
        before = self._measured.get(stage.name, seconds)
        self._measured[stage.name] = _MEMORY * before + (1 - _MEMORY) * seconds

    def seconds(self, stage: Stage) -> float:
        """Expected time of a stage: as measured, or as declared until it has run."""
        return self._measured.get(stage.name, stage.seconds)

    def left(self) -> float:
        """Seconds left of the past hour's budget."""
        now = self._clock()
        while self._spent and self._spent[0][0] <= now - _HOUR:
            self._spent.popleft()
        return self.policy.budget.seconds_per_hour - sum(seconds for _, seconds in self._spent)

    def _reasons(
        self, stage: Stage, signals: Signals, scores: Mapping[str, float | None]
    ) -> tuple[Trigger, ...]:
        if stage.after:
            score = scores.get(stage.after)
            if score is not None and score >= stage.at_least:
                return (Trigger.ALWAYS,)
        # A stage that waits for a score runs on its own triggers too, but not simply always.
        wanted = [t for t in stage.on if not (stage.after and t is Trigger.ALWAYS)]
        return tuple(t for t in wanted if t in signals.triggers)

    def _unaffordable(self, stage: Stage, spent: float) -> str | None:
        cost = self.seconds(stage)
        if spent + cost > self.policy.budget.seconds_per_item:
            return "the budget of one item does not allow it"
        if cost > self.left():
            return "the budget of this hour is spent"
        return None
