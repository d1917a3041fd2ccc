"""One line of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lightkeeper.evidence.detectors.statistics import Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """What became of the mark in ``n`` pictures.

    ``bits`` is the mean share of the payload's bits that the likeliest payload has right (``None``
    where there is none to compare). ``read`` is the share of pictures that the row counts, as a
    rule those in which the payload was read; ``low`` and ``high`` its exact 95 % interval. ``note``
    says what ``read`` counts where it is something else.
    """

    name: str
    n: int
    bits: float | None
    read: float
    low: float
    high: float
    note: str = ""

    @classmethod
    def of(cls, name: str, counted: Sequence[bool], bits: float | None, note: str = "") -> AuditRow:
        """The row of so many pictures, of which those that are true are counted."""
        rate = Rate.observed(sum(counted), len(counted))
        return cls(
            name=name, n=len(counted), bits=bits, note=note,
            read=rate.value, low=rate.low, high=rate.high,
        )  # fmt: skip
