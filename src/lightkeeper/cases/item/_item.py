"""What a case holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ItemKind(StrEnum):
    """What an item is."""

    MEDIA = "media"
    PROMPT = "prompt"
    TEXT = "text"
    MODEL = "model"
    """A reference to a model: names and hashes as ``facts``."""


class ItemState(StrEnum):
    """How far an item's examination is. Text is examined as it comes in."""

    WAITING = "waiting"
    EXAMINED = "examined"
    FAILED = "failed"
    """It could not be examined; a person can still decide about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What is known of a file before anybody looks at it."""

    size_bytes: int
    sha256: str
    sha1: str
    md5: str
    format: str | None = None
    width: int | None = None
    height: int | None = None
    pdq: str | None = None
    """Hex; ``None`` where there is none."""
    pdq_quality: int | None = None
    vault_key: str
    """The file as it came in."""
    preview_key: str | None = None
    """Small, blurred and grey: what is shown first."""
    view_key: str | None = None
    """Re-encoded for the page, never the bytes of a stranger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file, prompt, text or model of a case. ``id`` cannot be guessed."""

    id: str
    case: str
    kind: ItemKind
    state: ItemState
    added: datetime
    file_name: str | None = None
    media: MediaFacts | None = None
    text: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    """What the source says of it: ``uploaded-at``, ``location``, ``publicly-available``, ``ip``,
    ``device-id``, ``model``, ``model-sha256`` …"""
    examination: dict[str, Any] | None = None
    """The row of a scan (schema ``lightkeeper.scan/1``): findings and assessment."""
    cluster: str | None = None
    """Identifier of the near-duplicates that are reviewed together."""
    likeness: str | None = None
    """Why it is in its cluster: ``pdq``, ``digest``, ``parameters`` or ``model``."""


class ViewMode(StrEnum):
    """How much of a picture a person saw."""

    OBSCURED = "obscured"
    """The preview: small, blurred, grey."""
    CLEAR = "clear"
    """All of it, unobscured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Somebody looked at an item."""

    id: str
    item: str
    case: str
    person: str
    mode: ViewMode
    started: datetime
    seconds: float = 0.0
    entire: bool = False
    """The person saw its entire contents, which is what ``fileViewedByEsp`` asks."""
    severity: int = 0
    """0-3, as triage or an earlier decision put it: what exposure is weighed by."""
