"""Tables of submissions and their receipts."""

from __future__ import annotations
