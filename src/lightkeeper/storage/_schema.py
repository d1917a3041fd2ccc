"""Tables. Times are microseconds since 1970 UTC; hex values are stored as their bytes.

A change is recorded in one of two places, both in one order of revisions: an entry that began or
ceased to match carries its newest ``revision``, and a ``span`` stands for a run of entries that
changed together (a batch that was added), so that neither costs a row each.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

# SQLite numbers rows by itself only where the type is exactly INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

store = Table(
    "store",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("last_entry", BigInteger, nullable=False),
)
"""One row. Every writer locks it first, so revisions are in the order of commits."""

hash_set = Table(
    "hash_set",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("scheme", Text),
    Column("handling", Text, nullable=False),
    Column("terms", Text),
    Column("expires_after_days", Integer),
    Column("radius_bits", SmallInteger, nullable=False),
    Column("minimum_quality", SmallInteger, nullable=False),
    Column("negative", Boolean, nullable=False),
    Column("needs_confirmation", Boolean, nullable=False),
    Column("quota_per_source", BigInteger),
    Column("state", Text, nullable=False),
)

decision = Table(
    "decision",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("set_number", ForeignKey("hash_set.number"), nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
"""Why a set was parked or released."""

source = Table(
    "source",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

holding = Table(
    "holding",
    metadata,
    Column("set_number", ForeignKey("hash_set.number"), primary_key=True),
    Column("source_number", ForeignKey("source.number"), primary_key=True),
    Column("entries", BigInteger, nullable=False),
)
"""How many entries of a set a source names at present: what its quota is held against."""

entry = Table(
    "entry",
    metadata,
    Column("number", _Number, primary_key=True, autoincrement=False),
    Column("set_number", ForeignKey("hash_set.number"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("variant", Text),
    Column("quality", SmallInteger),
    Column("industry_class", Text),
    Column("computer_generated", Boolean),
    Column("modelled_after_person", Boolean),
    Column("age_group", Text),
    Column("victim_identified", Boolean),
    Column("state", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("expires_given", BigInteger),
    Column("withdrawn", BigInteger),
    Column("reason", Text),
    Column("votes_for", Integer, nullable=False, server_default="0"),
    Column("votes_against", Integer, nullable=False, server_default="0"),
    Column("revision", BigInteger),
    UniqueConstraint("set_number", "kind", "value", name="entry_key"),
    Index("entry_by_set", "set_number", "number"),
)
Index(
    "entry_by_revision",
    entry.c.revision,
    unique=True,
    sqlite_where=text("revision IS NOT NULL"),
    postgresql_where=text("revision IS NOT NULL"),
)
Index(
    "entry_by_expiry",
    entry.c.expires,
    sqlite_where=text("expires IS NOT NULL"),
    postgresql_where=text("expires IS NOT NULL"),
)

mention = Table(
    "mention",
    metadata,
    Column("entry_number", ForeignKey("entry.number"), primary_key=True),
    Column("source_number", ForeignKey("source.number"), primary_key=True),
    Column("source_id", Text),
    Column("added", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("ended", BigInteger),
    sqlite_with_rowid=False,
)
"""A source naming an entry; ``ended`` when it took that back or the entry expired."""

span = Table(
    "span",
    metadata,
    Column("first_revision", _Number, primary_key=True, autoincrement=False),
    Column("set_number", ForeignKey("hash_set.number"), nullable=False),
    Column("after_number", BigInteger, nullable=False),
    Column("last_number", BigInteger, nullable=False),
)
"""Entries of a set numbered in (after, last], at revisions from ``first_revision`` on."""

vote = Table(
    "vote",
    metadata,
    Column("entry_number", ForeignKey("entry.number"), primary_key=True),
    Column("source_number", ForeignKey("source.number"), primary_key=True),
    Column("agree", Boolean, nullable=False),
)

matched_hour = Table(
    "matched_hour",
    metadata,
    Column("set_number", ForeignKey("hash_set.number"), primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("matches", BigInteger, nullable=False),
    Column("lookups", BigInteger, nullable=False),
)
