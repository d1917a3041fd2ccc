from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.errors import InvalidConfiguration, StaleCase
from lightkeeper.reporting.webhooks import Notifier, Webhook, is_genuine, sign_notice
from lightkeeper.storage.cases import open_cases
from lightkeeper.storage.cases._store import SqlCaseStore

KEY = Ed25519PrivateKey.from_private_bytes(b"a key for tests only".ljust(32, b"."))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Receiver:
    """Somebody who is told; ``answers`` are the statuses of the next requests."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.answers: list[int | Exception] = []
        self.genuine: list[bool] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, Exception):
            raise answer
        self.genuine.append(
            is_genuine(request.content, request.headers, key=KEY.public_key(), now=NOW)
        )
        if answer == 204:
            self.told.append(json.loads(request.content))
        return httpx.Response(answer, headers={"Location": "https://elsewhere.example/"})


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlCaseStore]:
    store = open_cases(f"sqlite:///{tmp_path / 'cases.db'}", audit_key=b"k" * 32)
    yield store
    store.close()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notifier(store: SqlCaseStore, receiver: Receiver, clock: Clock) -> Iterator[Notifier]:
    transport = httpx.MockTransport(receiver)
    notifier = Notifier(store, KEY, clock=clock, chance=lambda: 1.0, transport=transport)
    yield notifier
    notifier.close()


def webhook(**changes: object) -> Webhook:
    plain = Webhook(
        id="hook",
        url="https://receiver.example/notices",
        actions=frozenset({Action.OPENED, Action.DECIDED}),
        told=0,
        created=NOW,
        created_by="ada",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def add(store: SqlCaseStore, *hooks: Webhook) -> None:
    with store.writing() as unit:
        for hook in hooks:
            unit.add_webhook(hook)


def happen(store: SqlCaseStore, *actions: Action) -> None:
    with store.writing() as unit:
        unit.append(
            [EventDraft(at=NOW, actor="ada", action=a, object="case:c", case="c") for a in actions]
        )


def test_a_receiver_is_told_in_order_of_what_it_asked_for(
    store: SqlCaseStore, notifier: Notifier, receiver: Receiver
) -> None:
    add(store, webhook())
    happen(store, Action.OPENED, Action.READ, Action.DECIDED)
    assert notifier.deliver() == 2
    assert [notice["action"] for notice in receiver.told] == ["opened", "decided"]
    assert receiver.told[0] == {
        "schema": "lightkeeper.notice/1",
        "sequence": 1,
        "at": "2026-03-01T12:00:00.000Z",
        "action": "opened",
        "object": "case:c",
        "case": "c",
    }
    assert all(receiver.genuine)
    assert notifier.deliver() == 0


def test_what_fails_is_told_later_and_nothing_overtakes_it(
    store: SqlCaseStore, notifier: Notifier, receiver: Receiver, clock: Clock
) -> None:
    add(store, webhook())
    happen(store, Action.OPENED, Action.DECIDED)
    receiver.answers = [204, 500]
    assert notifier.deliver() == 1
    assert notifier.deliver() == 0
    clock.now += timedelta(hours=1)
    happen(store, Action.OPENED)
    assert notifier.deliver() == 2
    assert [notice["sequence"] for notice in receiver.told] == [1, 2, 3]


@pytest.mark.parametrize("answer", [302, 404, httpx.ConnectError("no"), httpx.ReadTimeout("no")])
def test_only_success_counts_and_redirects_are_not_followed(
    store: SqlCaseStore, notifier: Notifier, receiver: Receiver, answer: int | Exception
) -> None:
    add(store, webhook())
    happen(store, Action.OPENED)
    receiver.answers = [answer]
    assert notifier.deliver() == 0
    assert receiver.told == []
    assert len(receiver.genuine) <= 1


def test_one_that_fails_for_days_is_stopped_and_holds_up_no_other(
    store: SqlCaseStore, notifier: Notifier, receiver: Receiver, clock: Clock
) -> None:
    add(store, webhook())
    happen(store, Action.OPENED)
    for _ in range(30):
        receiver.answers = [503]
        notifier.deliver()
        clock.now += timedelta(hours=7)
    with store.reading() as unit:
        (stopped,) = unit.webhooks()
    assert stopped.stopped
    add(store, webhook(id="other"))
    receiver.answers = []
    assert notifier.deliver() == 1


def test_a_leased_webhook_is_not_leased_again_until_the_lease_ends(store: SqlCaseStore) -> None:
    add(store, webhook())
    happen(store, Action.OPENED)
    lasts = timedelta(minutes=5)
    with store.writing() as unit:
        assert unit.lease_webhook(now=NOW, lasts=lasts) is not None
        assert unit.lease_webhook(now=NOW, lasts=lasts) is None
        assert unit.lease_webhook(now=NOW + lasts, lasts=lasts) is not None


def test_an_older_version_is_refused(store: SqlCaseStore) -> None:
    add(store, webhook())
    with store.writing() as unit:
        unit.save_webhook(webhook(told=7))
    with pytest.raises(StaleCase), store.writing() as unit:
        unit.save_webhook(webhook(told=3))


def test_a_dropped_webhook_is_told_nothing(
    store: SqlCaseStore, notifier: Notifier, receiver: Receiver
) -> None:
    add(store, webhook())
    with store.writing() as unit:
        unit.drop_webhook("hook")
    happen(store, Action.OPENED)
    assert notifier.deliver() == 0
    assert receiver.told == []


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://receiver.example/"},
        {"url": "ftp://receiver.example/"},
        {"url": "https://user:word@receiver.example/"},
        {"url": "nowhere"},
        {"actions": frozenset()},
        {"actions": frozenset({Action.REVEALED})},
        {"actions": frozenset({Action.OPENED, Action.SIGNED_IN})},
    ],
)
def test_unsafe_addresses_and_private_actions_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidConfiguration):
        webhook(**changes)


def test_this_machine_may_be_told_in_the_clear() -> None:
    assert webhook(url="http://127.0.0.1:9000/").url.startswith("http:")


@given(st.binary(max_size=64), st.integers(0, 63), st.integers(0, 255))
def test_a_changed_body_is_not_genuine(body: bytes, where: int, what: int) -> None:
    headers = sign_notice(body, at=NOW, key=KEY)
    changed = bytearray(body or b"x")
    changed[where % len(changed)] = what
    genuine = is_genuine(bytes(changed), headers, key=KEY.public_key(), now=NOW)
    assert genuine == (bytes(changed) == body)


def test_an_old_or_unsigned_notice_is_not_genuine() -> None:
    headers = sign_notice(b"{}", at=NOW, key=KEY)
    public = KEY.public_key()
    assert is_genuine(b"{}", headers, key=public, now=NOW + timedelta(minutes=4))
    assert not is_genuine(b"{}", headers, key=public, now=NOW + timedelta(minutes=6))
    assert not is_genuine(b"{}", {}, key=public, now=NOW)
    later = {**headers, "Lightkeeper-Timestamp": str(int(NOW.timestamp()) + 60)}
    assert not is_genuine(b"{}", later, key=public, now=NOW)
