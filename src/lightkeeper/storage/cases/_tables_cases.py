"""Tables of cases, what they hold, who looked, and the audit.

Every order of a queue has an index that begins with the state, is ascending throughout (what sorts
downwards is kept negated) and carries all that a filter asks, so that a page never sorts and never
reads a case which it does not show. Names from outside may be of any length and are compared by
digest: an index of PostgreSQL takes 2,704 bytes.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from lightkeeper.cases.triage import Sort
from lightkeeper.storage.cases._metadata import Name, Number, metadata

case_record = Table(
    "case_record",
    metadata,
    Column("id", Name, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("source_digest", LargeBinary, unique=True),
    Column("state", Text, nullable=False),
    Column("rank", Double, nullable=False),
    Column("score_down", Integer, nullable=False),
    Column("reports_down", Integer, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("opened_down", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("queue", Text, nullable=False),
    Column("arising", Text, nullable=False),
    Column("intake", Text, nullable=False),
    Column("signals", SmallInteger, nullable=False),
    Column("origin", Text),
    Column("known", Boolean, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_digest", LargeBinary, nullable=False),
    Column("claim_person", Text),
    Column("claim_until", BigInteger),
    Column("assigned", Text),
    Column("preserve_until", BigInteger),
    Column("held", Boolean, nullable=False),
    Column("record", Text, nullable=False),
)

ORDERS: Final[dict[Sort, tuple[str, ...]]] = {
    Sort.RANK: ("rank", "opened", "id"),
    Sort.SCORE: ("score_down", "opened", "id"),
    Sort.OLDEST: ("opened", "id"),
    Sort.NEWEST: ("opened_down", "id"),
    Sort.REPORTS: ("reports_down", "opened", "id"),
    Sort.DUE: ("due", "opened", "id"),
}
"""Columns of each order, all ascending."""

_FILTERED: Final = (
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


def _index_order(sort: Sort) -> None:
    keys = ("state", *ORDERS[sort])
    carried = tuple(name for name in _FILTERED if name not in keys)
    columns = [case_record.c[name] for name in keys + carried]
    Index(f"case_record_by_{sort.value}", *columns)


for _sort in Sort:
    _index_order(_sort)
Index("case_record_by_subject", case_record.c.subject_digest)
Index("case_record_by_claim", case_record.c.claim_person, case_record.c.claim_until)
Index("case_record_by_arrival", case_record.c.opened, case_record.c.arising)
_KEPT = text("preserve_until IS NOT NULL")
Index(
    "case_record_by_preservation",
    case_record.c.preserve_until,
    sqlite_where=_KEPT,
    postgresql_where=_KEPT,
)

case_item = Table(
    "case_item",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("case_id", ForeignKey("case_record.id"), nullable=False),
    Column("waiting_rank", Double),
    Column("sha256", LargeBinary),
    Column("cluster", Text),
    Column("pdq", Text),
    Column("pdq_quality", SmallInteger),
    Column("member", BigInteger),
    Column("record", Text, nullable=False),
    Column("examination", LargeBinary),
    Index("case_item_by_case", "case_id", "number"),
)
"""``waiting_rank`` is the rank of the case while the item is not examined. ``examination`` is
compressed JSON. ``member`` numbers the items whose likeness others may join, in the order of
commits."""


def _index_items(name: str, *columns: str, unique: bool = False) -> None:
    where = text(f"{columns[0]} IS NOT NULL")
    Index(
        f"case_item_by_{name}",
        *(case_item.c[column] for column in columns),
        unique=unique,
        sqlite_where=where,
        postgresql_where=where,
    )


_index_items("waiting", "waiting_rank", "number")
_index_items("digest", "sha256", "number")
_index_items("cluster", "cluster", "number")
_index_items("member", "member", unique=True)

case_cluster_key = Table(
    "case_cluster_key",
    metadata,
    Column("key_digest", LargeBinary, primary_key=True),
    Column("cluster", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The cluster of the first item that came with this likeness and this key."""

case_decision = Table(
    "case_decision",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("case_id", ForeignKey("case_record.id"), nullable=False),
    Column("spread_from", Text),
    Column("record", Text, nullable=False),
    Index("case_decision_by_case", "case_id", "number"),
)
Index(
    "case_decision_by_spread",
    case_decision.c.spread_from,
    case_decision.c.number,
    sqlite_where=text("spread_from IS NOT NULL"),
    postgresql_where=text("spread_from IS NOT NULL"),
)

case_view = Table(
    "case_view",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("item_id", ForeignKey("case_item.id"), nullable=False),
    Column("case_id", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("entire", Boolean, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Index("case_view_by_item", "item_id", "number"),
    Index("case_view_by_case", "case_id", "number"),
    Index("case_view_by_person", "person", "started", "number"),
    Index("case_view_by_start", "started", "number"),
)

case_queue = Table(
    "case_queue",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", Text),
    Column("record", Text, nullable=False),
)

case_preference = Table(
    "case_preference",
    metadata,
    Column("person", Text, primary_key=True),
    Column("record", Text, nullable=False),
)

case_skip = Table(
    "case_skip",
    metadata,
    Column("person", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

case_event = Table(
    "case_event",
    metadata,
    Column("sequence", Number, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("case_id", Text),
    Column("details", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Index("case_event_by_case", "case_id", "sequence"),
)
"""Triggers refuse to change or remove a row."""

case_head = Table(
    "case_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    Column("last_member", BigInteger, nullable=False),
)
"""One row: where the audit ends, and the last number of an item's likeness. A writer locks it after
everything else, just before it commits."""
