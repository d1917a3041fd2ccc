"""Webhooks, and which of them have something to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update

from lightkeeper.errors import StaleCase
from lightkeeper.reporting.webhooks import Webhook
from lightkeeper.storage._rows import to_time
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_cases import case_head
from lightkeeper.storage.cases._tables_webhooks import webhook as _table

if TYPE_CHECKING:
    from datetime import datetime, timedelta

_WEBHOOK: Final = Encoding(Webhook)
_W = _table.c


class WebhookRows(Rows):
    """See :class:`lightkeeper.reporting.webhooks.WebhookStore`."""

    def webhook(self, webhook_id: str) -> Webhook | None:
        """See the port."""
        record = self._connection.scalar(select(_W.record).where(_W.id == webhook_id))
        return None if record is None else _WEBHOOK.load(record)

    def webhooks(self) -> tuple[Webhook, ...]:
        """See the port."""
        records = self._connection.scalars(select(_W.record).order_by(_W.number))
        return tuple(_WEBHOOK.load(record) for record in records)

    def add_webhook(self, webhook: Webhook) -> None:
        """See the port."""
        self._connection.execute(insert(_table).values(id=webhook.id, **_columns(webhook)))

    def save_webhook(self, webhook: Webhook) -> Webhook:
        """See the port."""
        saved = replace(webhook, version=webhook.version + 1)
        done = self._connection.execute(
            update(_table)
            .where(_W.id == webhook.id, _W.version == webhook.version)
            .values(**_columns(saved))
        )
        if done.rowcount != 1:
            raise StaleCase("the webhook was changed by somebody else")
        return saved

    def drop_webhook(self, webhook_id: str) -> None:
        """See the port."""
        self._connection.execute(delete(_table).where(_W.id == webhook_id))

    def lease_webhook(self, *, now: datetime, lasts: timedelta) -> Webhook | None:
        """See the port. One that has been told of everything is not due."""
        last = select(case_head.c.sequence).scalar_subquery()
        record = self._connection.scalar(
            select(_W.record)
            .where(_W.stopped.is_(False), _W.due <= to_time(now), _W.told < last)
            .order_by(_W.due, _W.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if record is None:
            return None
        return self.save_webhook(replace(_WEBHOOK.load(record), next_attempt=now + lasts))


def _columns(webhook: Webhook) -> dict[str, Any]:
    return {
        "version": webhook.version,
        "told": webhook.told,
        "due": to_time(webhook.next_attempt) if webhook.next_attempt else 0,
        "stopped": webhook.stopped,
        "record": _WEBHOOK.dump(webhook),
    }
