"""A cascade: costly examiners look only where something gives reason to, within a budget.

:class:`Cascade` carries a :class:`CascadePolicy` out; :func:`simulate` and :func:`trade_off` say
beforehand, on measured scores, what one would cost and lose.
"""

from lightkeeper.assessment.policy._cascade import Cascade
from lightkeeper.assessment.policy._policy import CascadePolicy, Plan, Stage, Trigger
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
    "ScoreMatrix",
    "Signals",
    "Simulation",
    "Stage",
    "Trigger",
    "draw_trade_off",
    "read_matrix",
    "simulate",
    "trade_off",
]
