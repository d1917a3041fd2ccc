"""How often the mark was put on photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lightkeeper.evidence.watermark.auditing import AuditRow

COPIED = "copied: "
"""Names of rows in which the mark was put on photographs begin with it."""


def copied_share(rows: Iterable[AuditRow]) -> float | None:
    """Upper limit of the share of photographs that were accepted, of the worst copying.

    ``None`` where nothing was copied. The upper limit and not the share: a few photographs
    without a success show little.
    """
    return max((row.high for row in rows if row.name.startswith(COPIED)), default=None)
