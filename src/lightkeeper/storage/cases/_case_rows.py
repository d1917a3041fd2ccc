"""Cases."""

from __future__ import annotations

from lightkeeper.storage.cases._rows import Rows


class CaseRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""
