"""Somebody for each role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightkeeper.cases.people import Account, Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lightkeeper.cases.people import AccountStore

PEOPLE: Final = {
    "ada": frozenset({Role.ADMINISTRATOR}),
    "lea": frozenset({Role.LEAD}),
    "ida": frozenset({Role.REVIEWER}),
    "jon": frozenset({Role.REVIEWER}),
    "rob": frozenset({Role.REPORTER}),
    "aud": frozenset({Role.AUDITOR}),
}


def seed_people(
    accounts: AccountStore, *, now: datetime, hash_password: Callable[[str], str], password: str
) -> tuple[str, ...]:
    """Accounts of one person for each role, all with the same password; their names.

    For a demo on this machine only.
    """
    with accounts.accounts() as unit:
        for name, roles in PEOPLE.items():
            if unit.account_named(name) is None:
                unit.add_account(
                    Account(
                        id=f"demo-{name}",
                        name=name,
                        roles=roles,
                        password=hash_password(password),
                        created=now,
                    )
                )
    return tuple(PEOPLE)
