"""The audit: append-only, and chained so that a change shows."""

from lightkeeper.cases.audit._anchor import Anchor
from lightkeeper.cases.audit._chain import GENESIS, extend, link, seal
from lightkeeper.cases.audit._event import Action, Event, EventDraft, Head
from lightkeeper.cases.audit._verify import ChainReport, Flaw, verify

__all__ = [
    "GENESIS",
    "Action",
    "Anchor",
    "ChainReport",
    "Event",
    "EventDraft",
    "Flaw",
    "Head",
    "extend",
    "link",
    "seal",
    "verify",
]
