"""Notices to other programs: signed, in order, each at least once, and only where asked for."""

from lightkeeper.reporting.webhooks._deliver import Notifier
from lightkeeper.reporting.webhooks._signature import is_genuine, sign_notice
from lightkeeper.reporting.webhooks._webhook import (
    TELLABLE,
    Webhook,
    WebhookStore,
)

__all__ = [
    "TELLABLE",
    "Notifier",
    "Webhook",
    "WebhookStore",
    "is_genuine",
    "sign_notice",
]
