"""API keys of programs: shown once, kept as keyed digests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.service.accounts._digests import digest_of

if TYPE_CHECKING:
    from lightkeeper.cases.people import Account
    from lightkeeper.service._services import Services


def find_key(services: Services, key: str) -> Account | None:
    """The program that holds a key."""
    digest = digest_of(services.keys, "api key", key)
    with services.accounts.reading_accounts() as unit:
        account = unit.account_of_key(digest)
    if account is None or not account.active or account.is_person:
        return None
    return account
