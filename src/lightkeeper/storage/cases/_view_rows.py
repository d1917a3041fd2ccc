"""Who looked at what."""

from __future__ import annotations

from lightkeeper.storage.cases._rows import Rows


class ViewRows(Rows):
    """See :class:`lightkeeper.cases.CaseWriter`."""
