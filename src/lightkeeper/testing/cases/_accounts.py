"""Accounts in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING

from lightkeeper.errors import InvalidTransition, StaleCase
from lightkeeper.testing.cases._store import MemoryCases

if TYPE_CHECKING:
    from lightkeeper.cases.audit import EventDraft
    from lightkeeper.cases.people import Account, OneTimeLink, Session
    from lightkeeper.cases.people._accounts import Attempts


class _Unit:
    """Implements :class:`lightkeeper.cases.people.AccountUnit`."""

    def __init__(
        self,
        accounts: dict[str, Account],
        sessions: dict[bytes, Session],
        links: dict[bytes, OneTimeLink],
        tried: dict[bytes, Attempts],
    ) -> None:
        self.kept, self.sessions, self.links, self.tried = accounts, sessions, links, tried
        self.drafts: list[EventDraft] = []

    def copy(self) -> _Unit:
        return _Unit(dict(self.kept), dict(self.sessions), dict(self.links), dict(self.tried))

    def account(self, account_id: str) -> Account | None:
        return self.kept.get(account_id)

    def account_named(self, name: str) -> Account | None:
        return next((a for a in self.kept.values() if a.name == name), None)

    def account_of_openid(self, openid: str) -> Account | None:
        return next((a for a in self.kept.values() if a.openid == openid), None)

    def account_of_key(self, digest: bytes) -> Account | None:
        return next((a for a in self.kept.values() if a.key_digest == digest), None)

    def accounts(self) -> tuple[Account, ...]:
        return tuple(sorted(self.kept.values(), key=lambda account: account.name))

    def add_account(self, account: Account) -> None:
        if account.id in self.kept or self.account_named(account.name):
            raise InvalidTransition("there is an account of this name already")
        self.kept[account.id] = account

    def save_account(self, account: Account) -> Account:
        known = self.kept.get(account.id)
        if known is None or known.version != account.version:
            raise StaleCase("somebody else has changed the account in between")
        saved = replace(account, version=account.version + 1)
        self.kept[account.id] = saved
        return saved

    def session(self, digest: bytes) -> Session | None:
        return self.sessions.get(digest)

    def save_session(self, session: Session) -> None:
        kept = [*self.sessions.values(), session]
        self.sessions = {s.digest: s for s in kept if s.expires > session.seen}

    def end_session(self, digest: bytes) -> None:
        self.sessions.pop(digest, None)

    def end_sessions(self, account_id: str) -> None:
        ended = [key for key, session in self.sessions.items() if session.account == account_id]
        for digest in ended:
            del self.sessions[digest]

    def sessions_of(self, account_id: str) -> tuple[Session, ...]:
        found = [session for session in self.sessions.values() if session.account == account_id]
        return tuple(sorted(found, key=lambda session: session.seen, reverse=True))

    def link(self, digest: bytes) -> OneTimeLink | None:
        return self.links.get(digest)

    def save_link(self, link: OneTimeLink) -> None:
        others = [kept for kept in self.links.values() if kept.account != link.account]
        self.links = {kept.digest: kept for kept in [*others, link]}

    def end_links(self, account_id: str) -> None:
        self.links = {k: link for k, link in self.links.items() if link.account != account_id}

    def take_link(self, digest: bytes, *, now: datetime) -> OneTimeLink | None:
        link = self.links.pop(digest, None)
        return link if link is not None and link.expires > now else None

    def attempts(self, key: bytes) -> Attempts | None:
        return self.tried.get(key)

    def add_attempts(self, attempts: Attempts) -> bool:
        return self.tried.setdefault(attempts.key, attempts) is attempts

    def save_attempts(self, attempts: Attempts) -> None:
        self.tried[attempts.key] = attempts

    def end_attempts(self, key: bytes) -> None:
        self.tried.pop(key, None)

    def trim_attempts(self, *, before: datetime, most: int) -> None:
        kept = [each for each in self.tried.values() if each.last >= before]
        kept.sort(key=lambda each: (each.failures, each.last), reverse=True)
        self.tried = {each.key: each for each in kept[:most]}

    def append(self, drafts: Sequence[EventDraft]) -> None:
        self.drafts.extend(drafts)


class MemoryAccounts:
    """Implements :class:`lightkeeper.cases.people.AccountStore` with dictionaries.

    What happens to accounts is chained in the audit of ``cases``.
    """

    def __init__(self, cases: MemoryCases | None = None) -> None:
        self._cases = cases or MemoryCases()
        self._unit = _Unit({}, {}, {}, {})
        self._writing = Lock()

    @contextmanager
    def reading_accounts(self) -> Iterator[_Unit]:
        """One consistent view."""
        yield self._unit.copy()

    @contextmanager
    def accounts(self) -> Iterator[_Unit]:
        """All of it, or nothing."""
        with self._writing:
            unit = self._unit.copy()
            yield unit
            with self._cases.writing() as cases:
                cases.append(unit.drafts)
            self._unit = unit.copy()
