"""The audit: append-only, and chained so that a change shows."""

from lightkeeper.cases.audit._event import Action, Event, EventDraft, Head

__all__ = ["Action", "Event", "EventDraft", "Head"]
