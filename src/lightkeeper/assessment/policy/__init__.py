"""A cascade: costly examiners look only where something gives reason to, within a budget.

:class:`Cascade` carries a :class:`CascadePolicy` out; :func:`simulate` and :func:`trade_off` say
beforehand, on measured scores, what one would cost and lose, and :func:`replay` on a scan.
"""

from lightkeeper.assessment.policy._cascade import Cascade
from lightkeeper.assessment.policy._policy import CascadePolicy, Plan, Stage, Trigger
from lightkeeper.assessment.policy._replay import Replay, read_scan, replay
from lightkeeper.assessment.policy._signals import Signals
from lightkeeper.assessment.policy._simulate import (
    ScoreMatrix,
    Simulation,
    read_matrix,
    simulate,
    trade_off,
)
from lightkeeper.assessment.policy._svg import draw_trade_off

__all__ = [
    "Cascade",
    "CascadePolicy",
    "Plan",
    "Replay",
    "ScoreMatrix",
    "Signals",
    "Simulation",
    "Stage",
    "Trigger",
    "draw_trade_off",
    "read_matrix",
    "read_scan",
    "replay",
    "simulate",
    "trade_off",
]
