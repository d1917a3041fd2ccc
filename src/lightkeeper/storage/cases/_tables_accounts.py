"""Tables of accounts, sessions, one-time links and failed attempts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from lightkeeper.storage.cases._metadata import metadata

account_record = Table(
    "account_record",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("openid", Text, unique=True),
    Column("key_digest", LargeBinary, unique=True),
    Column("record", Text, nullable=False),
)
"""The ``record`` lacks the digest of the key, which is no text."""

account_session = Table(
    "account_session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account_id", ForeignKey("account_record.id"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("account_session_by_account", "account_id"),
    Index("account_session_by_expiry", "expires"),
)

account_link = Table(
    "account_link",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("account_id", ForeignKey("account_record.id"), nullable=False, unique=True),
    Column("expires", BigInteger, nullable=False),
)

account_attempt = Table(
    "account_attempt",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Index("account_attempt_by_last", "last"),
)
"""Of whom and from where is a keyed digest: it holds neither a name nor an address."""
