"""How heavy a picture is to look at, as far as anybody has said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lightkeeper.cases.desk._standing import by_item
from lightkeeper.cases.triage import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightkeeper.cases._ports import CaseReader
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case

_BY_CLASS: Final = {"A1": 3, "A2": 2, "B1": 2, "B2": 1, "none": 0}
_UNKNOWN: Final = 1


def severity(item: Item, case: Case, reader: CaseReader) -> int:
    """0-3: as a person decided about this item, or else as a hash set labels what it matches.

    What nobody has labelled counts as 1, or 2 where the case has a signal.
    """
    decided = by_item(reader.decisions(case.id)).get(item.id)
    if decided is not None:
        known = _BY_CLASS.get(str(decided[1].labels.industry_class.value))
        if known is not None:
            return known
    return max(_labelled(item), default=_UNKNOWN + bool(case.signals))


def _labelled(item: Item) -> Iterator[int]:
    for finding in findings_of(item):
        labels = (finding.get("details") or {}).get("labels") or {}
        if labels.get("industry_class") in _BY_CLASS:
            yield _BY_CLASS[labels["industry_class"]]
