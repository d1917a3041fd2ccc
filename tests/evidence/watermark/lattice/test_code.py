"""The code: what it corrects, and what it refuses."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lightkeeper.evidence.watermark.lattice._code import decode, encode, words
from lightkeeper.evidence.watermark.lattice._pattern import pattern, slot_signs, tile
from lightkeeper.evidence.watermark.lattice._soft import coded_values

_FIRST_SAMPLES = [0.674, 0.235, 0.234, 0.957]
payloads = st.integers(0, 2**48 - 1)


@settings(deadline=None, max_examples=40)
@given(payloads)
def test_a_clean_word_decodes_to_its_payload(payload: int) -> None:
    assert decode((2.0 * encode(payload) - 1).astype(np.float32)) == payload


@settings(deadline=None, max_examples=40)
@given(payloads, st.integers(0, 63))
def test_the_code_has_no_beginning(payload: int, steps: int) -> None:
    coded = encode(payload).reshape(64, 6)
    turned = np.roll(coded, steps, axis=0).reshape(-1)
    (word, *_) = words((2.0 * turned - 1).astype(np.float32))
    (straight, *_) = words((2.0 * coded.reshape(-1) - 1).astype(np.float32))
    bits = f"{straight:064b}"
    assert f"{word:064b}" == bits[64 - steps :] + bits[: 64 - steps]


def test_different_payloads_lie_far_apart() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        payload = int(rng.integers(2**48))
        near = payload ^ (1 << int(rng.integers(48)))
        assert np.count_nonzero(encode(payload) != encode(near)) >= 30


def test_a_quarter_of_all_slots_may_be_wrong() -> None:
    rng = np.random.default_rng(2)
    right = 0
    for _ in range(40):
        payload = int(rng.integers(2**48))
        signs = slot_signs(payload)
        wrong = rng.permutation(len(signs)) < len(signs) // 4
        right += decode(coded_values(np.where(wrong, -signs, signs))) == payload
    # Slots of one size give words of exactly equal likelihood: 1 in 600 loses such a draw.
    assert right >= 39


def test_noise_passes_the_check_no_more_often_than_its_length_says() -> None:
    rng = np.random.default_rng(3)
    passed = sum(decode(rng.normal(size=384).astype(np.float32)) is not None for _ in range(800))
    # Eight words each, one in 65,536 passes: 0.1 are expected, more than 2 in one of 6,000 runs.
    assert passed <= 2


@given(payloads)
@settings(deadline=None, max_examples=20)
def test_a_tile_is_its_pattern(payload: int) -> None:
    wave = tile(payload)
    assert wave.shape == (61, 61)
    assert abs(float(wave.mean())) < 1e-5
    assert abs(float(wave.std()) - 1) < 1e-5
    known = pattern()
    spectrum = np.fft.fft2(wave)[known.points[:, 1], known.points[:, 0]]
    values = spectrum[known.payload]
    slots = np.column_stack([values.real, values.imag]).reshape(-1)
    assert np.array_equal(np.sign(slots), slot_signs(payload))


def test_the_pattern_is_the_published_one() -> None:
    known = pattern()
    assert (len(known.points), len(known.sync), len(known.coded)) == (482, 121, 722)
    assert np.allclose(tile(0x0123456789AB)[0, :4], _FIRST_SAMPLES, atol=1e-3)
    assert np.count_nonzero(np.bincount(known.coded, minlength=384) == 0) == 0
