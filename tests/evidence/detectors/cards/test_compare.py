from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.cards import Card, Comparison, Measured, Verdict, compare
from lightkeeper.evidence.detectors.evaluation import Label, Run, ScoreRow, Setup, TrainedOn

SETUP = Setup(resamples=40, crop=128)
Rows = tuple[ScoreRow, ...]


class Named:
    name, version, fingerprint = "lamp", "1", "ab" * 32

    def score(self, rgb: Any) -> float | None:
        raise NotImplementedError


def measured(rows: Rows, data: str = "cd") -> Measured:
    return Measured(Card.of(Named(), Run(SETUP, TrainedOn(True), data * 32, 0, rows)), rows)


def moved(rows: Rows, change: Callable[[ScoreRow], float]) -> Rows:
    return tuple(replace(row, score=(row.score or 0) + change(row)) for row in rows)


def worse(comparison: Comparison) -> set[str]:
    return {change.what for change in comparison.worse}


def test_a_detector_is_no_worse_than_itself(honest: Callable[..., Rows]) -> None:
    same = measured(honest())
    assert {change.verdict for change in compare(same, same).changes} == {Verdict.SAME}


def test_noise_of_the_size_of_chance_is_no_regression(honest: Callable[..., Rows]) -> None:
    rows = honest(2.0)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        other = moved(rows, lambda row, rng=rng: float(rng.normal(0, 0.05)))
        assert not worse(compare(measured(rows), measured(other)))


def test_a_generator_that_is_lost_shows(honest: Callable[..., Rows]) -> None:
    rows = honest(3.0)
    other = moved(rows, lambda row: -3.0 if row.generator == "beta" else 0.0)
    found = worse(compare(measured(rows), measured(other)))
    assert "AUC, matched, beta" in found
    assert "AUC, matched, alpha" not in found
    back = compare(measured(other), measured(rows))
    assert not back.worse
    assert any(c.verdict is Verdict.BETTER for c in back.changes)


def test_new_false_alarms_on_one_kind_show(honest: Callable[..., Rows]) -> None:
    rows = honest()
    other = moved(rows, lambda row: 9.0 if row.kind == "plot" else 0.0)
    found = worse(compare(measured(rows), measured(other)))
    assert {"false alarms, plot", "control non-photo met"} <= found
    assert "false alarms, document" not in found


def test_lost_recall_at_the_threshold_shows(honest: Callable[..., Rows]) -> None:
    rows = honest()
    other = moved(rows, lambda row: -4.0 if row.label is Label.GENERATED else 0.0)
    assert "recall at 1 %" in worse(compare(measured(rows), measured(other)))


def test_other_pictures_cannot_be_compared(honest: Callable[..., Rows]) -> None:
    rows = honest()
    with pytest.raises(InvalidConfiguration, match="same pictures"):
        compare(measured(rows), measured(rows, "ef"))
