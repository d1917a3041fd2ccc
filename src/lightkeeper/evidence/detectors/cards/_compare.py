"""Whether a detector got worse: two cards over the same pictures."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.evaluation._scores import Scores
from lightkeeper.evidence.detectors.statistics import (
    auc,
    auc_difference,
    clopper_pearson,
    threshold_at,
)
from lightkeeper.evidence.detectors.treatment import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lightkeeper.evidence.detectors.cards._store import Measured

_ALPHA = 0.05
_FPR = 1e-2


class Verdict(StrEnum):
    """How a value moved, beyond what chance does."""

    WORSE = "worse"
    SAME = "same"
    BETTER = "better"


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the old and the new detector."""

    what: str
    old: float
    new: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes; chance alone makes any of them ``worse`` in at most 1 of 20 comparisons."""

    changes: tuple[Change, ...]

    @property
    def worse(self) -> tuple[Change, ...]:
        """What got worse."""
        return tuple(c for c in self.changes if c.verdict is Verdict.WORSE)


@dataclass(frozen=True, slots=True)
class _Area:
    what: str
    generated: NDArray[np.bool_]
    real: NDArray[np.bool_]
    condition: Condition


@dataclass(frozen=True, slots=True)
class _Firing:
    what: str
    mask: NDArray[np.bool_]
    should_fire: bool


def compare(old: Measured, new: Measured) -> Comparison:
    """Compare two detectors picture by picture.

    Areas under the curve are compared by a paired bootstrap, false alarms and recall at the 1 %
    thresholds by the exact test of McNemar, all corrected for their number (Bonferroni). A
    control that the old card meets and the new one does not is worse, whatever the numbers.

    Raises
    ------
    InvalidConfiguration
        The cards are of other pictures, or of another setup.
    """
    _check_comparable(old, new)
    tables = {c: (Scores.of(old.rows, c), Scores.of(new.rows, c)) for c in Condition}
    areas = list(_areas(tables))
    firings = list(_firings(tables[Condition.MATCHED]))
    alpha = _ALPHA / max(1, len(areas) + len(firings))
    both = zip(old.card.controls, new.card.controls, strict=True)
    changes = [_control(a.name, a.passed, b.passed) for a, b in both]
    for place, area in enumerate(areas):
        rng = np.random.default_rng([new.card.setup.seed, 6, place])
        resamples = new.card.setup.resamples
        changes.append(_area(area, tables[area.condition], alpha, rng, resamples))
    changes += [_fired(firing, tables[Condition.MATCHED], alpha) for firing in firings]
    return Comparison(tuple(changes))


def _check_comparable(old: Measured, new: Measured) -> None:
    a, b = old.card, new.card
    if a.data != b.data or a.setup != b.setup or len(old.rows) != len(new.rows):
        raise InvalidConfiguration(
            "the cards were not measured on the same pictures in the same way",
            hint="evaluate both detectors with the same pictures, seed and options",
        )


def _control(name: str, old: bool, new: bool) -> Change:
    verdict = Verdict.SAME if old == new else Verdict.BETTER if new else Verdict.WORSE
    return Change(f"control {name} met", float(old), float(new), verdict)


def _areas(tables: dict[Condition, tuple[Scores, Scores]]) -> Iterator[_Area]:
    for condition, (old, new) in tables.items():
        # Only what neither was trained on says anything.
        made, photo = old.made & new.made, old.photo & new.photo
        if made.any() and photo.any():
            yield _Area(f"AUC, {condition}", made, photo, condition)
        if condition is Condition.MATCHED and photo.any():
            for name in np.unique(old.generator[made]):
                mine = made & (old.generator == name)
                yield _Area(f"AUC, {condition}, {name}", mine, photo, condition)


def _firings(pair: tuple[Scores, Scores]) -> Iterator[_Firing]:
    old, new = pair
    yield _Firing("recall at 1 %", old.made & new.made, True)
    for name in np.unique(old.kind[old.other]):
        yield _Firing(f"false alarms, {name}", old.other & (old.kind == name), False)


def _area(
    area: _Area,
    pair: tuple[Scores, Scores],
    alpha: float,
    rng: np.random.Generator,
    resamples: int,
) -> Change:
    old, new = ((s.at(area.generated), s.at(area.real)) for s in pair)
    difference, error = auc_difference(new, old, rng=rng, resamples=resamples)
    reach = NormalDist().inv_cdf(1 - alpha / 2) * error
    return Change(
        area.what,
        round(auc(*old), 6),
        round(auc(*new), 6),
        _verdict(difference - reach > 0, difference + reach < 0),
    )


def _fired(firing: _Firing, pair: tuple[Scores, Scores], alpha: float) -> Change:
    old, new = (s.at(firing.mask) >= threshold_at(s.at(s.photo), _FPR) for s in pair)
    gained, lost = int((new & ~old).sum()), int((old & ~new).sum())
    more = clopper_pearson(gained, gained + lost, confidence=1 - alpha)[0] > 0.5
    fewer = clopper_pearson(lost, gained + lost, confidence=1 - alpha)[0] > 0.5
    better, worse = (more, fewer) if firing.should_fire else (fewer, more)
    size = max(1, int(firing.mask.sum()))
    return Change(
        firing.what,
        round(int(old.sum()) / size, 6),
        round(int(new.sum()) / size, 6),
        _verdict(better, worse),
    )


def _verdict(better: bool, worse: bool) -> Verdict:
    return Verdict.WORSE if worse else Verdict.BETTER if better else Verdict.SAME
