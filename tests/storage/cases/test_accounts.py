"""Accounts behave in a data base as they do in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from lightkeeper.cases.audit import Action, EventDraft
from lightkeeper.cases.people import Account, AccountStore, OneTimeLink, Role, Session
from lightkeeper.cases.people._accounts import Attempts
from lightkeeper.errors import CaseError, InvalidTransition, StaleCase
from lightkeeper.storage._engine import writing
from lightkeeper.storage.cases import SqlCaseStore
from lightkeeper.testing.cases import MemoryAccounts

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "lite", "postgres"])
def store(request: pytest.FixtureRequest) -> AccountStore:
    if request.param == "memory":
        return MemoryAccounts()
    return request.getfixturevalue(request.param)


def ann(**known: object) -> Account:
    fields = {"id": "a1", "name": "ann", "roles": frozenset({Role.LEAD}), "created": NOW}
    return Account(**(fields | known))


def session(digest: bytes = b"\xff\x00", **known: object) -> Session:
    fields = {"account": "a1", "csrf": "c", "started": NOW, "seen": NOW}
    fields["expires"] = NOW + timedelta(hours=1)
    return Session(digest=digest, **(fields | known))


def test_an_account_is_found_by_what_it_is_known_by(store):
    account = ann(
        queues=frozenset({"default"}),
        totp="00ff",
        openid="https://issuer.example 17",
        key_digest=b"\xff\x00\x80",
    )
    with store.accounts() as unit:
        unit.add_account(account)
    with store.reading_accounts() as unit:
        assert unit.account("a1") == account
        assert unit.account_named("ann") == account
        assert unit.account_of_openid("https://issuer.example 17") == account
        assert unit.account_of_key(b"\xff\x00\x80") == account
        assert unit.accounts() == (account,)
        assert unit.account("a2") is unit.account_named("Ann") is unit.account_of_key(b"") is None


@pytest.mark.parametrize("kind", ["lite", "postgres"])
def test_an_account_that_was_kept_with_fields_of_old_still_loads(request, kind):
    opened: SqlCaseStore = request.getfixturevalue(kind)
    with opened.accounts() as unit:
        unit.add_account(ann())
    with writing(opened._engine, raises=CaseError) as connection:
        record = json.loads(connection.scalar(text("SELECT record FROM account_record")))
        record |= {"failures": 3, "locked_until": "2026-01-05T08:00:00Z"}
        kept = {"record": json.dumps(record)}
        connection.execute(text("UPDATE account_record SET record = :record"), kept)
    with opened.accounts() as unit:
        assert unit.account("a1") == ann()
        assert unit.save_account(replace(ann(), active=False)).version == 1


def test_two_accounts_do_not_share_a_name(store):
    with store.accounts() as unit:
        unit.add_account(ann())
    with pytest.raises(InvalidTransition, match="name"), store.accounts() as unit:
        unit.add_account(ann(id="a2"))
    with store.reading_accounts() as unit:
        assert len(unit.accounts()) == 1


def test_a_change_that_knew_an_older_version_is_refused(store):
    with store.accounts() as unit:
        unit.add_account(ann())
        changed = unit.save_account(replace(ann(), active=False))
    assert changed.version == 1
    with pytest.raises(StaleCase), store.accounts() as unit:
        unit.save_account(ann())


def test_a_session_lives_until_it_is_ended(store):
    with store.accounts() as unit:
        unit.add_account(ann())
        unit.save_session(session())
        unit.save_session(session(seen=NOW + timedelta(minutes=1)))
        unit.save_session(session(b"2"))
    with store.accounts() as unit:
        assert unit.session(b"\xff\x00").seen == NOW + timedelta(minutes=1)
        unit.end_session(b"\xff\x00")
    with store.accounts() as unit:
        assert unit.session(b"\xff\x00") is None
        assert unit.session(b"2") == session(b"2")
        unit.end_sessions("a1")
        assert unit.session(b"2") is None


def test_a_new_session_drops_those_that_are_over(store):
    later = NOW + timedelta(hours=2)
    with store.accounts() as unit:
        unit.add_account(ann())
        unit.save_session(session())
        unit.save_session(session(b"2", seen=later, expires=later + timedelta(hours=1)))
        assert unit.session(b"\xff\x00") is None


def test_a_link_works_once_and_only_the_newest(store):
    old = OneTimeLink(digest=b"old", account="a1", expires=NOW + timedelta(hours=1))
    with store.accounts() as unit:
        unit.add_account(ann())
        unit.save_link(old)
        unit.save_link(replace(old, digest=b"new"))
    with store.accounts() as unit:
        assert unit.link(b"new") == replace(old, digest=b"new")
        assert unit.take_link(b"old", now=NOW) is None
        assert unit.take_link(b"new", now=NOW) is not None
        assert unit.take_link(b"new", now=NOW) is None


def test_links_of_an_account_are_ended_and_those_of_others_stay(store):
    with store.accounts() as unit:
        for name in ("ann", "bob"):
            unit.add_account(ann(id=name, name=name))
            expires = NOW + timedelta(hours=1)
            unit.save_link(OneTimeLink(digest=name.encode(), account=name, expires=expires))
        unit.end_links("ann")
    with store.accounts() as unit:
        assert unit.link(b"ann") is None
        assert unit.link(b"bob") is not None


def test_a_link_that_has_expired_opens_nothing(store):
    with store.accounts() as unit:
        unit.add_account(ann())
        unit.save_link(OneTimeLink(digest=b"l", account="a1", expires=NOW))
        assert unit.take_link(b"l", now=NOW) is None


def test_a_transaction_that_fails_leaves_neither_account_nor_event(lite: SqlCaseStore):
    draft = EventDraft(at=NOW, actor="a1", action=Action.PEOPLE_CHANGED, object="person:a1")
    with pytest.raises(StaleCase), lite.accounts() as unit:  # noqa: PT012
        unit.add_account(ann())
        unit.append([draft])
        unit.save_account(ann(version=7))
    with lite.accounts() as unit:
        assert unit.accounts() == ()
        unit.append([draft])
    with lite.reading() as reader:
        assert [event.action for event in reader.events()] == ["people-changed"]


def test_failed_attempts_are_counted_forgotten_and_bounded(store):
    def tried(key: bytes, failures: int, minutes: int) -> Attempts:
        at = NOW + timedelta(minutes=minutes)
        return Attempts(key=key, failures=failures, last=at, until=at)

    with store.accounts() as unit:
        unit.save_attempts(tried(b"a", 1, 0))
        unit.save_attempts(tried(b"a", 9, 5))
        unit.save_attempts(tried(b"b", 1, 6))
        unit.save_attempts(tried(b"c", 1, 7))
        unit.save_attempts(tried(b"old", 50, -60))
        unit.trim_attempts(before=NOW, most=2)
    with store.accounts() as unit:
        assert unit.attempts(b"a") == tried(b"a", 9, 5)
        assert unit.attempts(b"c") is not None
        assert unit.attempts(b"b") is None
        assert unit.attempts(b"old") is None
        unit.end_attempts(b"a")
    with store.reading_accounts() as unit:
        assert unit.attempts(b"a") is None


def test_the_sessions_of_a_person_are_listed_the_last_seen_first(store):
    with store.accounts() as unit:
        unit.add_account(ann())
        unit.save_session(session(b"1"))
        unit.save_session(session(b"2", seen=NOW + timedelta(minutes=2)))
    with store.reading_accounts() as unit:
        assert [each.digest for each in unit.sessions_of("a1")] == [b"2", b"1"]
        assert unit.sessions_of("a2") == ()
