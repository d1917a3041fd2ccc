"""Whether rows are all that an evaluation gives, and nothing beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.detectors.evaluation._sample import DRAWN, Label
from lightkeeper.evidence.detectors.evaluation._scores import Outcome, ScoreRow
from lightkeeper.evidence.detectors.treatment import DRAWN_KINDS, SMOOTHED, Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightkeeper.evidence.detectors.evaluation._evaluate import Setup

_CONDITIONS = list(Condition)
_ANY_ANSWER: Any = {"outcome": Outcome.ABSTAINED, "score": None, "seconds": 0.0}


def check_whole(rows: Sequence[ScoreRow], setup: Setup) -> None:
    """Check that rows are all that an evaluation gives, in its order.

    Otherwise pictures that tell against a detector could be left out under the one condition, or
    those that speak for it be counted twice.

    Raises
    ------
    EvidenceError
    """
    size = len(_CONDITIONS)
    pictures = [rows[at : at + size] for at in range(0, len(rows), size)]
    for number, shown in enumerate(pictures):
        alike = {replace(r, condition=_CONDITIONS[0], **_ANY_ANSWER) for r in shown}
        if [r.condition for r in shown] != _CONDITIONS or len(alike) != 1:
            raise EvidenceError(f"picture {number} was not shown once under every condition")
        _check_picture(shown[0], number)
    pairs = Counter((shown[0].pair, shown[0].label) for shown in pictures if shown[0].pair)
    if pairs and max(pairs.values()) > 1:
        raise EvidenceError("a pair holds more than one photograph and its re-synthesis")
    drawn = Counter(shown[0].kind for shown in pictures if shown[0].drawn)
    smoothed = drawn.pop(SMOOTHED, 0)
    wanted = dict.fromkeys(DRAWN_KINDS, setup.drawn_per_kind)
    if drawn != wanted or smoothed > setup.drawn_per_kind:
        raise EvidenceError("they are not the drawn pictures that the setup states")


def _check_picture(row: ScoreRow, number: int) -> None:
    generated = row.label is Label.GENERATED
    if row.picture != number or generated != (row.generator is not None):
        raise EvidenceError(f"picture {number} is out of place, or has a generator and is real")
    if row.drawn != (row.source == DRAWN) or (row.drawn and generated):
        raise EvidenceError(f"picture {number} is drawn and is not")
