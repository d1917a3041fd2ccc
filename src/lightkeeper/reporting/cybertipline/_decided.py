"""What of a case is reported: what people decided and nobody has undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lightkeeper.assessment import Label
from lightkeeper.assessment._classification import MACHINE
from lightkeeper.cases.decision import Decision, FileAnnotation, ItemDecision, Outcome
from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.cases.record import Case
from lightkeeper.errors import InvalidReport


@dataclass(frozen=True, slots=True)
class Decided:
    """An item of a report, and what stands about it."""

    item: Item
    decision: Decision | None = None
    labels: ItemDecision | None = None
    is_context: bool = False

    @property
    def is_computer_generated(self) -> bool:
        """A person said so. A machine's proposal does not suffice."""
        if self.labels is None:
            return False
        if FileAnnotation.GENERATIVE_AI in self.labels.annotations:
            return True
        label = self.labels.labels.computer_generated
        return by_person(label) and label.value is True


def by_person(label: Label) -> bool:
    """Whether a person set a label."""
    return label.set_by not in (None, "", MACHINE)


def decided_items(
    case: Case, items: Sequence[Item], decisions: Iterable[Decision], context: frozenset[str]
) -> tuple[Decided, ...]:
    """The items that are reported, and those that were chosen as context, in the case's order.

    Raises
    ------
    InvalidReport
        No decision to report stands, or what was chosen as context is no further medium of the
        case.
    """
    standing = _newest(case, decisions)
    found: list[Decided] = []
    for item in items:
        decision, labels = standing.get(item.id, (None, None))
        reported = _is_reported(item, decision, labels, standing)
        if reported or item.id in context:
            found.append(Decided(item, decision, labels, is_context=not reported))
    if not any(not each.is_context for each in found):
        raise InvalidReport("nothing of this case stands decided as to be reported")
    media = {d.item.id for d in found if d.is_context and d.item.kind is ItemKind.MEDIA}
    if not context <= media:
        raise InvalidReport("only media of the case that is not reported itself can be context")
    return tuple(found)


_Standing = dict[str, tuple[Decision, ItemDecision]]


def _newest(case: Case, decisions: Iterable[Decision]) -> _Standing:
    """For each item the newest decision that stands. Blind second opinions only compare."""
    ordered = sorted(
        (d for d in decisions if d.stands and not d.second and d.case == case.id),
        key=lambda decision: decision.made,
    )
    return {labels.item: (decision, labels) for decision in ordered for labels in decision.items}


def _is_reported(
    item: Item, decision: Decision | None, labels: ItemDecision | None, standing: _Standing
) -> bool:
    if decision is None or labels is None:
        # A model is a reference that nobody has to decide about: it goes with what is reported.
        return item.kind is ItemKind.MODEL and any(
            other.outcome is Outcome.REPORT and not _said_none(theirs)
            for other, theirs in standing.values()
        )
    return decision.outcome is Outcome.REPORT and not _said_none(labels)


def _said_none(labels: ItemDecision) -> bool:
    """A person said "none": unlike a field that nobody has set."""
    label = labels.labels.industry_class
    return label.value is None and by_person(label)
