"""Submissions and their receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_submission()
    _make_receipt()


def _make_submission() -> None:
    op.create_table(
        "report_submission",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("prepared", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
    )
    op.create_index("report_submission_by_case", "report_submission", ["case_id", "number"])
    op.create_index(
        "report_submission_by_state", "report_submission", ["state", "changes", "number"]
    )
    # At most one report of a case is prepared, on its way or sent, whatever the program does.
    one = sa.text("state IN ('draft', 'confirmed', 'finished', 'dead')")
    op.create_index(
        "report_submission_one",
        "report_submission",
        ["case_id"],
        unique=True,
        sqlite_where=one,
        postgresql_where=one,
    )


def _make_receipt() -> None:
    op.create_table(
        "report_receipt",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.ForeignKeyConstraint(["submission_id"], ["report_submission.id"]),
    )
    op.create_index("report_receipt_by_submission", "report_receipt", ["submission_id", "number"])
