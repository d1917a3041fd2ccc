"""The audit: append-only, and chained so that a change shows."""

from lightkeeper.cases.audit._anchor import Anchor
from lightkeeper.cases.audit._chain import GENESIS, link, seal
from lightkeeper.cases.audit._event import Action, Event, EventDraft, Head
from lightkeeper.cases.audit._verify import Break, ChainReport, Flaw, verify

__all__ = [
    "GENESIS",
    "Action",
    "Anchor",
    "Break",
    "ChainReport",
    "Event",
    "EventDraft",
    "Flaw",
    "Head",
    "link",
    "seal",
    "verify",
]
