"""Webhooks in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lightkeeper.errors import StaleCase

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lightkeeper.reporting.webhooks import Webhook
    from lightkeeper.testing.cases._state import State


class Webhooks:
    """Implements what :class:`lightkeeper.reporting.webhooks.WebhookStore` asks of both."""

    _state: State

    def webhook(self, webhook_id: str) -> Webhook | None:
        """The webhook of this identifier."""
        return self._state.webhooks.get(webhook_id)

    def webhooks(self) -> tuple[Webhook, ...]:
        """In the order in which they came."""
        return tuple(self._state.webhooks.values())

    def add_webhook(self, webhook: Webhook) -> None:
        """A new one."""
        self._state.webhooks[webhook.id] = webhook

    def save_webhook(self, webhook: Webhook) -> Webhook:
        """Replace the webhook of the same version."""
        known = self._state.webhooks.get(webhook.id)
        if known is None or known.version != webhook.version:
            raise StaleCase("the webhook was changed by somebody else")
        saved = replace(webhook, version=webhook.version + 1)
        self._state.webhooks[webhook.id] = saved
        return saved

    def drop_webhook(self, webhook_id: str) -> None:
        """It is told nothing more."""
        self._state.webhooks.pop(webhook_id, None)

    def lease_webhook(self, *, now: datetime, lasts: timedelta) -> Webhook | None:
        """One that is due and has something to be told."""
        last = max(self._state.events, default=0)
        for webhook in self._state.webhooks.values():
            due = webhook.next_attempt is None or webhook.next_attempt <= now
            if due and webhook.told < last and not webhook.stopped:
                return self.save_webhook(replace(webhook, next_attempt=now + lasts))
        return None
