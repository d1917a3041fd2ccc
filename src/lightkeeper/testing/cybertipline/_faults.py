"""What can go wrong between a receiver and whoever reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightkeeper.reporting.outbox import Step


class FaultKind(StrEnum):
    """How one request goes wrong."""

    CODE = "code"
    """It is answered with an error code, and nothing was done."""
    CODE_AFTER = "code-after"
    """It was done, and is answered with an error code."""
    DROP = "drop"
    """The connection breaks before anything was done."""
    DROP_AFTER = "drop-after"
    """It was done, and the answer is lost."""
    GARBAGE_AFTER = "garbage-after"
    """It was done, and the answer is not one."""
    SLOW = "slow"
    """It was done, and the answer comes late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. ``code`` for error codes, ``seconds`` for slow answers."""

    kind: FaultKind
    code: int = 1000
    seconds: float = 0.0


class Faults:
    """Faults in the order in which they are to happen, for each step apart."""

    def __init__(self) -> None:
        self._planned: dict[Step, list[Fault]] = {}

    def add(self, step: Step, *faults: Fault) -> None:
        """Plan faults for the next requests of a step."""
        self._planned.setdefault(step, []).extend(faults)

    def __call__(self, step: Step) -> Fault | None:
        """The fault of the next request, if one was planned."""
        planned = self._planned.get(step)
        return planned.pop(0) if planned else None
