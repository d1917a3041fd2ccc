"""What was measured of a detector, kept so that it cannot be altered unseen.

A :class:`Card` states measurements and controls; its SHA-256 is the calibration id of findings.
:func:`load_card` computes everything again from the scores beside it and refuses a card that
says anything else. :meth:`Card.may_say` tells what a detector may say.
"""

from lightkeeper.evidence.detectors.cards._card import Card, MaySay
from lightkeeper.evidence.detectors.cards._compare import Change, Comparison, Verdict, compare
from lightkeeper.evidence.detectors.cards._controls import Control
from lightkeeper.evidence.detectors.cards._html import render_html
from lightkeeper.evidence.detectors.cards._store import (
    CardRefused,
    Measured,
    card_files,
    load_card,
)

__all__ = [
    "Card",
    "CardRefused",
    "Change",
    "Comparison",
    "Control",
    "MaySay",
    "Measured",
    "Verdict",
    "card_files",
    "compare",
    "load_card",
    "render_html",
]
