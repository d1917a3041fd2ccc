"""The block as one line of JSON within other text, and back."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.errors import ReportError
from lightkeeper.plain import to_plain
from lightkeeper.reporting.ai_evidence._block import SCHEMA, AiEvidence
from lightkeeper.reporting.ai_evidence._decode import decoded
from lightkeeper.reporting.ai_evidence._gather import Room, gather

if TYPE_CHECKING:
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Arising

LONGEST_LINE: Final = 32_000
_LONGEST_READ: Final = 1 << 20
_START: Final = f'{{"schema":"{SCHEMA}",'
# Texts give way before lists do.
_ROOMS: Final = (
    Room(),
    Room(1000, 32),
    Room(400, 16),
    Room(150, 8),
    Room(60, 4),
    Room(20, 2),
    Room(0, 0),
)


def ai_evidence(item: Item, decision: Decision | None = None, *, arising: Arising) -> str:
    """The block of an item: one line of ASCII, at most 32,000 characters.

    What does not fit is cut, and says so: a text keeps its full length beside its beginning, a
    list the number of entries that were left out.
    """
    lines = (line_of(gather(item, decision, arising=arising, room=room)) for room in _ROOMS)
    return next(line for line in lines if len(line) <= LONGEST_LINE)


def line_of(evidence: AiEvidence) -> str:
    """The block as it is written. ASCII: nothing in it can end the line, or its XML element."""
    return json.dumps(to_plain(evidence), separators=(",", ":"), allow_nan=False)


def read_ai_evidence(text: str) -> tuple[AiEvidence, ...]:
    """The blocks in a text, such as ``additionalInfo``; each stands on a line of its own.

    Keys that are not known are passed over.

    Raises
    ------
    ReportError
        A line begins as a block does and is none.
    """
    return tuple(_read(line) for line in text.split("\n") if line.startswith(_START))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the block."""
    file = resources.files(__package__) / "ai-evidence-1.schema.json"
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def _read(line: str) -> AiEvidence:
    if len(line) > _LONGEST_READ:
        raise ReportError("the block of evidence is longer than any that is written")
    try:
        return decoded(AiEvidence, json.loads(line))
    except (ValueError, RecursionError) as error:
        raise ReportError("the block of evidence cannot be read") from error
