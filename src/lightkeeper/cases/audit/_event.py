"""One line of the audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """What somebody did. Reading counts."""

    OPENED = "opened"
    ITEM_ADDED = "item-added"
    EXAMINED = "examined"
    LISTED = "listed"
    READ = "read"
    CLAIMED = "claimed"
    RELEASED = "released"
    SKIPPED = "skipped"
    HANDED_OVER = "handed-over"
    VIEWED = "viewed"
    """An obscured preview was shown."""
    REVEALED = "revealed"
    """Clear pixels were shown."""
    DECIDED = "decided"
    SPREAD = "spread"
    UNDONE = "undone"
    SIGNALLED = "signalled"
    """Signals or the queue were changed, with the triage that followed."""
    REPORT_PREPARED = "report-prepared"
    REPORT_CONFIRMED = "report-confirmed"
    REPORT_SENT = "report-sent"
    REPORT_RETRACTED = "report-retracted"
    REPORT_FAILED = "report-failed"
    EXPORTED = "exported"
    HELD = "held"
    HOLD_RELEASED = "hold-released"
    RETENTION_OVER = "retention-over"
    """Its time of preservation has passed: a person decides what becomes of it."""
    DESTROYED = "destroyed"
    SIGNED_IN = "signed-in"
    SIGN_IN_FAILED = "sign-in-failed"
    SIGNED_OUT = "signed-out"
    PEOPLE_CHANGED = "people-changed"
    SERVICE_CHANGED = "service-changed"
    KEYS_ROTATED = "keys-rotated"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """An event before the chain has taken it."""

    at: datetime
    actor: str
    action: Action
    object: str
    """``case:…``, ``item:…``, ``decision:…``, ``report:…``, ``person:…`` or ``service``."""
    case: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    """Never content: no text of an item, no password, no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event in the chain: ``digest`` is SHA-256 over all other fields and ``previous``."""

    sequence: int
    at: datetime
    actor: str
    action: str
    object: str
    case: str | None
    details: dict[str, str]
    previous: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends, under a key that the data base does not hold."""

    sequence: int
    digest: bytes
    mac: bytes
