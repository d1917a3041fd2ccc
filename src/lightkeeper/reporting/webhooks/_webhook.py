"""A receiver of notices, and how far it has been told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from lightkeeper.cases.audit import Action, Event, EventDraft, Head
from lightkeeper.errors import InvalidConfiguration
from lightkeeper.reporting.sending import is_loopback

TELLABLE = frozenset(
    {
        Action.OPENED,
        Action.EXAMINED,
        Action.DECIDED,
        Action.SPREAD,
        Action.UNDONE,
        Action.SIGNALLED,
        Action.REPORT_CONFIRMED,
        Action.REPORT_SENT,
        Action.REPORT_RETRACTED,
        Action.REPORT_FAILED,
        Action.HELD,
        Action.HOLD_RELEASED,
        Action.DESTROYED,
    }
)
"""What others may be told of: what happens to cases, never what people look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A URL that is told of events, in their order, each at least once.

    The audit is the outbox: ``told`` is the sequence number up to which it has been told, so a
    notice cannot be lost and cannot stand for something that did not happen.
    """

    id: str
    version: int = 0
    url: str
    actions: frozenset[Action]
    told: int
    failures: int = 0
    """Attempts since the last notice that was taken."""
    next_attempt: datetime | None = None
    stopped: bool = False
    """It failed too often; a person has to start it again."""
    created: datetime
    created_by: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidConfiguration(
                "a webhook's address must be a URL", hint="https://HOST/PATH"
            )
        if parts.username or parts.password:
            raise InvalidConfiguration("a webhook's address must not hold a password")
        if parts.scheme != "https" and not is_loopback(parts.hostname):
            raise InvalidConfiguration("notices are sent over https only")
        if not self.actions or not self.actions <= TELLABLE:
            raise InvalidConfiguration("a webhook is told of one action or more, on cases only")


class WebhookReader(Protocol):
    """Webhooks and the audit that they are told from."""

    def webhook(self, webhook_id: str) -> Webhook | None: ...

    def webhooks(self) -> tuple[Webhook, ...]:
        """Oldest first."""

    def events(
        self, *, after: int = 0, case: str | None = None, limit: int | None = None
    ) -> Iterator[Event]: ...

    def head(self) -> Head | None: ...


class WebhookWriter(WebhookReader, Protocol):
    """A transaction."""

    def add_webhook(self, webhook: Webhook) -> None: ...

    def save_webhook(self, webhook: Webhook) -> Webhook:
        """Replace the webhook of the same version, or raise ``StaleCase``."""

    def drop_webhook(self, webhook_id: str) -> None: ...

    def lease_webhook(self, *, now: datetime, lasts: timedelta) -> Webhook | None:
        """One that is due, has not been told of all events and that no other worker holds; its
        ``next_attempt`` is moved to the end of the lease."""

    def append(self, drafts: Sequence[EventDraft]) -> None: ...


class WebhookStore(Protocol):
    """Webhooks, in the cases' data base."""

    def reading(self) -> AbstractContextManager[WebhookReader]: ...

    def writing(self) -> AbstractContextManager[WebhookWriter]: ...
