"""Cases, what they hold, who looked, and the audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

_CARRIED = (
    "queue",
    "arising",
    "intake",
    "signals",
    "origin",
    "known",
    "subject_kind",
    "claim_person",
    "claim_until",
    "assigned",
    "score_down",
    "opened",
    "due",
)
_ORDERS = {
    "rank": ("state", "rank", "opened", "id"),
    "score": ("state", "score_down", "opened", "id"),
    "oldest": ("state", "opened", "id"),
    "newest": ("state", "opened_down", "id"),
    "reports": ("state", "reports_down", "opened", "id"),
    "due": ("state", "due", "opened", "id"),
}


def upgrade() -> None:
    """Make the tables, and the row where the audit ends."""
    _make_case()
    _index_case()
    _make_item()
    _make_decision()
    _make_view()
    _make_personal()
    _make_event()
    _protect_events()


def _make_case() -> None:
    op.create_table(
        "case_record",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source_digest", sa.LargeBinary()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("score_down", sa.Integer(), nullable=False),
        sa.Column("reports_down", sa.Integer(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("opened_down", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("arising", sa.Text(), nullable=False),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("signals", sa.SmallInteger(), nullable=False),
        sa.Column("origin", sa.Text()),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(), nullable=False),
        sa.Column("claim_person", sa.Text()),
        sa.Column("claim_until", sa.BigInteger()),
        sa.Column("assigned", sa.Text()),
        sa.Column("preserve_until", sa.BigInteger()),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_digest"),
    )


def _index_case() -> None:
    for order, keys in _ORDERS.items():
        carried = [name for name in _CARRIED if name not in keys]
        op.create_index(f"case_record_by_{order}", "case_record", [*keys, *carried])
    op.create_index("case_record_by_subject", "case_record", ["subject_digest"])
    op.create_index("case_record_by_claim", "case_record", ["claim_person", "claim_until"])
    op.create_index("case_record_by_arrival", "case_record", ["opened", "arising"])
    _index_some("case_record", "preservation", "preserve_until")


def _index_some(table: str, name: str, *columns: str, unique: bool = False) -> None:
    """An index of the rows whose first column says something."""
    where = sa.text(f"{columns[0]} IS NOT NULL")
    op.create_index(
        f"{table}_by_{name}",
        table,
        list(columns),
        unique=unique,
        sqlite_where=where,
        postgresql_where=where,
    )


def _make_item() -> None:
    op.create_table(
        "case_item",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", _NAME, nullable=False),
        sa.Column("waiting_rank", sa.Double()),
        sa.Column("sha256", sa.LargeBinary()),
        sa.Column("cluster", sa.Text()),
        sa.Column("pdq", sa.Text()),
        sa.Column("pdq_quality", sa.SmallInteger()),
        sa.Column("member", sa.BigInteger()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("examination", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("case_item_by_case", "case_item", ["case_id", "number"])
    _index_some("case_item", "waiting", "waiting_rank", "number")
    _index_some("case_item", "digest", "sha256", "number")
    _index_some("case_item", "cluster", "cluster", "number")
    _index_some("case_item", "member", "member", unique=True)
    op.create_table(
        "case_cluster_key",
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key_digest"),
        sqlite_with_rowid=False,
    )


def _make_decision() -> None:
    op.create_table(
        "case_decision",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", _NAME, nullable=False),
        sa.Column("spread_from", sa.Text()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_record.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("case_decision_by_case", "case_decision", ["case_id", "number"])
    _index_some("case_decision", "spread", "spread_from", "number")


def _make_view() -> None:
    op.create_table(
        "case_view",
        sa.Column("number", _NUMBER, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("entire", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["case_item.id"]),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("case_view_by_item", "case_view", ["item_id", "number"])
    op.create_index("case_view_by_case", "case_view", ["case_id", "number"])
    op.create_index("case_view_by_person", "case_view", ["person", "started", "number"])
    op.create_index("case_view_by_start", "case_view", ["started", "number"])


def _make_personal() -> None:
    op.create_table(
        "case_queue",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "case_preference",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "case_skip",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "case_id"),
        sqlite_with_rowid=False,
    )


def _make_event() -> None:
    op.create_table(
        "case_event",
        sa.Column("sequence", _NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text()),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    op.create_index("case_event_by_case", "case_event", ["case_id", "sequence"])
    head = op.create_table(
        "case_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("last_member", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    start = {"id": 1, "sequence": 0, "digest": b"", "mac": b"", "last_member": 0}
    op.bulk_insert(head, [start])


def _protect_events() -> None:
    """A second line: the chain shows what was changed, the triggers refuse to change it."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER case_event_no_{act.lower()} BEFORE {act} ON case_event"
                " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION case_event_stays() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER case_event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON case_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION case_event_stays()"
    )
