"""Submissions and their receipts."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from lightkeeper.errors import InvalidTransition, StaleCase
from lightkeeper.reporting.outbox import PreparedReport, Receipt, Submission, SubmissionState
from lightkeeper.storage._rows import to_time
from lightkeeper.storage.cases._encoding import Encoding
from lightkeeper.storage.cases._rows import Rows
from lightkeeper.storage.cases._tables_reports import report_receipt, report_submission

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Select

_SUBMISSION: Final = Encoding(Submission)
_PREPARED: Final = Encoding(PreparedReport)
_RECEIPT: Final = Encoding(Receipt)
_NOTHING: Final = PreparedReport(report_xml=b"", files=())
_S = report_submission.c


class ReportRows(Rows):
    """See :class:`lightkeeper.reporting.ReportWriter`."""

    def submission(self, submission_id: str) -> Submission | None:
        """See the port."""
        found = self._submissions(_SELECT.where(_S.id == submission_id))
        return found[0] if found else None

    def submissions(self, case_id: str) -> tuple[Submission, ...]:
        """See the port."""
        return self._submissions(_SELECT.where(_S.case_id == case_id).order_by(_S.number))

    def submissions_in(
        self, states: frozenset[SubmissionState], *, limit: int = 100, troubled: bool = False
    ) -> tuple[Submission, ...]:
        """See the port."""
        asked = _SELECT.where(_S.state.in_(sorted(states)))
        if troubled:
            # A quotation mark within a text is escaped: this is the record's own field.
            asked = asked.where(_S.record.contains('"problem":"', autoescape=True))
        return self._submissions(asked.order_by(_S.changes, _S.number).limit(limit))

    def receipts(self, submission_id: str) -> tuple[Receipt, ...]:
        """See the port."""
        rows = self._connection.execute(
            select(report_receipt.c.record, report_receipt.c.body)
            .where(report_receipt.c.submission_id == submission_id)
            .order_by(report_receipt.c.number)
        )
        return tuple(replace(_RECEIPT.load(record), body=bytes(body)) for record, body in rows)

    def add_submission(self, submission: Submission) -> None:
        """See the port."""
        prepared = zlib.compress(_PREPARED.dump(submission.prepared).encode())
        statement = insert(report_submission).values(
            id=submission.id, case_id=submission.case, prepared=prepared, **_columns(submission)
        )
        try:
            self._connection.execute(statement)
        except IntegrityError:
            raise _second_report() from None

    def save_submission(self, submission: Submission) -> Submission:
        """See the port. What was prepared is not written again: it never changes."""
        saved = replace(submission, version=submission.version + 1)
        try:
            done = self._connection.execute(
                update(report_submission)
                .where(_S.id == submission.id, _S.version == submission.version)
                .values(**_columns(saved))
            )
        except IntegrityError:
            raise _second_report() from None
        if done.rowcount != 1:
            raise StaleCase("the submission was changed by somebody else")
        return saved

    def add_receipt(self, submission_id: str, receipt: Receipt) -> None:
        """See the port."""
        self._connection.execute(
            insert(report_receipt).values(
                submission_id=submission_id,
                record=_RECEIPT.dump(replace(receipt, body=b"")),
                body=receipt.body,
            )
        )

    def lease_submission(self, *, now: datetime, lasts: timedelta) -> Submission | None:
        """See the port."""
        found = self._submissions(
            _SELECT.where(_S.state == SubmissionState.CONFIRMED.value, _S.changes <= to_time(now))
            .order_by(_S.changes, _S.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return self.save_submission(replace(found[0], next_attempt=now + lasts)) if found else None

    def _submissions(self, statement: Select[Any]) -> tuple[Submission, ...]:
        return tuple(
            replace(
                _SUBMISSION.load(record),
                prepared=_PREPARED.load(zlib.decompress(prepared).decode()),
            )
            for record, prepared in self._connection.execute(statement)
        )


_SELECT: Final = select(_S.record, _S.prepared)


def _columns(submission: Submission) -> dict[str, Any]:
    return {
        "version": submission.version,
        "state": submission.state.value,
        "changes": to_time(submission.next_attempt or submission.prepared_at),
        "record": _SUBMISSION.dump(replace(submission, prepared=_NOTHING)),
    }


def _second_report() -> InvalidTransition:
    return InvalidTransition("the case has a report already that is a draft, on its way or sent")
