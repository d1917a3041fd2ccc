"""Table of webhooks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from lightkeeper.storage.cases._metadata import Number, metadata

webhook = Table(
    "webhook",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("told", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("record", Text, nullable=False),
)
"""``told`` is the last event of the audit that it knows; ``due`` when it may be told of more."""
