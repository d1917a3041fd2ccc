"""Records to keep: benign, and different from each other where it matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lightkeeper.assessment import Classification
from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.decision import (
    Artefact,
    Confidence,
    Decision,
    FileAnnotation,
    ItemDecision,
    Outcome,
    Seen,
)
from lightkeeper.cases.item import Item, ItemKind, ItemState, MediaFacts, View, ViewMode
from lightkeeper.cases.record import Arising, Case, Intake, Subject, SubjectKind, Triage

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_case(case_id: str = "c1", *, rank: float = 0.0, score: int = 0, **known: Any) -> Case:
    """A case about a user; ``due`` a day after it was opened."""
    opened = known.get("opened", NOON)
    due = known.pop("due", opened + 24 * HOUR)
    fields: dict[str, Any] = {
        "id": case_id,
        "arising": Arising.UPLOADED,
        "intake": Intake.API,
        "subject": Subject(SubjectKind.USER, "bicycle-17", {"screen-name": "bicycle"}),
        "queue": "default",
        "opened": NOON,
        "source": "key-1",
        "triage": Triage(score=score, reasons=(), due=due, rank=rank),
    }
    return Case(**(fields | known))


def an_item(item_id: str = "i1", case_id: str = "c1", **known: Any) -> Item:
    """A prompt that waits."""
    fields: dict[str, Any] = {
        "id": item_id,
        "case": case_id,
        "kind": ItemKind.PROMPT,
        "state": ItemState.WAITING,
        "added": NOON,
        "text": "a red umbrella",
    }
    return Item(**(fields | known))


def media(number: int = 1, pdq: str | None = "ab" * 32) -> MediaFacts:
    """Facts of a picture; a number is always the same content."""
    return MediaFacts(
        size_bytes=10,
        sha256=f"{number:064x}",
        sha1=f"{number:040x}",
        md5=f"{number:032x}",
        pdq=pdq,
        pdq_quality=None if pdq is None else 90,
        vault_key="v",
    )


def a_decision(decision_id: str = "d1", case_id: str = "c1", **known: Any) -> Decision:
    """A decision with something in every field."""
    labels = Classification().decide("industry_class", "B2", person="ada")
    labels = labels.decide("computer_generated", True, person="ada")
    of_item = ItemDecision(
        item="i1",
        labels=labels,
        artefacts={Artefact.SHADOWS: Seen.CANNOT_TELL},
        annotations=frozenset({FileAnnotation.GENERATIVE_AI}),
    )
    fields: dict[str, Any] = {
        "id": decision_id,
        "case": case_id,
        "person": "ada",
        "made": NOON,
        "outcome": Outcome.CLOSE,
        "confidence": Confidence.HIGH,
        "items": (of_item,),
        "comment": "an umbrella, nothing else",
    }
    return Decision(**(fields | known))


def a_view(view_id: str = "v1", item_id: str = "i1", **known: Any) -> View:
    """A preview was shown."""
    fields: dict[str, Any] = {
        "id": view_id,
        "item": item_id,
        "case": "c1",
        "person": "ada",
        "mode": ViewMode.OBSCURED,
        "started": NOON,
    }
    return View(**(fields | known))


def an_event(case_id: str | None = "c1", **details: str) -> EventDraft:
    """Somebody opened a case."""
    return EventDraft(
        at=NOON,
        actor="ada",
        action=Action.OPENED,
        object=f"case:{case_id}",
        case=case_id,
        details=details,
    )
