"""Tables of marked pictures, in a data base that hash sets and cases may share.

``record`` is the whole of an entry, as its line in a registry file; the other columns repeat parts
of it and are written from it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
)

metadata = MetaData()

# SQLite numbers rows by itself only where the type is exactly INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")

mark_store = Table(
    "mark_store",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)
"""One row. Every writer locks it first."""

mark_registry = Table(
    "mark_registry",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("public_key", LargeBinary),
    Column("version", BigInteger, nullable=False),
    Column("sha256", Text),
)
"""``public_key`` is that of a registry taken over from its owner's file; the operator's own has
none. ``version`` and ``sha256`` are of the file that was last read or written."""

mark_entry = Table(
    "mark_entry",
    metadata,
    Column("number", _Number, primary_key=True),
    Column("registry_number", ForeignKey("mark_registry.number"), nullable=False),
    Column("payload", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("record", LargeBinary, nullable=False),
    UniqueConstraint("registry_number", "digest", name="mark_entry_key"),
    Index("mark_entry_by_payload", "payload"),
)
