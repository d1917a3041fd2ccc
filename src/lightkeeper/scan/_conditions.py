"""Conditions of ``--fail-on``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.assessment import Origin, Strength
from lightkeeper.evidence import Basis, Claim

if TYPE_CHECKING:
    from lightkeeper.scan._row import ScanRow

_ORIGINS = tuple(origin.value for origin in Origin)
_OTHERS = ("conflict", "error", "known")
_STRENGTHS = {
    strength.value.removesuffix(" support").replace(" ", "-"): strength
    for strength in Strength
    if strength is not Strength.NONE
}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about a row that makes the command exit with 1."""

    name: str
    """An origin, ``conflict``, ``error`` or ``known``."""
    least: Strength = Strength.NONE
    """Weakest support that counts, for an origin."""

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``generated``, ``generated:strong``, ``conflict`` …

        Raises
        ------
        ValueError
            It is no condition; the message lists those that are.
        """
        name, colon, strength = text.strip().partition(":")
        if name not in (*_ORIGINS, *_OTHERS):
            raise ValueError(
                f"'{name}' is not a condition; known are {', '.join((*_ORIGINS, *_OTHERS))}"
            )
        if not colon:
            return cls(name)
        if name not in _ORIGINS or name == Origin.UNDETERMINED:
            raise ValueError(f"'{name}' takes no strength")
        if strength not in _STRENGTHS:
            raise ValueError(f"'{strength}' is not a strength; known are {', '.join(_STRENGTHS)}")
        return cls(name, _STRENGTHS[strength])

    def met_by(self, row: ScanRow) -> bool:
        """Whether this row meets the condition."""
        if self.name == "error":
            return row.error is not None
        if row.assessment is None:
            return False
        if self.name == "conflict":
            return bool(row.assessment["conflicts"])
        if self.name == "known":
            return any(
                f["basis"] == Basis.KNOWN and f.get("claim") != Claim.KNOWN_BENIGN
                for f in row.findings
            )
        reached = Strength(row.assessment["strength"])
        return bool(row.assessment["origin"] == self.name) and reached.rank >= self.least.rank
