"""Telling receivers, one event after the other, from where each was left."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from lightkeeper.errors import MissingExtra, StaleCase
from lightkeeper.reporting.webhooks._signature import sign_notice
from lightkeeper.reporting.webhooks._webhook import Webhook, WebhookStore

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from lightkeeper.cases import Clock
    from lightkeeper.cases.audit import Event

SCHEMA: Final = "lightkeeper.notice/1"
_EVENTS_AT_ONCE: Final = 100
_LEASE: Final = timedelta(minutes=10)
_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(hours=6)
_MOST_FAILURES: Final = 24
"""Some three days at the waits above."""


class Notifier:
    """Delivers notices.

    A notice holds identifiers and names of actions; never a text, a hash or a person.
    Certificates are checked, redirects are not followed, the environment's proxies are not used.

    Parameters
    ----------
    store : WebhookStore
    key : Ed25519PrivateKey
        Signs each notice; receivers know the public half.
    clock : Clock
    chance : callable
        Draws from [0, 1): what part of a wait is waited.
    transport : httpx.BaseTransport, optional
        In place of the network, for tests.
    """

    def __init__(
        self,
        store: WebhookStore,
        key: Ed25519PrivateKey,
        *,
        clock: Clock,
        chance: Callable[[], float],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise MissingExtra("sending notices", extra="service") from error
        self._store = store
        self._key = key
        self._clock = clock
        self._chance = chance
        self._failure = httpx.HTTPError
        self._client = httpx.Client(
            timeout=10.0,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "Lightkeeper", "Content-Type": "application/json"},
        )

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def deliver(self, *, most: int = 50) -> int:
        """Tell every receiver that is due, ``most`` leases at a time; how many notices it took."""
        told = 0
        for _ in range(most):
            with self._store.writing() as unit:
                webhook = unit.lease_webhook(now=self._clock(), lasts=_LEASE)
            if webhook is None:
                break
            told += self._tell(webhook)
        return told

    def _tell(self, webhook: Webhook) -> int:
        with self._store.reading() as unit:
            events = list(unit.events(after=webhook.told, limit=_EVENTS_AT_ONCE))
        told = 0
        for event in events:
            if event.action in webhook.actions:
                if not self._post(webhook, event):
                    self._save(self._failed(webhook))
                    return told
                told += 1
            webhook = replace(webhook, told=event.sequence, failures=0)
        self._save(replace(webhook, next_attempt=None))
        return told

    def _post(self, webhook: Webhook, event: Event) -> bool:
        body = notice_of(event)
        headers = sign_notice(body, at=self._clock(), key=self._key)
        try:
            with self._client.stream(
                "POST", webhook.url, content=body, headers=headers
            ) as response:
                return response.is_success
        except self._failure:
            return False

    def _failed(self, webhook: Webhook) -> Webhook:
        failures = webhook.failures + 1
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(failures, 20))) * self._chance()
        return replace(
            webhook,
            failures=failures,
            next_attempt=self._clock() + wait,
            stopped=failures >= _MOST_FAILURES,
        )

    def _save(self, webhook: Webhook) -> None:
        try:
            with self._store.writing() as unit:
                unit.save_webhook(webhook)
        except StaleCase:
            # Somebody changed or removed it meanwhile: it is told again from where it was left.
            return


def notice_of(event: Event) -> bytes:
    """The body of a notice: JSON in UTF-8."""
    notice = {
        "schema": SCHEMA,
        "sequence": event.sequence,
        "at": _iso(event.at),
        "action": event.action,
        "object": event.object,
        "case": event.case,
    }
    return json.dumps(notice, separators=(",", ":")).encode()


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
