"""Accounts, sessions and one-time links."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from lightkeeper.cases.people import Account, OneTimeLink, Session
from lightkeeper.errors import InvalidTransition, StaleCase
from lightkeeper.storage._rows import from_time, to_time
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_accounts import (
    account_link,
    account_record,
    account_session,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

_ACCOUNT: Final = Encoding(Account)
_A = account_record.c
_S = account_session.c
_L = account_link.c


class AccountRows(Rows):
    """See :class:`lightkeeper.cases.people.AccountUnit`."""

    def account(self, account_id: str) -> Account | None:
        """See the port."""
        return self._account(_A.id == account_id)

    def account_named(self, name: str) -> Account | None:
        """See the port."""
        return self._account(_A.name == name)

    def account_of_openid(self, openid: str) -> Account | None:
        """See the port."""
        return self._account(_A.openid == openid)

    def account_of_key(self, digest: bytes) -> Account | None:
        """See the port."""
        return self._account(_A.key_digest == digest)

    def accounts(self) -> tuple[Account, ...]:
        """See the port."""
        # In one order: whoever locks them all must not meet another who does.
        rows = self._connection.execute(self._held(_ACCOUNTS.order_by(_A.id)))
        return tuple(sorted(map(_to_account, rows), key=lambda account: account.name))

    def add_account(self, account: Account) -> None:
        """See the port."""
        try:
            self._connection.execute(
                insert(account_record).values(id=account.id, **_columns(account))
            )
        except IntegrityError:
            raise _taken() from None

    def save_account(self, account: Account) -> Account:
        """See the port."""
        saved = replace(account, version=account.version + 1)
        known = update(account_record).where(_A.id == account.id, _A.version == account.version)
        try:
            done = self._connection.execute(known.values(**_columns(saved)))
        except IntegrityError:
            raise _taken() from None
        if done.rowcount != 1:
            raise StaleCase("somebody else has changed the account in between")
        return saved

    def session(self, digest: bytes) -> Session | None:
        """See the port."""
        asked = select(account_session).where(_S.digest == digest)
        row = self._connection.execute(self._held(asked)).first()
        return None if row is None else _to_session(row)

    def save_session(self, session: Session) -> None:
        """See the port."""
        values = {
            "account_id": session.account,
            "csrf": session.csrf,
            "started": to_time(session.started),
            "seen": to_time(session.seen),
            "expires": to_time(session.expires),
        }
        known = update(account_session).where(_S.digest == session.digest)
        if not self._connection.execute(known.values(**values)).rowcount:
            self._connection.execute(
                delete(account_session).where(_S.expires <= to_time(session.seen))
            )
            self._connection.execute(
                insert(account_session).values(digest=session.digest, **values)
            )

    def end_session(self, digest: bytes) -> None:
        """See the port."""
        self._connection.execute(delete(account_session).where(_S.digest == digest))

    def end_sessions(self, account_id: str) -> None:
        """See the port."""
        self._connection.execute(delete(account_session).where(_S.account_id == account_id))

    def sessions_of(self, account_id: str) -> tuple[Session, ...]:
        """See the port."""
        asked = select(account_session).where(_S.account_id == account_id)
        rows = self._connection.execute(asked.order_by(_S.seen.desc(), _S.digest))
        return tuple(map(_to_session, rows))

    def link(self, digest: bytes) -> OneTimeLink | None:
        """See the port."""
        row = self._connection.execute(
            self._held(select(account_link).where(_L.digest == digest))
        ).first()
        if row is None:
            return None
        return OneTimeLink(
            digest=bytes(row.digest), account=row.account_id, expires=from_time(row.expires)
        )

    def save_link(self, link: OneTimeLink) -> None:
        """See the port."""
        self.end_links(link.account)
        self._connection.execute(
            insert(account_link).values(
                digest=link.digest, account_id=link.account, expires=to_time(link.expires)
            )
        )

    def end_links(self, account_id: str) -> None:
        """See the port."""
        self._connection.execute(delete(account_link).where(_L.account_id == account_id))

    def take_link(self, digest: bytes, *, now: datetime) -> OneTimeLink | None:
        """See the port."""
        link = self.link(digest)
        gone = self._connection.execute(delete(account_link).where(_L.digest == digest))
        return link if link is not None and gone.rowcount == 1 and link.expires > now else None

    def _account(self, which: ColumnElement[bool]) -> Account | None:
        row = self._connection.execute(self._held(_ACCOUNTS.where(which))).first()
        return None if row is None else _to_account(row)

    def _held(self, statement: Select[Any]) -> Select[Any]:
        """Lock what is read, unless the transaction only reads."""
        if self._connection.get_execution_options().get("postgresql_readonly"):
            return statement
        return statement.with_for_update()


_ACCOUNTS: Final = select(_A.record, _A.key_digest)


def _columns(account: Account) -> dict[str, Any]:
    return {
        "version": account.version,
        "name": account.name,
        "openid": account.openid,
        "key_digest": account.key_digest,
        "record": _ACCOUNT.dump(replace(account, key_digest=None)),
    }


def _to_account(row: Any) -> Account:
    account = _ACCOUNT.load(row.record)
    return account if row.key_digest is None else replace(account, key_digest=bytes(row.key_digest))


def _to_session(row: Any) -> Session:
    return Session(
        digest=bytes(row.digest),
        account=row.account_id,
        csrf=row.csrf,
        started=from_time(row.started),
        seen=from_time(row.seen),
        expires=from_time(row.expires),
    )


def _taken() -> InvalidTransition:
    return InvalidTransition("there is an account of this name or identifier already")
