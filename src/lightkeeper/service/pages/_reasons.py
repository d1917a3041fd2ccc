"""Reasons of urgency in a few words: a line of the queue has room for all of them, and the case
has the sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightkeeper.cases.record import Arising, Signal

if TYPE_CHECKING:
    from lightkeeper.cases.record import Case, TriageReason

_WORDS: Final = {
    Signal.IMMINENT_HARM.value: "child in danger now",
    Signal.LIVE.value: "happening live",
    Signal.SEXTORTION.value: "extortion",
    Signal.IDENTIFIED_CHILD.value: "identified child",
    Signal.POSSIBLE_REAL_CHILD.value: "may be a real child",
    "known-victim": "known victim",
    "modelled-after-person": "modelled after a person",
    "known": "known material",
    "camera": "camera traces",
    "contradiction": "contradicts itself",
    "unreadable": "not examinable",
    "decided-before": "decided before",
    "novel": "new material",
    Arising.UPLOADED.value: "uploaded",
    Arising.GENERATED_OUTPUT.value: "model output",
    Arising.PROMPT_ONLY.value: "asked of a model",
    Arising.MODEL_FILE.value: "model file",
    Arising.TRAINING_DATA_FIND.value: "training data",
}


def few_words(reason: TriageReason, case: Case) -> str:
    """What gave the points; a reason without words of its own keeps its sentence."""
    if reason.code == "volume":
        if case.times_reported > 1:
            return f"reported {case.times_reported:,} times"
        return f"{case.outline.items:,} items"
    sentence = reason.sentence.removeprefix("It matches material ").removesuffix(".")
    return _WORDS.get(reason.code, sentence)
