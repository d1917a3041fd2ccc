"""Registries of marked pictures, and their entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the one row of ``mark_store``."""
    op.create_table(
        "mark_store",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "mark_registry",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text()),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "mark_entry",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("registry_number", sa.Integer(), nullable=False),
        sa.Column("payload", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["registry_number"], ["mark_registry.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("registry_number", "digest", name="mark_entry_key"),
    )
    op.create_index("mark_entry_by_payload", "mark_entry", ["payload"], unique=False)
    op.execute("INSERT INTO mark_store (id, revision) VALUES (1, 0)")
