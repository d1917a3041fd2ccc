from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.evidence.detectors.cards._controls import controls
from lightkeeper.evidence.detectors.evaluation import Setup, TrainedOn, measure
from lightkeeper.evidence.detectors.statistics import clopper_pearson
from lightkeeper.evidence.detectors.treatment import CONTROL_KINDS, Condition

SETUP = Setup(resamples=15, crop=128)
M = Condition.MATCHED


def spread(n: int, low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, n)


def test_equal_rows_give_equal_numbers(honest) -> None:  # type: ignore[no-untyped-def]
    assert measure(honest(), SETUP) == measure(honest(), SETUP)


def test_recall_at_one_in_a_thousand_takes_three_thousand_photographs(fabricate) -> None:  # type: ignore[no-untyped-def]
    for photographs, measurable in ((2999, False), (3000, True)):
        rows = fabricate(
            generated={"a": [2.0] * 20}, photographs={"lake": spread(photographs, 0, 1)}
        )
        one, tenth = measure(rows, SETUP).under(M).points
        assert one.measurable
        assert tenth.measurable is measurable
    assert tenth.false_positives.count == 3
    assert (tenth.recall.count, tenth.recall.value) == (20, 1.0)


def test_what_cannot_be_measured_says_how_many_it_takes(honest) -> None:  # type: ignore[no-untyped-def]
    point = measure(honest(photographs=40), SETUP).under(M).points[0]
    assert point.note == "not measurable with n=160; it needs 300 photographs"
    assert point.recall is None


def test_an_abstention_never_fires(fabricate) -> None:  # type: ignore[no-untyped-def]
    rows = fabricate(
        generated={"a": [9.0, 9.0, None, None]}, photographs={"lake": spread(300, 0, 1)}
    )
    found = measure(rows, SETUP)
    assert found.under(M).points[0].recall.count == 2
    assert found.under(M).points[0].recall.of == 4
    assert found.under(M).auc.value == 0.5
    assert found.silence.abstained_generated == 2 * len(Condition)


def test_what_it_was_trained_on_is_left_out(fabricate) -> None:  # type: ignore[no-untyped-def]
    rows = fabricate(
        generated={"known": [9.0] * 5, "new": [0.5] * 5},
        photographs={"seen": [0.0] * 5, "lake": spread(11, 0, 1)},
        seen=frozenset({"known", "seen"}),
    )
    found = measure(rows, SETUP)
    assert [g.generator for g in found.generators] == ["new"]
    assert found.under(M).photographs == 11
    assert found.under(M).auc.value == 0.5


def test_nothing_left_is_an_error(fabricate) -> None:  # type: ignore[no-untyped-def]
    rows = fabricate(
        generated={"known": [9.0]}, photographs={"lake": [0.0]}, seen=frozenset({"known"})
    )
    with pytest.raises(InvalidConfiguration, match="nothing is left"):
        measure(rows, SETUP)


def test_a_source_is_judged_by_the_threshold_of_the_others(fabricate) -> None:  # type: ignore[no-untyped-def]
    rows = fabricate(
        generated={"a": [1.0]},
        photographs={"lake": spread(200, 0, 1), "grainy": spread(100, 5, 6)},
    )
    by_name = {s.source: s for s in measure(rows, SETUP).sources}
    # In one pile the grainy source would set the threshold itself and look harmless.
    assert by_name["grainy"].false_positives.count == 100
    assert by_name["lake"].false_positives.count == 0
    assert by_name["grainy"].auc_against_other_photographs.value == 1.0


def test_pairs_compare_a_photograph_with_its_own_resynthesis(fabricate) -> None:  # type: ignore[no-untyped-def]
    base = np.random.default_rng(0).normal(0, 5, 150)
    rows = fabricate(
        generated={"a": [0.0]},
        photographs={"lake": [0.0]},
        pairs={"made": base + 0.1, "taken": base},
    )
    pairs = measure(rows, SETUP).pairs_under(M)
    assert (pairs.pairs, pairs.higher.count) == (150, 150)
    assert pairs.auc.value == pytest.approx(0.5, abs=0.05)


def test_non_photographs_are_judged_by_the_threshold_of_photographs(fabricate) -> None:  # type: ignore[no-untyped-def]
    rows = fabricate(
        generated={"a": [9.0]},
        photographs={"lake": spread(300, 0, 1)},
        others={"plot": [5.0] * 30 + [0.0] * 10, "artwork": [0.2] * 10},
    )
    found = {k.kind: k.false_positives.count for k in measure(rows, SETUP).kinds}
    assert found == {"artwork": 0, "plot": 30}


