"""Cases, what they hold, who looked, and the audit."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
