"""Weights of findings, as data with a description."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence import Basis, Claim, Hypothesis

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.evidence import Finding

FORGEABLE = frozenset({Basis.ASSERTED, Basis.PUBLIC_MARK})
"""Bases that anyone can make."""
_MODERATE_ENDS = 2.0


@dataclass(frozen=True, slots=True)
class Bound:
    """Upper bound of log10 LR for one kind of finding, with its written reason."""

    id: str
    claim: Claim
    basis: Basis
    log10_lr: float
    reason: str
    supports: Hypothesis | None = None
    """Only findings that support this, where it is given."""
    source: str = ""
    """Only findings whose source starts with this."""
    limits: frozenset[str] = frozenset()
    """Only findings with one of these limits, where any is given."""

    def holds_for(self, finding: Finding) -> bool:
        """Whether this bound is meant for a finding of this kind."""
        return (
            (self.claim, self.basis) == (finding.claim, finding.basis)
            and self.supports in (None, finding.supports)
            and finding.source.startswith(self.source)
            and (not self.limits or not self.limits.isdisjoint(finding.limits))
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """A set of bounds; ``id`` travels with every assessment made with it."""

    id: str
    description: str
    forgeable_cap: float
    bounds: tuple[Bound, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Calibration:
        """Read a calibration file, or the one that ships with Lightkeeper.

        Raises
        ------
        InvalidConfiguration
            The file is damaged, or lets evidence that anyone can forge exceed moderate support.
        """
        if path is None:
            return _shipped()
        try:
            return _parse(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise InvalidConfiguration(
                f"cannot read calibration {path}: {error.strerror}"
            ) from error

    def bound(self, finding: Finding) -> Bound | None:
        """The first bound for this kind of finding, if there is one."""
        return next((bound for bound in self.bounds if bound.holds_for(finding)), None)


@cache
def _shipped() -> Calibration:
    text = resources.files(__package__).joinpath("calibration.toml").read_text(encoding="utf-8")
    return _parse(text, "calibration.toml")


def _parse(text: str, name: str) -> Calibration:
    try:
        data = tomllib.loads(text)
        bounds = tuple(_bound(entry) for entry in data["bound"])
        calibration = Calibration(
            str(data["id"]), str(data["description"]), float(data["forgeable_cap"]), bounds
        )
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise InvalidConfiguration(f"calibration {name} is not usable: {error}") from error
    if not 0 <= calibration.forgeable_cap < _MODERATE_ENDS:
        raise InvalidConfiguration(
            f"calibration {name}: forgeable_cap must be from 0 to below {_MODERATE_ENDS}",
            hint="evidence that anyone can forge never gives more than moderate support",
        )
    return calibration


def _bound(entry: dict[str, Any]) -> Bound:
    return Bound(
        id=str(entry["id"]),
        claim=Claim(entry["claim"]),
        basis=Basis(entry["basis"]),
        log10_lr=float(entry["log10_lr"]),
        reason=str(entry["reason"]),
        supports=Hypothesis(entry["supports"]) if "supports" in entry else None,
        source=str(entry.get("source", "")),
        limits=frozenset(map(str, entry.get("limits", ()))),
    )