def test_no_weight_exceeds_the_null(fabricate) -> None:  # type: ignore[no-untyped-def]
    for size in (60, 3000):
        found = measure(
            fabricate(
                generated={"a": spread(1000, 50, 60)},
                photographs={"lake": spread(size, 0, 1)},
                others={kind: spread(size, 0, 1) for kind in CONTROL_KINDS},
            ),
            SETUP,
        )
        best = max(band.log10_lr for band in found.bands)
        # Even a perfect detector: no error in n leaves an upper bound of about 3.7 in n.
        assert math.log10(size / 12) < best < math.log10(size / 3)


def test_a_higher_score_never_weighs_less(honest) -> None:  # type: ignore[no-untyped-def]
    for seed in range(4):
        found = measure(honest(2.0, seed=seed), SETUP).bands
        weights = [band.log10_lr for band in found]
        assert weights == sorted(weights)
        assert all(a.below == b.at_least for a, b in pairwise(found))
        assert found[-1].below is None


def test_the_weight_of_a_score_is_that_of_its_range_and_not_of_all_above(fabricate) -> None:  # type: ignore[no-untyped-def]
    # Just above the edge, pictures of both kinds are equally common; far above, all are generated.
    rows = fabricate(
        generated={"a": [*spread(50, 0.9, 1.0), *spread(950, 8, 9)]},
        photographs={"lake": spread(1000, 0, 1)},
        others={"plot": spread(1000, -1, 0)},
    )
    found = measure(rows, SETUP).bands
    assert found[0].log10_lr < 0.2
    assert found[-1].log10_lr > 1


def test_a_worse_null_decides(fabricate) -> None:  # type: ignore[no-untyped-def]
    shared = {"generated": {"a": spread(500, 5, 6)}, "photographs": {"lake": spread(900, 0, 1)}}
    calm = measure(fabricate(**shared, others={"plot": spread(900, -1, 0)}), SETUP).bands[-1]
    noisy = measure(fabricate(**shared, others={"plot": spread(900, 5, 6)}), SETUP).bands[-1]
    assert calm.log10_lr > 1.9
    assert noisy.log10_lr == 0


BAR = Setup(resamples=15, crop=128, bar=2.0)


def at_bar(fabricate, *, found=90, alarms=0, drawn=0):  # type: ignore[no-untyped-def]
    return fabricate(
        generated={},
        photographs={"lake": [2.5] * alarms + [0.0] * (200 - alarms)},
        others={kind: [3.0] * drawn + [0.0] * (40 - drawn) for kind in CONTROL_KINDS},
        pairs={"made": [2.5] * found + [0.0] * (100 - found), "taken": [0.0] * 100},
    )


def test_a_bar_set_before_is_measured_as_it_is(fabricate) -> None:  # type: ignore[no-untyped-def]
    measured = measure(at_bar(fabricate, alarms=3), BAR)
    (point,) = measured.under(M).points
    assert point.threshold == 2.0
    assert (point.false_positives.count, point.false_positives.of) == (3, 300)
    assert (point.recall.count, point.recall.of) == (90, 100)
    assert {s.source: s.false_positives.count for s in measured.sources} == {"lake": 3, "pairs": 0}


def test_a_bar_weighs_by_bounds_of_both_rates(fabricate) -> None:  # type: ignore[no-untyped-def]
    (band,) = measure(at_bar(fabricate), BAR).bands
    low, _ = clopper_pearson(90, 100)
    _, high = clopper_pearson(0, 240)
    assert band.log10_lr == pytest.approx(math.log10(low / max(high, clopper_pearson(0, 300)[1])))
    assert (band.at_least, band.below, band.generated, band.real) == (2.0, None, 90, 0)
    (fewer,) = measure(at_bar(fabricate, found=40), BAR).bands
    (alarmed,) = measure(at_bar(fabricate, drawn=2), BAR).bands
    assert fewer.log10_lr < band.log10_lr
    assert alarmed.log10_lr < band.log10_lr
    (nothing,) = measure(at_bar(fabricate, found=0), BAR).bands
    assert nothing.log10_lr == 0


def test_a_bar_weighs_by_the_mixture_and_not_by_the_worst_treatment(fabricate) -> None:  # type: ignore[no-untyped-def]
    rows = tuple(
        replace(row, score=0.0) if row.condition is Condition.SHRUNK else row
        for row in at_bar(fabricate)
    )
    (band,) = measure(rows, BAR).bands
    assert 0 < band.log10_lr < measure(at_bar(fabricate), BAR).bands[0].log10_lr


@pytest.mark.parametrize(
    ("alarms", "drawn", "failing"), [(0, 0, None), (9, 0, "null"), (0, 3, "non-photo")]
)
def test_false_alarms_at_its_bar_fail_a_control(fabricate, alarms, drawn, failing) -> None:  # type: ignore[no-untyped-def]
    measured = measure(at_bar(fabricate, alarms=alarms, drawn=drawn), BAR)
    judged = controls(measured, TrainedOn(declared=True), BAR)
    failed = {control.name for control in judged if not control.passed}
    assert failing in failed if failing else not failed, judged
