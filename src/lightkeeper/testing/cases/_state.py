"""What the store holds, as dictionaries; a transaction works on a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightkeeper.cases.audit import Event
    from lightkeeper.cases.decision import Decision
    from lightkeeper.cases.item import Item, View
    from lightkeeper.cases.record import Case
    from lightkeeper.cases.triage import SavedQueue
    from lightkeeper.reporting.outbox import Receipt, Submission
    from lightkeeper.reporting.webhooks import Webhook


@dataclass(slots=True)
class State:
    """Every table. The records are immutable, so copying the dictionaries is enough."""

    cases: dict[str, Case] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    cluster_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    """(likeness, key) to the cluster of the first item that came with it."""
    numbered: dict[int, str] = field(default_factory=dict)
    """Running number to item, for those with a PDQ hash."""
    decisions: dict[str, Decision] = field(default_factory=dict)
    views: dict[str, View] = field(default_factory=dict)
    skips: dict[tuple[str, str], datetime] = field(default_factory=dict)
    queues: dict[str, SavedQueue] = field(default_factory=dict)
    preferences: dict[str, Mapping[str, str]] = field(default_factory=dict)
    events: dict[int, Event] = field(default_factory=dict)
    submissions: dict[str, Submission] = field(default_factory=dict)
    receipts: dict[str, tuple[Receipt, ...]] = field(default_factory=dict)
    webhooks: dict[str, Webhook] = field(default_factory=dict)

    def copy(self) -> State:
        """The same records in new dictionaries."""
        return State(**{f.name: dict(getattr(self, f.name)) for f in fields(self)})
