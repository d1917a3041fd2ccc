"""The keyed mark is found by its key alone, after most changes, and not where it was copied."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence import Basis, Claim, Tier
from lightkeeper.evidence.watermark.keyed import (
    KeyedMarkExaminer,
    KeyedPattern,
    LatticeKey,
    embed_keyed,
    read_keyed,
)
from lightkeeper.evidence.watermark.keyed._content import Content
from lightkeeper.evidence.watermark.keyed._pattern import CODED, QUESTIONS, SIDE
from lightkeeper.evidence.watermark.keyed._read import (
    _chance,
    _Geometry,
    _look,
    _searched,
    _Views,
)
from lightkeeper.evidence.watermark.lattice import read_all
from lightkeeper.media import open_media
from lightkeeper.testing import photo_like, synthetic_like

PAYLOAD = 0xFEDCBA987654
OWN, OTHER = (KeyedPattern.of(bytes([value]) * 32) for value in (1, 2))


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return photo_like(5, width=487, height=401)


@pytest.fixture(scope="module")
def marked(plain: np.ndarray) -> np.ndarray:
    return embed_keyed(plain, OWN, PAYLOAD)


def _jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def _resized(rgb: np.ndarray, factor: float) -> np.ndarray:
    size = round(rgb.shape[1] * factor), round(rgb.shape[0] * factor)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def test_its_key_finds_it_and_reads_the_payload(marked: np.ndarray) -> None:
    (found,) = read_keyed(marked, [OWN])
    assert found is not None
    assert found.payload == PAYLOAD
    assert found.p_value < 1e-6
    assert (found.scale, found.rotation, found.flipped) == (1, 0, False)


def test_no_other_key_finds_it_nor_the_reader_of_the_open_mark(marked: np.ndarray) -> None:
    assert read_keyed(marked, [OTHER]) == (None,)
    assert read_all(marked) == ()


def test_each_key_has_its_own_answer(plain: np.ndarray, marked: np.ndarray) -> None:
    assert [one is not None for one in read_keyed(marked, [OTHER, OWN])] == [False, True]
    both = read_keyed(embed_keyed(marked, OTHER, 7), [OTHER, OWN])
    assert [one.payload for one in both if one is not None] == [7, PAYLOAD]
    assert read_keyed(plain, [OTHER, OWN]) == (None, None)
    assert read_keyed(plain, []) == ()


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("flipped", [False, True])
def test_quarter_turns_and_flips_are_undone(marked: np.ndarray, turns: int, flipped: bool) -> None:
    seen = np.rot90(marked[:, ::-1] if flipped else marked, turns)
    (found,) = read_keyed(np.ascontiguousarray(seen), [OWN])
    assert found is not None
    assert (found.rotation, found.flipped, found.payload) == (90 * turns, flipped, PAYLOAD)


@pytest.mark.parametrize("factor", [0.53, 0.83, 1.37])
def test_sizes_that_no_list_names_are_found(marked: np.ndarray, factor: float) -> None:
    (found,) = read_keyed(_resized(marked, factor), [OWN])
    assert found is not None
    assert found.payload == PAYLOAD
    assert found.scale == pytest.approx(factor, rel=0.01)


def test_codecs_and_crops_at_odd_places(marked: np.ndarray) -> None:
    (found,) = read_keyed(_jpeg(marked[37:340, 51:], 60), [OWN])
    assert found is not None
    assert found.payload in (None, PAYLOAD)


def test_more_taken_out_than_there_is_leaves_its_negative(
    plain: np.ndarray, marked: np.ndarray
) -> None:
    change = marked.astype(int) - plain
    over = np.clip(plain - change, 0, 255).astype(np.uint8)
    (found,) = read_keyed(over, [OWN])
    assert found is not None
    assert found.payload == PAYLOAD


def test_it_lies_elsewhere_in_every_picture() -> None:
    pictures = [photo_like(seed, width=200, height=160) for seed in range(6)]
    assert len({OWN.offset(rgb) for rgb in pictures}) == 6
    assert OWN.offset(pictures[0]) == OWN.offset(pictures[0].copy())
    assert OWN.offset(pictures[0]) != OTHER.offset(pictures[0])


def test_the_very_mark_on_another_picture_is_not_read(
    plain: np.ndarray, marked: np.ndarray
) -> None:
    change = marked.astype(int) - plain
    targets = [photo_like(seed, width=487, height=401) for seed in range(20, 24)]
    targets.append(synthetic_like(3, width=487, height=401))
    for target in targets:
        copied = np.clip(target + change, 0, 255).astype(np.uint8)
        assert read_keyed(copied, [OWN]) == (None,)


def test_the_mean_of_many_marks_holds_none_of_them() -> None:
    pictures = [photo_like(seed, width=256, height=256) for seed in range(12)]
    changes = [embed_keyed(rgb, OWN).astype(float) - rgb for rgb in pictures]
    energy = np.mean([np.mean(change**2) for change in changes])
    left = np.mean(np.mean(changes, axis=0) ** 2)
    assert left == pytest.approx(energy / 12, rel=0.3)


def test_no_period_shows_in_it(plain: np.ndarray, marked: np.ndarray) -> None:
    change = (marked.astype(float) - plain).mean(axis=2)
    power = np.abs(np.fft.fft2(change)) ** 2
    lags = np.fft.ifft2(power).real / power.mean()
    lags[np.ix_(*([*range(-8, 9)] for _ in range(2)))] = 0
    assert np.abs(lags).max() < 0.05


def test_the_bound_holds_over_keys() -> None:
    views = _Views(photo_like(9, width=256, height=256))
    view = views.view(_Geometry(), 1024)
    keys = [KeyedPattern.of(n.to_bytes(32)) for n in range(60)]
    z = [_look(view, key).z for key in keys]
    places = 4 * SIDE * SIDE
    for bound in (0.5, 0.1):
        least = np.sqrt(2 * np.log(places / bound))
        assert np.mean(np.array(z) > least) <= bound
    # Bounds that nothing comes near would say nothing of the search.
    assert np.median(z) > 4


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_flat_picture_has_no_finding(value: int) -> None:
    assert read_keyed(np.full((200, 300, 3), value, np.uint8), [OWN]) == (None,)


@pytest.mark.parametrize("shape", [(63, 400), (400, 63), (64, 64), (65, 1300), (3000, 70)])
def test_odd_shapes_are_looked_at(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert read_keyed(rgb, [OWN]) == (None,)


@pytest.mark.parametrize(
    ("shape", "payload", "psnr"),
    [((127, 200), 0, 36), ((200, 200), 1 << 48, 36), ((200, 200), -1, 36), ((200, 200), 0, 70)],
)
def test_what_cannot_be_marked_is_refused(
    shape: tuple[int, int], payload: int, psnr: float
) -> None:
    with pytest.raises(EvidenceError):
        embed_keyed(np.zeros((*shape, 3), np.uint8), OWN, payload, psnr=psnr)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_has_its_length(size: int) -> None:
    with pytest.raises(EvidenceError, match="32 bytes"):
        KeyedPattern.of(b"x" * size)


@given(st.binary(min_size=32, max_size=32))
def test_a_pattern_is_balanced_and_its_questions_are_orthogonal(key: bytes) -> None:
    pattern = KeyedPattern.of(key)
    assert np.abs(pattern.presence).min() == 1
    assert abs(pattern.presence.mean()) < 0.03
    assert np.bincount(pattern.coded, minlength=CODED).min() == SIDE * SIDE // CODED
    flat = pattern.questions.reshape(2 * QUESTIONS, -1)
    assert np.allclose(flat @ flat.T, np.eye(2 * QUESTIONS), atol=1e-5)
    assert key.hex() not in repr(pattern)


@given(st.integers(0, 30), st.floats(0.5, 2), st.floats(-60, 60))
def test_answers_do_not_follow_brightness_or_contrast(
    seed: int, contrast: float, brightness: float
) -> None:
    spots = np.random.default_rng(seed).normal(128, 40, (8, 12))
    cells = np.kron(spots, np.ones((8, 8)))
    shown = [
        Content.of(np.asarray(plane, np.float32))
        for plane in (cells, cells * contrast + brightness)
    ]
    first, second = (content.signs(OWN.questions[0]) for content in shown)
    # The truncated bends do not sum to zero, so that brightness shifts a few answers.
    assert np.mean(first == second) > 0.85


@given(st.floats(0, 60), st.integers(1, 1 << 40))
def test_chance_is_a_probability_and_falls(z: float, tests: int) -> None:
    assert 0 < _chance(z + 1, tests) <= _chance(z, tests) <= 1


def test_the_search_names_every_size_once() -> None:
    scales = sorted(each.scale for each in _searched() if not each.turns and not each.flipped)
    assert scales[0] < 0.29
    assert scales[-1] > 2
    assert max(np.diff(np.log(scales))) < 0.025


def test_a_finding_says_what_was_seen_and_no_key(marked: np.ndarray) -> None:
    keys = (LatticeKey(label="prints", key=bytes([1]) * 32), LatticeKey.draw("web"))
    examiner = KeyedMarkExaminer(keys)
    assert examiner.tier is Tier.MODEL
    assert examiner.unavailable() is None
    stream = io.BytesIO()
    Image.fromarray(marked).save(stream, "PNG")
    (finding,) = examiner.examine(open_media(stream.getvalue()))
    assert finding.claim is Claim.CARRIES_MARK
    assert finding.basis is Basis.PUBLIC_MARK
    assert "prints" in finding.summary
    assert f"{PAYLOAD:012x}" in finding.summary
    assert "mark-can-be-copied" in finding.limits
    assert "01010101" not in repr(finding) + repr(keys)
