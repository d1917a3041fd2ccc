"""A transparent score: points for what was seen or said, and a sentence for each.

Every contribution stands for the presence of something; nothing is subtracted. Only two things
can lower a score: a person has decided about all of a case's material before, or its media turns
out to be in a set of known photographed material (or of material of unknown origin), so that it
is not new. Evidence of generation is neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lightkeeper.assessment import IndustryClass
from lightkeeper.cases.item import Item
from lightkeeper.cases.record import Arising, Case, Signal, Triage, TriageReason
from lightkeeper.cases.triage._evidence import Observed, observe

HIGHEST: Final = 1000

_SIGNALS: Final = {
    Signal.IMMINENT_HARM: (400, "Somebody says that a child is in danger now."),
    Signal.LIVE: (300, "It is happening live."),
    Signal.SEXTORTION: (300, "A child is being extorted."),
    Signal.IDENTIFIED_CHILD: (250, "A child in it is said to be identified."),
    Signal.POSSIBLE_REAL_CHILD: (200, "Somebody says that it may show a real child."),
}
_SEVERITY: Final = {
    IndustryClass.A1: 100,
    IndustryClass.A2: 80,
    IndustryClass.B1: 60,
    IndustryClass.B2: 40,
}
_ARISING: Final = {
    Arising.UPLOADED: (40, "It was uploaded: somebody has it and spreads it."),
    Arising.GENERATED_OUTPUT: (30, "A model gave it out, and could again."),
    Arising.PROMPT_ONLY: (20, "Somebody asked a model for it."),
    Arising.MODEL_FILE: (20, "A model file may be able to make it."),
    Arising.TRAINING_DATA_FIND: (10, "It lay in training data."),
}
_MOST_FOR_VOLUME: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevels:
    """How soon somebody should have decided, by least score; and what a point is worth.

    A case of score ``s`` stands in the queue as if it had been opened ``s * point`` earlier, so
    a newer case passes an older one only if its score is higher by the time between them.
    """

    by_score: tuple[tuple[int, timedelta], ...] = (
        (400, timedelta(hours=1)),
        (250, timedelta(hours=4)),
        (120, timedelta(hours=24)),
        (0, timedelta(hours=72)),
    )
    point: timedelta = timedelta(minutes=15)

    def due_after(self, score: int) -> timedelta:
        """Time from opening to a decision."""
        return next((time for least, time in self.by_score if score >= least), self.by_score[-1][1])


DEFAULT_LEVELS: Final = ServiceLevels()


def triage(
    case: Case,
    items: Sequence[Item],
    *,
    service_levels: ServiceLevels = DEFAULT_LEVELS,
    decided_before: bool = False,
) -> Triage:
    """How urgent a case is.

    Parameters
    ----------
    case : Case
        Its signals, where it arose, how often it was reported and when it was opened.
    items : sequence of Item
        All of its items. What is not yet examined counts as new.
    decided_before : bool
        A person has decided about all of its material in earlier cases.

    Returns
    -------
    Triage
        Score 0-1000 with the reasons that it is the sum of.
    """
    reasons = tuple(_reasons(case, observe(items), len(items), decided_before))
    score = min(sum(reason.points for reason in reasons), HIGHEST)
    return Triage(
        score=score,
        reasons=reasons,
        due=case.opened + service_levels.due_after(score),
        rank=case.opened.timestamp() - score * service_levels.point.total_seconds(),
    )


def _reasons(
    case: Case, seen: Observed, items: int, decided_before: bool
) -> Iterator[TriageReason]:
    for signal, (points, sentence) in _SIGNALS.items():
        if signal in case.signals:
            yield TriageReason(signal.value, points, sentence)
    yield from _from_evidence(seen)
    if decided_before:
        yield TriageReason("decided-before", 0, "A person has decided about all of it before.")
    elif seen.novel:
        yield TriageReason("novel", 120, "No set of known photographed material holds all of it.")
    points, sentence = _ARISING[case.arising]
    yield TriageReason(case.arising.value, points, sentence)
    yield from _from_volume(case.times_reported, items)


def _from_evidence(seen: Observed) -> Iterator[TriageReason]:
    if seen.victim_identified:
        yield TriageReason("known-victim", 150, "It matches material of an identified victim.")
    if seen.modelled_after_person:
        yield TriageReason(
            "modelled-after-person", 100, "It matches material modelled after a real person."
        )
    if seen.worst_class is not None:
        yield TriageReason(
            "severity",
            _SEVERITY[seen.worst_class],
            f"It matches material labelled {seen.worst_class.value}.",
        )
    if seen.known:
        yield TriageReason("known", 40, "It matches known material.")
    if seen.camera:
        yield TriageReason("camera", 60, "There are traces of a camera.")
    if seen.contradicted:
        yield TriageReason("contradiction", 40, "What a file says contradicts itself.")
    if seen.unreadable:
        yield TriageReason("unreadable", 30, "Something of it could not be examined.")


def _from_volume(times_reported: int, items: int) -> Iterator[TriageReason]:
    points = min(int(5 * math.log2(max(times_reported, 1) * max(items, 1))), _MOST_FOR_VOLUME)
    if points:
        yield TriageReason(
            "volume", points, f"Reported {times_reported} times; items in it: {items}."
        )
