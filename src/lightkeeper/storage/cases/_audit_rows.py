"""The audit."""

from __future__ import annotations

from lightkeeper.storage.cases._rows import Rows


class AuditRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""
