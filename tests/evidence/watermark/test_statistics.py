"""Chance, whitening and what one mark explains of another."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.evidence.watermark import PUBLIC_MARKS, Mark
from lightkeeper.evidence.watermark._statistics import (
    SMALLEST_P,
    chance,
    corrected,
    correlate,
)


@pytest.mark.parametrize(
    ("t", "freedom", "expected"),
    [
        # Tables of Student's t: one-sided tail areas.
        (1.812, 10, 0.05),
        (2.457, 30, 0.01),
        (3.646, 30, 0.0005),
        (2.015, 5, 0.05),
        (12.706, 1, 0.025),
    ],
)
def test_chance_agrees_with_tables_of_student_t(t: float, freedom: int, expected: float) -> None:
    r = t / math.sqrt(freedom + t * t)
    assert chance(r, freedom) == pytest.approx(expected, rel=2e-3)
    assert chance(-r, freedom) == pytest.approx(1 - expected, rel=2e-3)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 1022), st.floats(-1, 1), st.floats(-1, 1))
def test_chance_falls_as_the_correlation_grows(freedom: int, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= chance(high, freedom) <= chance(low, freedom) + 1e-12 <= 1 + 2e-12


def test_a_test_without_freedom_proves_nothing() -> None:
    assert chance(1.0, 0) == 1.0


@pytest.mark.parametrize("mark", PUBLIC_MARKS, ids=lambda mark: mark.id)
def test_p_values_are_uniform_on_random_scores(mark: Mark) -> None:
    scores = np.random.default_rng(7).standard_normal((4000, len(mark.bits)))
    r, freedom = correlate(scores, mark.bits)
    p = np.sort([chance(value, freedom) for value in r])
    # Kolmogorov-Smirnov at 1e-6.
    assert np.abs(p - (np.arange(4000) + 0.5) / 4000).max() < 2.69 / math.sqrt(4000)


@pytest.mark.parametrize("columns", [60, 64, 96, 80])
def test_smooth_scores_do_not_speak_for_a_smooth_message(columns: int) -> None:
    """Neighbouring blocks of photographs score alike; a message with long runs must not profit."""
    rng = np.random.default_rng(8)
    rows, length = 64, 64
    y, x = np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(columns)[None, :]
    amplitude = np.sqrt(1 + (0.3 / np.maximum(np.hypot(y, x), 1e-3)) ** 2)
    noise = np.fft.fft2(rng.standard_normal((600, rows, columns))) * amplitude
    fields = np.fft.ifft2(noise).real.reshape(600, -1)
    whole = fields[:, : fields.shape[1] // length * length]
    folded = whole.reshape(600, -1, length).mean(axis=1)
    runs = [0] * 20 + [1] * 20 + [0] * 12 + [1] * 12
    r, freedom = correlate(folded, runs, columns=columns)
    assert np.std(r) * math.sqrt(freedom + 1) < 1.15


def test_a_clean_message_correlates_fully_whatever_the_width() -> None:
    for mark in PUBLIC_MARKS:
        for columns in (None, 64, 96, 127, 128):
            signs = np.array([mark.bits], np.float64) * 2 - 1
            r, freedom = correlate(signs, mark.bits, columns=columns)
            assert r[0] == pytest.approx(1)
            assert chance(float(r[0]), freedom) < 1e-20


def test_a_pattern_that_is_explained_no_longer_speaks() -> None:
    rng = np.random.default_rng(9)
    mark = next(mark for mark in PUBLIC_MARKS if mark.id == "sdxl")
    other = rng.standard_normal(48)
    scores = (np.array(mark.bits) + 3 * other)[None]
    before, freedom = correlate(other[None] * 1.0, mark.bits)
    after, left = correlate(other[None] * 1.0, mark.bits, explained=[other])
    assert before[0] != 0
    assert after[0] == pytest.approx(0, abs=1e-6)
    assert left == freedom - 1
    assert correlate(scores, mark.bits, explained=[other])[0][0] == pytest.approx(1)


def test_flat_scores_correlate_with_nothing() -> None:
    mark = PUBLIC_MARKS[0]
    assert correlate(np.full((2, 136), 0.5), mark.bits, columns=80)[0].tolist() == [0, 0]


def test_a_repeating_picture_does_not_carry_text() -> None:
    """The worst picture that repeats every 64 pixels stays far from significance."""
    for mark in PUBLIC_MARKS:
        if len(mark.bits) % 8:
            continue
        places = np.array(mark.bits).reshape(-1, 8).mean(axis=0)
        folded = np.tile(places, len(mark.bits) // 8)[None]
        r, freedom = correlate(folded, mark.bits, columns=128)
        assert chance(float(r[0]), freedom) > 1e-6


def test_no_p_value_claims_more_than_a_tail_whose_fit_is_known() -> None:
    assert corrected(1e-200, 40) == SMALLEST_P
    assert corrected(1e-9, 40) == pytest.approx(4e-8)
    assert corrected(0.5, 40) == 1.0
