"""Hash sets, entries, who named them, and the order in which they changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the one row of ``store``."""
    _make_store()
    _make_hash_set()
    _make_decision()
    _make_span()
    _make_source()
    _make_holding()
    _make_entry()
    _make_mention()
    _make_vote()
    _make_matched_hour()
    op.execute("INSERT INTO store (id, revision, last_entry) VALUES (1, 0, 0)")


def _make_store() -> None:
    op.create_table(
        "store",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("last_entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _make_hash_set() -> None:
    op.create_table(
        "hash_set",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text()),
        sa.Column("handling", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text()),
        sa.Column("expires_after_days", sa.Integer()),
        sa.Column("radius_bits", sa.SmallInteger(), nullable=False),
        sa.Column("minimum_quality", sa.SmallInteger(), nullable=False),
        sa.Column("negative", sa.Boolean(), nullable=False),
        sa.Column("needs_confirmation", sa.Boolean(), nullable=False),
        sa.Column("quota_per_source", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
    )


def _make_decision() -> None:
    op.create_table(
        "decision",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("set_number", sa.Integer(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["set_number"], ["hash_set.number"]),
        sa.PrimaryKeyConstraint("number"),
    )


def _make_span() -> None:
    op.create_table(
        "span",
        sa.Column("first_revision", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("set_number", sa.Integer(), nullable=False),
        sa.Column("after_number", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["set_number"], ["hash_set.number"]),
        sa.PrimaryKeyConstraint("first_revision"),
    )


def _make_source() -> None:
    op.create_table(
        "source",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("name"),
    )


def _make_holding() -> None:
    op.create_table(
        "holding",
        sa.Column("set_number", sa.Integer(), nullable=False),
        sa.Column("source_number", sa.Integer(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["set_number"], ["hash_set.number"]),
        sa.ForeignKeyConstraint(["source_number"], ["source.number"]),
        sa.PrimaryKeyConstraint("set_number", "source_number"),
    )


def _make_entry() -> None:
    op.create_table(
        "entry",
        sa.Column("number", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("set_number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("variant", sa.Text()),
        sa.Column("quality", sa.SmallInteger()),
        sa.Column("industry_class", sa.Text()),
        sa.Column("computer_generated", sa.Boolean()),
        sa.Column("modelled_after_person", sa.Boolean()),
        sa.Column("age_group", sa.Text()),
        sa.Column("victim_identified", sa.Boolean()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger()),
        sa.Column("expires_given", sa.BigInteger()),
        sa.Column("withdrawn", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
        sa.Column("votes_for", sa.Integer(), server_default="0", nullable=False),
        sa.Column("votes_against", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revision", sa.BigInteger()),
        sa.ForeignKeyConstraint(["set_number"], ["hash_set.number"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("set_number", "kind", "value", name="entry_key"),
    )
    op.create_index(
        "entry_by_expiry",
        "entry",
        ["expires"],
        unique=False,
        sqlite_where=sa.text("expires IS NOT NULL"),
        postgresql_where=sa.text("expires IS NOT NULL"),
    )
    op.create_index(
        "entry_by_revision",
        "entry",
        ["revision"],
        unique=True,
        sqlite_where=sa.text("revision IS NOT NULL"),
        postgresql_where=sa.text("revision IS NOT NULL"),
    )
    op.create_index("entry_by_set", "entry", ["set_number", "number"], unique=False)


def _make_mention() -> None:
    op.create_table(
        "mention",
        sa.Column("entry_number", _NUMBER, nullable=False),
        sa.Column("source_number", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Text()),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.ForeignKeyConstraint(["entry_number"], ["entry.number"]),
        sa.ForeignKeyConstraint(["source_number"], ["source.number"]),
        sa.PrimaryKeyConstraint("entry_number", "source_number"),
        sqlite_with_rowid=False,
    )


def _make_vote() -> None:
    op.create_table(
        "vote",
        sa.Column("entry_number", _NUMBER, nullable=False),
        sa.Column("source_number", sa.Integer(), nullable=False),
        sa.Column("agree", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["entry_number"], ["entry.number"]),
        sa.ForeignKeyConstraint(["source_number"], ["source.number"]),
        sa.PrimaryKeyConstraint("entry_number", "source_number"),
    )


def _make_matched_hour() -> None:
    op.create_table(
        "matched_hour",
        sa.Column("set_number", sa.Integer(), nullable=False),
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("matches", sa.BigInteger(), nullable=False),
        sa.Column("lookups", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["set_number"], ["hash_set.number"]),
        sa.PrimaryKeyConstraint("set_number", "hour"),
    )
