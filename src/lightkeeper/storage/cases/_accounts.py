"""Accounts, sessions and one-time links."""

from __future__ import annotations

from lightkeeper.storage.cases._rows import Rows


class AccountRows(Rows):
    """See :class:`lightkeeper.cases.people.AccountUnit`."""
