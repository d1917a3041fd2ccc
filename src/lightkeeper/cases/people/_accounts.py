"""Accounts of people and keys of programs: the records and the port."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from lightkeeper.cases.people._roles import Actor, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from lightkeeper.cases.audit import EventDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in, or a program with a key (``is_person`` false)."""

    id: str
    version: int = 0
    name: str
    """What the person signs in with; unique."""
    roles: frozenset[Role]
    queues: frozenset[str] | None = None
    is_person: bool = True
    active: bool = True
    password: str | None = None
    """argon2id, encoded; ``None`` for those who sign in elsewhere."""
    totp: str | None = None
    """Secret of the second factor, encrypted by the service's key."""
    totp_step: int = 0
    """Last time step that was used: a code works once."""
    openid: str | None = None
    """Issuer and subject of OpenID Connect, joined by a space."""
    key_digest: bytes | None = None
    """Keyed BLAKE2b of the API key."""
    created: datetime

    def actor(self) -> Actor:
        """Who this is to the desk."""
        return Actor(
            id=self.id,
            name=self.name,
            roles=self.roles,
            queues=self.queues,
            is_person=self.is_person,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person who has signed in. Only a digest of the cookie is kept."""

    digest: bytes
    account: str
    csrf: str
    started: datetime
    seen: datetime
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeLink:
    """A link that works once: the first administrator's, an invitation, a reset."""

    digest: bytes
    account: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How often something went wrong at sign-in, for one digest of who and from where."""

    key: bytes
    failures: int
    last: datetime
    until: datetime
    """Before then nothing of it is tried."""


class AccountReader(Protocol):
    """One consistent view of all accounts; every request of a page asks it, so it never locks."""

    def account(self, account_id: str) -> Account | None: ...

    def account_named(self, name: str) -> Account | None: ...

    def account_of_openid(self, openid: str) -> Account | None: ...

    def account_of_key(self, digest: bytes) -> Account | None: ...

    def accounts(self) -> tuple[Account, ...]:
        """All of them, by name."""

    def session(self, digest: bytes) -> Session | None: ...

    def sessions_of(self, account_id: str) -> tuple[Session, ...]:
        """All that are kept, the one seen last first; some may be over."""

    def link(self, digest: bytes) -> OneTimeLink | None:
        """Without using it up."""

    def attempts(self, key: bytes) -> Attempts | None: ...


class AccountUnit(AccountReader, Protocol):
    """A transaction over accounts: what it has read, nobody else changes until it ends."""

    def add_account(self, account: Account) -> None: ...

    def save_account(self, account: Account) -> Account:
        """Replace the account of the same version, or raise ``StaleCase``."""

    def save_session(self, session: Session) -> None:
        """Add or replace it; those that had expired when it was seen are dropped."""

    def end_session(self, digest: bytes) -> None: ...

    def end_sessions(self, account_id: str) -> None: ...

    def save_link(self, link: OneTimeLink) -> None:
        """Keep it; earlier links to the same account no longer work."""

    def end_links(self, account_id: str) -> None: ...

    def take_link(self, digest: bytes, *, now: datetime) -> OneTimeLink | None:
        """The link, which is gone afterwards; ``None`` once it has expired."""

    def add_attempts(self, attempts: Attempts) -> bool:
        """Add them; false where some of this key are there already, whoever added them."""

    def save_attempts(self, attempts: Attempts) -> None:
        """Add or replace them."""

    def end_attempts(self, key: bytes) -> None: ...

    def trim_attempts(self, *, before: datetime, most: int) -> None:
        """Forget those last counted before a time, and the smallest where there are too many."""

    def append(self, drafts: Sequence[EventDraft]) -> None:
        """Chain events in this transaction, as ``CaseWriter.append`` does."""


class AccountStore(Protocol):
    """Accounts, in the cases' data base."""

    def reading_accounts(self) -> AbstractContextManager[AccountReader]: ...

    def accounts(self) -> AbstractContextManager[AccountUnit]:
        """A transaction; it writes."""
