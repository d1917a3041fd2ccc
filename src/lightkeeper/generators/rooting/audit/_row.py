"""One line of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence.detectors.statistics import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Iterable

COPIED = "copied: "
"""Names of rows in which the mark was put on photographs begin with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """What was read after one attack.

    Parameters
    ----------
    name : str
        The attack.
    n : int
        Pictures.
    bits : float
        Mean share of the key's bits; one half by chance.
    read : float
        Share of pictures in which the mark was found.
    low, high : float
        Exact 95 % interval of ``read`` (Clopper–Pearson).
    note : str
        What else was seen, such as the distance of the attacked pictures.
    """

    name: str
    n: int
    bits: float
    read: float
    low: float
    high: float
    note: str = ""

    @classmethod
    def counted(cls, name: str, n: int, bits: float, found: int, note: str = "") -> AuditRow:
        """A row from the number of pictures in which the mark was found."""
        low, high = clopper_pearson(found, n)
        return cls(
            name=name, n=n, bits=round(bits, 4), read=round(found / n, 4),
            low=round(low, 4), high=round(high, 4), note=note,
        )  # fmt: skip


def copied_share(rows: Iterable[AuditRow]) -> float | None:
    """Upper limit of the share of photographs that were accepted, of the worst copying.

    ``None`` where nothing was copied. The upper limit and not the share: a few photographs
    without a success show little.
    """
    return max((row.high for row in rows if row.name.startswith(COPIED)), default=None)
