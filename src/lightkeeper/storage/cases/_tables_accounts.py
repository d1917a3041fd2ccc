"""Tables of accounts, sessions and one-time links."""

from __future__ import annotations
