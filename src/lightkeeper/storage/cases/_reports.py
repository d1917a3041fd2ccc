"""Submissions and their receipts."""

from __future__ import annotations

from lightkeeper.storage.cases._rows import Rows


class ReportRows(Rows):
    """See :class:`lightkeeper.reporting.ReportWriter`."""
