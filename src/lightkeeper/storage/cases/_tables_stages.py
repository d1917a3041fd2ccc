"""Seconds that stages of the cascade took, and what is set aside for items in work."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from lightkeeper.storage.cases._metadata import Number, metadata

stage_run = Table(
    "stage_run",
    metadata,
    Column("number", Number, primary_key=True),
    Column("share", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("stage", Text, nullable=False),
    Column("micros", BigInteger, nullable=False),
    Column("omitted", Integer, nullable=False),
    Index("stage_run_by_time", "at"),
    Index("stage_run_by_share", "share"),
)
"""An empty ``stage`` is a share that was set aside; the row 0 is only there to be held."""
