"""Seconds that stages of the cascade took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table, with the row that is held while a share is set aside."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    table = op.create_table(
        "stage_run",
        sa.Column("number", number, nullable=False),
        sa.Column("share", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("omitted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("stage_run_by_time", "stage_run", ["at"])
    op.create_index("stage_run_by_share", "stage_run", ["share"])
    held = {"number": 0, "share": 0, "at": 1 << 62, "stage": "", "micros": 0, "omitted": 0}
    op.bulk_insert(table, [held])
