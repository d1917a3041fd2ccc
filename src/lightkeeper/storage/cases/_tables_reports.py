"""Tables of submissions and their receipts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from lightkeeper.storage.cases._metadata import Number, metadata

report_submission = Table(
    "report_submission",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("case_id", ForeignKey("case_record.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("changes", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
    Column("prepared", LargeBinary, nullable=False),
    Index("report_submission_by_case", "case_id", "number"),
    Index("report_submission_by_state", "state", "changes", "number"),
)
"""``changes`` is when it changes next, or when it was prepared where nothing is planned. The
``record`` lacks what was prepared, which is compressed beside it and never changes."""

_ONE = text("state IN ('draft', 'confirmed', 'finished', 'dead')")
Index(
    "report_submission_one",
    report_submission.c.case_id,
    unique=True,
    sqlite_where=_ONE,
    postgresql_where=_ONE,
)

report_receipt = Table(
    "report_receipt",
    metadata,
    Column("number", Number, primary_key=True),
    Column("submission_id", ForeignKey("report_submission.id"), nullable=False),
    Column("record", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("report_receipt_by_submission", "submission_id", "number"),
)
"""The ``record`` lacks the body, which may be no text at all."""
